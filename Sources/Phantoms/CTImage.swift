// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One series of a phantom study, as its instances describe it.
struct PhantomSeries {
    var choices: HeadCT
    var layout: HeadLayout
    var stored: StoredValues
    var uids: PhantomUIDs
    var seriesInstanceUID: UID
    var seriesNumber: Int
    var description: String
    /// Values 1 to 3 of Image Type.
    var imageType: [String]

    var studyInstanceUID: UID { uids.uid("study") }
    var frameOfReferenceUID: UID { uids.uid("frameOfReference") }
    var hasContrast: Bool { choices.deceivers.contains(.contrast) }

    /// Patient, study, series, equipment and frame of reference: the same in every instance (PS3.3 C.7).
    func setCommon(_ item: Item, sopClassUID: UID, sopInstanceUID: UID, name: [UInt8]) throws(DCMTKError) {
        if let characterSet = choices.characterSet.attribute { try item.set(.specificCharacterSet, characterSet) }
        try item.set(.sopClassUID, sopClassUID)
        try item.set(.sopInstanceUID, sopInstanceUID)
        for date in [Tag.instanceCreationDate, .studyDate, .seriesDate, .contentDate] {
            try item.set(date, choices.studyDate)
        }
        for time in [Tag.instanceCreationTime, .studyTime, .seriesTime, .contentTime] {
            try item.set(time, choices.studyTime)
        }
        try item.set(.accessionNumber, choices.accessionNumber ?? "A\(choices.seed)")
        try item.set(.modality, "CT")
        try item.set(.manufacturer, "triaged")
        try item.set(.manufacturerModelName, "Phantom")
        try item.set(.deviceSerialNumber, "1")
        try item.set(.softwareVersions, "1")
        try item.setEmpty(.referringPhysicianName)
        try item.set(.studyDescription, hasContrast ? "HEAD W CONTRAST" : "HEAD W/O CONTRAST")
        try item.set(.seriesDescription, description)
        try item.set(.patientName, text: name)
        try item.set(.patientID, choices.patientID ?? "PHANTOM-\(choices.seed)")
        if let issuer = choices.issuerOfPatientID { try item.set(.issuerOfPatientID, issuer) }
        try item.set(.patientBirthDate, choices.patientBirthDate)
        try item.set(.patientSex, choices.patientSex)
        try item.set(.bodyPartExamined, "HEAD")
        try item.set(.protocolName, "Head routine")
        try item.set(.patientPosition, "HFS")
        try item.set(.studyInstanceUID, studyInstanceUID)
        try item.set(.seriesInstanceUID, seriesInstanceUID)
        try item.set(.studyID, "1")
        try item.set(.seriesNumber, "\(seriesNumber)")
        try item.set(.frameOfReferenceUID, frameOfReferenceUID)
        try item.setEmpty(.positionReferenceIndicator)
        try item.set(.burnedInAnnotation, "NO")
        // Image Pixel (PS3.3 C.7.6.3)
        try item.set(.samplesPerPixel, 1)
        try item.set(.photometricInterpretation, "MONOCHROME2")
        try item.set(.rows, choices.rows)
        try item.set(.columns, choices.columns)
        try item.set(.bitsAllocated, stored.bitsAllocated)
        try item.set(.bitsStored, stored.bitsStored)
        try item.set(.highBit, stored.bitsStored - 1)
        try item.set(.pixelRepresentation, stored.isSigned ? 1 : 0)
    }

    /// CT Image Storage (PS3.3 A.3), one plane.
    func setSingleFrame(_ item: Item, plane: HeadLayout.Plane, instanceNumber: Int) throws(DCMTKError) {
        try item.set(.imageType, imageType.joined(separator: "\\"))
        try item.set(.acquisitionDate, choices.studyDate)
        try item.set(.acquisitionTime, choices.studyTime)
        if hasContrast { try item.set(.contrastBolusAgent, "IODINE") }
        try item.set(.instanceNumber, "\(instanceNumber)")
        try item.set(.acquisitionNumber, "1")
        try item.set(.imagesInAcquisition, "\(choices.slices)")
        try item.set(.pixelSpacing, "\(decimal(layout.pixelSpacing))\\\(decimal(layout.pixelSpacing))")
        try item.set(.imageOrientationPatient, decimals(plane.rowCosines, plane.columnCosines))
        if plane.hasPosition {
            try item.set(.imagePositionPatient, decimals(plane.position))
        }
        try item.set(.sliceThickness, decimal(layout.sliceThickness))
        try item.set(.spacingBetweenSlices, decimal(layout.sliceSpacing))
        try item.set(.sliceLocation, decimal(plane.location))
        try item.set(.kvp, "120")
        try item.set(.dataCollectionDiameter, "250")
        try item.set(.reconstructionDiameter, "240")
        try item.set(.gantryDetectorTilt, decimal(choices.tilt))
        try item.set(.tableHeight, "150")
        try item.set(.rotationDirection, "CW")
        try item.set(.exposureTime, "1000")
        try item.set(.xRayTubeCurrent, "250")
        try item.set(.convolutionKernel, "H31s")
        try item.set(.windowCenter, "40")
        try item.set(.windowWidth, "80")
        guard !choices.defects.contains(.missingRescale) else { return }
        try item.set(.rescaleIntercept, decimal(stored.intercept))
        try item.set(.rescaleSlope, decimal(stored.slope))
        try item.set(.rescaleType, "HU")
    }
}

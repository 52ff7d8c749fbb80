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

    func setCommon(_ item: Item, sopClassUID: UID, sopInstanceUID: UID, name: [UInt8]) throws(DCMTKError) {
        try PhantomHeader(
            patient: choices.patient, seed: choices.seed, name: name, modality: "CT",
            studyInstanceUID: studyInstanceUID, seriesInstanceUID: seriesInstanceUID,
            frameOfReferenceUID: frameOfReferenceUID, seriesNumber: seriesNumber,
            studyDescription: hasContrast ? "HEAD W CONTRAST" : "HEAD W/O CONTRAST", seriesDescription: description,
            bodyPart: "HEAD", protocolName: "Head routine", format: stored.format(choices)
        ).set(item, sopClassUID: sopClassUID, sopInstanceUID: sopInstanceUID)
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

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Whose study a phantom is, and of when.
package struct PhantomPatient: Hashable, Sendable {
    package var characterSet = HeadCT.CharacterSet.latin1
    /// The three groups joined by "="; nil: a name that fits the character set.
    package var patientName: String?
    /// nil: "PHANTOM-" and the seed.
    package var patientID: String?
    package var issuerOfPatientID: String?
    package var patientBirthDate = "19500101"
    package var patientSex = "O"
    /// nil: "A" and the seed.
    package var accessionNumber: String?
    package var studyDate = "20260102"
    package var studyTime = "101500"

    package init() {}

    func encodedName() throws(PhantomError) -> [UInt8] {
        try characterSet.encode(patientName ?? characterSet.defaultPatientName)
    }
}

/// What all instances of a series say alike.
struct PhantomHeader {
    var patient: PhantomPatient
    var seed: UInt64
    /// The patient's name, encoded.
    var name: [UInt8]
    var modality: String
    var studyInstanceUID: UID
    var seriesInstanceUID: UID
    /// nil for images without a place in the patient.
    var frameOfReferenceUID: UID?
    var seriesNumber: Int
    var studyDescription: String
    var seriesDescription: String
    var bodyPart: String
    var protocolName: String
    var format: FrameFormat
    var patientPosition: String? = "HFS"

    /// Patient, study, series, equipment and frame of reference (PS3.3 C.7).
    func set(_ item: Item, sopClassUID: UID, sopInstanceUID: UID) throws(DCMTKError) {
        if let characterSet = patient.characterSet.attribute { try item.set(.specificCharacterSet, characterSet) }
        try item.set(.sopClassUID, sopClassUID)
        try item.set(.sopInstanceUID, sopInstanceUID)
        for date in [Tag.instanceCreationDate, .studyDate, .seriesDate, .contentDate] {
            try item.set(date, patient.studyDate)
        }
        for time in [Tag.instanceCreationTime, .studyTime, .seriesTime, .contentTime] {
            try item.set(time, patient.studyTime)
        }
        try item.set(.accessionNumber, patient.accessionNumber ?? "A\(seed)")
        try item.set(.modality, modality)
        try item.set(.manufacturer, "triaged")
        try item.set(.manufacturerModelName, "Phantom")
        try item.set(.deviceSerialNumber, "1")
        try item.set(.softwareVersions, "1")
        try item.setEmpty(.referringPhysicianName)
        try item.set(.studyDescription, studyDescription)
        try item.set(.seriesDescription, seriesDescription)
        try item.set(.patientName, text: name)
        try item.set(.patientID, patient.patientID ?? "PHANTOM-\(seed)")
        if let issuer = patient.issuerOfPatientID { try item.set(.issuerOfPatientID, issuer) }
        try item.set(.patientBirthDate, patient.patientBirthDate)
        try item.set(.patientSex, patient.patientSex)
        try item.set(.bodyPartExamined, bodyPart)
        try item.set(.protocolName, protocolName)
        if let patientPosition { try item.set(.patientPosition, patientPosition) }
        try item.set(.studyInstanceUID, studyInstanceUID)
        try item.set(.seriesInstanceUID, seriesInstanceUID)
        try item.set(.studyID, "1")
        try item.set(.seriesNumber, "\(seriesNumber)")
        if let frameOfReferenceUID {
            try item.set(.frameOfReferenceUID, frameOfReferenceUID)
            try item.setEmpty(.positionReferenceIndicator)
        }
        try item.set(.burnedInAnnotation, "NO")
        // Image Pixel (PS3.3 C.7.6.3)
        try item.set(.samplesPerPixel, format.samplesPerPixel)
        try item.set(.photometricInterpretation, format.photometricInterpretation)
        try item.set(.rows, format.rows)
        try item.set(.columns, format.columns)
        try item.set(.bitsAllocated, format.bitsAllocated)
        try item.set(.bitsStored, format.bitsStored)
        try item.set(.highBit, format.bitsStored - 1)
        try item.set(.pixelRepresentation, format.isSigned ? 1 : 0)
    }
}

func setCode(_ item: Item, _ value: String, _ scheme: String, _ meaning: String) throws(DCMTKError) {
    try item.set(.codeValue, value)
    try item.set(.codingSchemeDesignator, scheme)
    try item.set(.codeMeaning, meaning)
}

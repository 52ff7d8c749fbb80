// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Who a data set says the patient is. Two are the same patient only if ID and issuer agree; see `isIdentifying`.
package struct PatientIdentity: Hashable, Sendable, Codable {
    package var patientID: String
    package var issuerOfPatientID: String
    /// Decoded, the three component groups joined by "=" as stored.
    package var patientName: String
    /// As stored, YYYYMMDD.
    package var patientBirthDate: String
    package var patientSex: String

    package init(
        patientID: String = "", issuerOfPatientID: String = "", patientName: String = "", patientBirthDate: String = "",
        patientSex: String = ""
    ) {
        self.patientID = patientID
        self.issuerOfPatientID = issuerOfPatientID
        self.patientName = patientName
        self.patientBirthDate = patientBirthDate
        self.patientSex = patientSex
    }
}

/// What the scan reads from a data set on its way to disk: all that indexing, completeness and selection need.
/// Text is decoded; numbers that do not parse are nil; only the UIDs are required.
package struct InstanceHeader: Sendable, Codable, Hashable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var studyInstanceUID: UID
    package var seriesInstanceUID: UID
    package var transferSyntaxUID: UID
    package var patient = PatientIdentity()

    package var specificCharacterSet: [String] = []
    /// False where some text could not be decoded with the character sets that the data set names.
    package var isTextIntact = true

    package var accessionNumber = ""
    package var studyID = ""
    package var studyDate = ""
    package var studyTime = ""
    package var studyDescription = ""
    /// Decoded, as the patient's name is.
    package var referringPhysicianName = ""
    package var modality = ""
    package var manufacturer = ""
    package var seriesNumber: Int?
    package var seriesDescription = ""
    package var seriesDate = ""
    package var seriesTime = ""
    /// Items of Request Attributes Sequence, at most 16.
    package var requestAttributes: [RequestAttributes] = []
    package var protocolName = ""
    package var bodyPartExamined = ""
    package var convolutionKernel = ""
    package var contrastBolusAgent = ""
    /// True where Contrast/Bolus Agent or its sequence is present with a value.
    package var hasContrast = false
    package var imageType: [String] = []
    package var instanceNumber: Int?
    package var contentDate = ""
    package var contentTime = ""
    package var acquisitionNumber: Int?
    package var numberOfFrames: Int?
    package var rows: Int?
    package var columns: Int?
    package var sliceThickness: Double?
    package var spacingBetweenSlices: Double?
    package var pixelSpacing: [Double]?
    package var imagePositionPatient: [Double]?
    package var imageOrientationPatient: [Double]?
    package var gantryDetectorTilt: Double?
    package var frameOfReferenceUID: UID?
    package var imagesInAcquisition: Int?
    package var burnedInAnnotation = ""
    /// True where the data set has a Pixel Data element (also Float or Double Float).
    package var hasPixelData = false
    /// What a decoder or a second reader could stumble over in an instance that is stored all the same: words of
    /// `HeaderDefect`, in its order.
    package var defects: [String] = []

    package init(
        sopClassUID: UID, sopInstanceUID: UID, studyInstanceUID: UID, seriesInstanceUID: UID, transferSyntaxUID: UID
    ) {
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.studyInstanceUID = studyInstanceUID
        self.seriesInstanceUID = seriesInstanceUID
        self.transferSyntaxUID = transferSyntaxUID
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Query/Retrieve Level (0008,0052), from the highest down (PS3.4 C.6.1.1).
package enum QueryLevel: Int, Sendable, Comparable, CaseIterable {
    case patient, study, series, image

    package init?(codeString: String) {
        guard let found = Self.allCases.first(where: { $0.codeString == codeString }) else { return nil }
        self = found
    }

    package var codeString: String {
        switch self {
        case .patient: "PATIENT"
        case .study: "STUDY"
        case .series: "SERIES"
        case .image: "IMAGE"
        }
    }

    /// The Unique Key of the level (PS3.4 C.6.1.1.2 ff.).
    package var uniqueKey: Tag {
        switch self {
        case .patient: .patientID
        case .study: .studyInstanceUID
        case .series: .seriesInstanceUID
        case .image: .sopInstanceUID
        }
    }

    package static func < (a: QueryLevel, b: QueryLevel) -> Bool { a.rawValue < b.rawValue }
}

/// A key attribute that this node supports, with what its value representation means for matching (PS3.4 C.2.2.2).
package struct QueryAttribute: Sendable {
    package enum Rule: Sendable {
        case uid, personName, text, code, date, time, integer, sequence
        /// Returned, never matched: it is the same for all, or says how the object is kept.
        case returned
    }

    package let tag: Tag
    package let vr: String
    package let level: QueryLevel
    package let rule: Rule

    package static subscript(_ tag: Tag) -> QueryAttribute? { byTag[tag] }

    private static let byTag = Dictionary(uniqueKeysWithValues: all.map { ($0.tag, $0) })

    private static let all: [QueryAttribute] =
        level(
            .patient,
            [
                (.patientName, "PN", .personName), (.patientID, "LO", .text), (.issuerOfPatientID, "LO", .text),
                (.patientBirthDate, "DA", .date), (.patientSex, "CS", .code),
                (.numberOfPatientRelatedStudies, "IS", .integer), (.numberOfPatientRelatedSeries, "IS", .integer),
                (.numberOfPatientRelatedInstances, "IS", .integer),
            ])
        + level(
            .study,
            [
                (.studyDate, "DA", .date), (.studyTime, "TM", .time), (.accessionNumber, "SH", .text),
                (.studyID, "SH", .text), (.studyInstanceUID, "UI", .uid), (.studyDescription, "LO", .text),
                (.referringPhysicianName, "PN", .personName), (.modalitiesInStudy, "CS", .code),
                (.sopClassesInStudy, "UI", .uid), (.numberOfStudyRelatedSeries, "IS", .integer),
                (.numberOfStudyRelatedInstances, "IS", .integer),
            ])
        + level(
            .series,
            [
                (.modality, "CS", .code), (.seriesNumber, "IS", .integer), (.seriesInstanceUID, "UI", .uid),
                (.seriesDescription, "LO", .text), (.bodyPartExamined, "CS", .code), (.protocolName, "LO", .text),
                (.manufacturer, "LO", .text), (.seriesDate, "DA", .date), (.seriesTime, "TM", .time),
                (.numberOfSeriesRelatedInstances, "IS", .integer), (.requestAttributesSequence, "SQ", .sequence),
                (.scheduledProcedureStepID, "SH", .text), (.requestedProcedureID, "SH", .text),
            ])
        + level(
            .image,
            [
                (.instanceNumber, "IS", .integer), (.sopInstanceUID, "UI", .uid), (.sopClassUID, "UI", .uid),
                (.rows, "US", .integer), (.columns, "US", .integer), (.numberOfFrames, "IS", .integer),
                (.contentDate, "DA", .date), (.contentTime, "TM", .time), (.imageType, "CS", .code),
                (.acquisitionNumber, "IS", .integer), (.availableTransferSyntaxUID, "UI", .returned),
            ])
        + level(.patient, [(.retrieveAETitle, "AE", .returned), (.instanceAvailability, "CS", .returned)])

    private static func level(_ level: QueryLevel, _ rows: [(Tag, String, Rule)]) -> [QueryAttribute] {
        rows.map { QueryAttribute(tag: $0.0, vr: $0.1, level: level, rule: $0.2) }
    }
}

/// Attributes by their keywords (PS3.6), as far as queries need them.
extension Tag {
    package static let specificCharacterSet = Tag(0x0008, 0x0005)
    package static let imageType = Tag(0x0008, 0x0008)
    package static let sopClassUID = Tag(0x0008, 0x0016)
    package static let sopInstanceUID = Tag(0x0008, 0x0018)
    package static let studyDate = Tag(0x0008, 0x0020)
    package static let seriesDate = Tag(0x0008, 0x0021)
    package static let contentDate = Tag(0x0008, 0x0023)
    package static let studyTime = Tag(0x0008, 0x0030)
    package static let seriesTime = Tag(0x0008, 0x0031)
    package static let contentTime = Tag(0x0008, 0x0033)
    package static let accessionNumber = Tag(0x0008, 0x0050)
    package static let queryRetrieveLevel = Tag(0x0008, 0x0052)
    package static let retrieveAETitle = Tag(0x0008, 0x0054)
    package static let instanceAvailability = Tag(0x0008, 0x0056)
    package static let failedSOPInstanceUIDList = Tag(0x0008, 0x0058)
    package static let modality = Tag(0x0008, 0x0060)
    package static let modalitiesInStudy = Tag(0x0008, 0x0061)
    package static let sopClassesInStudy = Tag(0x0008, 0x0062)
    package static let manufacturer = Tag(0x0008, 0x0070)
    package static let referringPhysicianName = Tag(0x0008, 0x0090)
    package static let studyDescription = Tag(0x0008, 0x1030)
    package static let seriesDescription = Tag(0x0008, 0x103E)
    package static let availableTransferSyntaxUID = Tag(0x0008, 0x3002)
    package static let patientName = Tag(0x0010, 0x0010)
    package static let patientID = Tag(0x0010, 0x0020)
    package static let issuerOfPatientID = Tag(0x0010, 0x0021)
    package static let patientBirthDate = Tag(0x0010, 0x0030)
    package static let patientSex = Tag(0x0010, 0x0040)
    package static let bodyPartExamined = Tag(0x0018, 0x0015)
    package static let protocolName = Tag(0x0018, 0x1030)
    package static let studyInstanceUID = Tag(0x0020, 0x000D)
    package static let seriesInstanceUID = Tag(0x0020, 0x000E)
    package static let studyID = Tag(0x0020, 0x0010)
    package static let seriesNumber = Tag(0x0020, 0x0011)
    package static let acquisitionNumber = Tag(0x0020, 0x0012)
    package static let instanceNumber = Tag(0x0020, 0x0013)
    package static let numberOfPatientRelatedStudies = Tag(0x0020, 0x1200)
    package static let numberOfPatientRelatedSeries = Tag(0x0020, 0x1202)
    package static let numberOfPatientRelatedInstances = Tag(0x0020, 0x1204)
    package static let numberOfStudyRelatedSeries = Tag(0x0020, 0x1206)
    package static let numberOfStudyRelatedInstances = Tag(0x0020, 0x1208)
    package static let numberOfSeriesRelatedInstances = Tag(0x0020, 0x1209)
    package static let numberOfFrames = Tag(0x0028, 0x0008)
    package static let rows = Tag(0x0028, 0x0010)
    package static let columns = Tag(0x0028, 0x0011)
    package static let scheduledProcedureStepID = Tag(0x0040, 0x0009)
    package static let requestAttributesSequence = Tag(0x0040, 0x0275)
    package static let requestedProcedureID = Tag(0x0040, 0x1001)
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// The attributes that the scan gathers from the top level.
enum Slot: UInt32, Sendable {
    case specificCharacterSet = 0x0008_0005
    case imageType = 0x0008_0008
    case sopClassUID = 0x0008_0016
    case sopInstanceUID = 0x0008_0018
    case studyDate = 0x0008_0020
    case seriesDate = 0x0008_0021
    case contentDate = 0x0008_0023
    case studyTime = 0x0008_0030
    case seriesTime = 0x0008_0031
    case contentTime = 0x0008_0033
    case accessionNumber = 0x0008_0050
    case modality = 0x0008_0060
    case manufacturer = 0x0008_0070
    case referringPhysicianName = 0x0008_0090
    case studyDescription = 0x0008_1030
    case seriesDescription = 0x0008_103E
    case patientName = 0x0010_0010
    case patientID = 0x0010_0020
    case issuerOfPatientID = 0x0010_0021
    case patientBirthDate = 0x0010_0030
    case patientSex = 0x0010_0040
    case contrastBolusAgent = 0x0018_0010
    case bodyPartExamined = 0x0018_0015
    case sliceThickness = 0x0018_0050
    case spacingBetweenSlices = 0x0018_0088
    case protocolName = 0x0018_1030
    case gantryDetectorTilt = 0x0018_1120
    case convolutionKernel = 0x0018_1210
    case studyInstanceUID = 0x0020_000D
    case seriesInstanceUID = 0x0020_000E
    case studyID = 0x0020_0010
    case seriesNumber = 0x0020_0011
    case acquisitionNumber = 0x0020_0012
    case instanceNumber = 0x0020_0013
    case imagePositionPatient = 0x0020_0032
    case imageOrientationPatient = 0x0020_0037
    case frameOfReferenceUID = 0x0020_0052
    case imagesInAcquisition = 0x0020_1002
    case samplesPerPixel = 0x0028_0002
    case photometricInterpretation = 0x0028_0004
    case numberOfFrames = 0x0028_0008
    case rows = 0x0028_0010
    case columns = 0x0028_0011
    case pixelSpacing = 0x0028_0030
    case bitsAllocated = 0x0028_0100
    case burnedInAnnotation = 0x0028_0301

    /// Of items of Request Attributes Sequence; no data set has a group FFFF (PS3.5 7.1).
    case scheduledProcedureStepID = 0xFFFF_0009
    case requestedProcedureID = 0xFFFF_1001

    static let contrastBolusAgentSequence: UInt32 = 0x0018_0012
    static let requestAttributesSequence: UInt32 = 0x0040_0275

    var tag: Tag { Tag(rawValue) }

    /// Says whose image it is, or where and how its pixels lie: never guessed at, so never there twice.
    var isUnique: Bool {
        switch self {
        case .specificCharacterSet, .sopClassUID, .sopInstanceUID, .studyInstanceUID, .seriesInstanceUID,
            .patientName, .patientID, .issuerOfPatientID, .patientBirthDate, .patientSex, .imagePositionPatient,
            .imageOrientationPatient, .frameOfReferenceUID, .samplesPerPixel, .photometricInterpretation,
            .numberOfFrames, .rows, .columns, .pixelSpacing, .bitsAllocated:
            true
        case .imageType, .studyDate, .studyTime, .accessionNumber, .modality, .manufacturer, .studyDescription,
            .seriesDescription, .contrastBolusAgent, .bodyPartExamined, .sliceThickness, .spacingBetweenSlices,
            .protocolName, .gantryDetectorTilt, .convolutionKernel, .studyID, .seriesNumber, .acquisitionNumber,
            .instanceNumber, .imagesInAcquisition, .burnedInAnnotation, .seriesDate, .seriesTime, .contentDate,
            .contentTime, .referringPhysicianName, .scheduledProcedureStepID, .requestedProcedureID:
            false
        }
    }

    /// Says which instance it is, or whose.
    var isIdentity: Bool {
        switch self {
        case .sopClassUID, .sopInstanceUID, .studyInstanceUID, .seriesInstanceUID, .patientName, .patientID,
            .issuerOfPatientID, .patientBirthDate, .patientSex, .frameOfReferenceUID:
            true
        default: false
        }
    }

    var isUnsignedShort: Bool {
        self == .rows || self == .columns || self == .samplesPerPixel || self == .bitsAllocated
    }
}

/// The gathered values, undecoded: Specific Character Set may, against the standard, come after them.
struct Harvest: Sendable {
    let encoding: DataSetEncoding
    var bytes: [UInt8] = []
    /// In the order of arrival; few enough to be searched from the front.
    private var spans: [(slot: Slot, range: Range<Int>)] = []
    var defects = DefectSet()
    /// True between Contrast/Bolus Agent Sequence and the next top-level element.
    var watchesItems = false
    var hasContrastSequence = false
    /// True between Request Attributes Sequence and the next top-level element.
    var watchesRequests = false
    private(set) var requests: [(step: Range<Int>, procedure: Range<Int>)] = []

    init(encoding: DataSetEncoding) {
        self.encoding = encoding
        bytes.reserveCapacity(1024)
        spans.reserveCapacity(48)
    }

    /// Makes room for a value of which `length` bytes follow; false where it is not to be kept.
    mutating func begin(
        _ slot: Slot, vr: UInt16, length: UInt32, _ limits: DataSetScan.Limits, at offset: UInt64
    ) throws(ScanError) -> Bool {
        guard !isPresent(slot) else {
            if slot.isUnique { throw .duplicateAttribute(slot.tag, offset: offset) }
            defects.insert(.duplicateElement)
            return false
        }
        guard Int(length) <= limits.maximumHeaderValueLength else {
            if slot.isUnique { throw .valueTooLong(slot.tag, offset: offset) }
            defects.insert(.valueTooLong)
            spans.append((slot, bytes.count..<bytes.count))
            return false
        }
        if slot.isUnsignedShort, vr != 0, vr != VRForm.code("US"), vr != VRForm.code("UN") {
            defects.insert(.vrMismatch)
            spans.append((slot, bytes.count..<bytes.count))
            return false
        }
        spans.append((slot, bytes.count..<bytes.count + Int(length)))
        return true
    }

    mutating func sawTopLevelItem() {
        if watchesItems { hasContrastSequence = true }
        if watchesRequests, requests.count < 16 { requests.append((0..<0, 0..<0)) } else { watchesRequests = false }
    }

    /// An element of an item of Request Attributes Sequence, of which `length` bytes follow; false where it is not to be kept.
    mutating func begin(request tag: UInt32, length: UInt32) -> Slot? {
        // SH.
        guard !requests.isEmpty, length <= 256 else { return nil }
        let range = bytes.count..<bytes.count + Int(length)
        switch tag {
        case 0x0040_0009: requests[requests.count - 1].step = range
        case 0x0040_1001: requests[requests.count - 1].procedure = range
        default: return nil
        }
        return tag == 0x0040_0009 ? .scheduledProcedureStepID : .requestedProcedureID
    }

    func isPresent(_ slot: Slot) -> Bool { spans.contains { $0.slot == slot } }

    func value(_ slot: Slot) -> ArraySlice<UInt8> {
        spans.first { $0.slot == slot }.map { bytes[$0.range] } ?? []
    }

    /// The first value of a US attribute.
    func unsignedShort(_ slot: Slot) -> Int? {
        let value = value(slot)
        guard value.count >= 2 else { return nil }
        let (first, second) = (UInt16(value[value.startIndex]), UInt16(value[value.startIndex + 1]))
        return Int(encoding == .explicitBig ? first << 8 | second : second << 8 | first)
    }
}

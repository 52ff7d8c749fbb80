// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Attributes that results are made of (PS3.6), by their keywords.
enum Attribute {
    static let specificCharacterSet = Tag(0x0008, 0x0005)
    static let imageType = Tag(0x0008, 0x0008)
    static let sopClassUID = Tag(0x0008, 0x0016)
    static let sopInstanceUID = Tag(0x0008, 0x0018)
    static let seriesDate = Tag(0x0008, 0x0021)
    static let contentDate = Tag(0x0008, 0x0023)
    static let seriesTime = Tag(0x0008, 0x0031)
    static let contentTime = Tag(0x0008, 0x0033)
    static let accessionNumber = Tag(0x0008, 0x0050)
    static let issuerOfAccessionNumberSequence = Tag(0x0008, 0x0051)
    static let modality = Tag(0x0008, 0x0060)
    static let manufacturer = Tag(0x0008, 0x0070)
    static let institutionName = Tag(0x0008, 0x0080)
    static let codeValue = Tag(0x0008, 0x0100)
    static let codingSchemeDesignator = Tag(0x0008, 0x0102)
    static let codeMeaning = Tag(0x0008, 0x0104)
    static let longCodeValue = Tag(0x0008, 0x0119)
    static let timezoneOffsetFromUTC = Tag(0x0008, 0x0201)
    static let stationName = Tag(0x0008, 0x1010)
    static let procedureCodeSequence = Tag(0x0008, 0x1032)
    static let seriesDescription = Tag(0x0008, 0x103E)
    static let manufacturerModelName = Tag(0x0008, 0x1090)
    static let referencedStudySequence = Tag(0x0008, 0x1110)
    static let referencedPerformedProcedureStepSequence = Tag(0x0008, 0x1111)
    static let referencedSeriesSequence = Tag(0x0008, 0x1115)
    static let referencedInstanceSequence = Tag(0x0008, 0x114A)
    static let referencedSOPClassUID = Tag(0x0008, 0x1150)
    static let referencedSOPInstanceUID = Tag(0x0008, 0x1155)
    static let referencedFrameNumber = Tag(0x0008, 0x1160)
    static let referencedSOPSequence = Tag(0x0008, 0x1199)
    static let sourceImageSequence = Tag(0x0008, 0x2112)
    static let anatomicRegionSequence = Tag(0x0008, 0x2218)
    static let anatomicRegionModifierSequence = Tag(0x0008, 0x2220)
    static let derivationImageSequence = Tag(0x0008, 0x9124)
    static let derivationCodeSequence = Tag(0x0008, 0x9215)
    static let patientName = Tag(0x0010, 0x0010)
    static let patientID = Tag(0x0010, 0x0020)
    static let issuerOfPatientID = Tag(0x0010, 0x0021)
    static let patientBirthDate = Tag(0x0010, 0x0030)
    static let patientSex = Tag(0x0010, 0x0040)
    static let bodyPartExamined = Tag(0x0018, 0x0015)
    static let sliceThickness = Tag(0x0018, 0x0050)
    static let spacingBetweenSlices = Tag(0x0018, 0x0088)
    static let deviceSerialNumber = Tag(0x0018, 0x1000)
    static let deviceUID = Tag(0x0018, 0x1002)
    static let softwareVersions = Tag(0x0018, 0x1020)
    static let contributingEquipmentSequence = Tag(0x0018, 0xA001)
    static let contributionDateTime = Tag(0x0018, 0xA002)
    static let contributionDescription = Tag(0x0018, 0xA003)
    static let studyInstanceUID = Tag(0x0020, 0x000D)
    static let seriesInstanceUID = Tag(0x0020, 0x000E)
    static let seriesNumber = Tag(0x0020, 0x0011)
    static let instanceNumber = Tag(0x0020, 0x0013)
    static let imagePositionPatient = Tag(0x0020, 0x0032)
    static let imageOrientationPatient = Tag(0x0020, 0x0037)
    static let frameOfReferenceUID = Tag(0x0020, 0x0052)
    static let laterality = Tag(0x0020, 0x0060)
    static let positionReferenceIndicator = Tag(0x0020, 0x1040)
    static let frameContentSequence = Tag(0x0020, 0x9111)
    static let planePositionSequence = Tag(0x0020, 0x9113)
    static let planeOrientationSequence = Tag(0x0020, 0x9116)
    static let dimensionIndexValues = Tag(0x0020, 0x9157)
    static let dimensionOrganizationUID = Tag(0x0020, 0x9164)
    static let dimensionIndexPointer = Tag(0x0020, 0x9165)
    static let functionalGroupPointer = Tag(0x0020, 0x9167)
    static let dimensionOrganizationSequence = Tag(0x0020, 0x9221)
    static let dimensionIndexSequence = Tag(0x0020, 0x9222)
    static let dimensionDescriptionLabel = Tag(0x0020, 0x9421)
    static let samplesPerPixel = Tag(0x0028, 0x0002)
    static let photometricInterpretation = Tag(0x0028, 0x0004)
    static let numberOfFrames = Tag(0x0028, 0x0008)
    static let rows = Tag(0x0028, 0x0010)
    static let columns = Tag(0x0028, 0x0011)
    static let pixelSpacing = Tag(0x0028, 0x0030)
    static let bitsAllocated = Tag(0x0028, 0x0100)
    static let bitsStored = Tag(0x0028, 0x0101)
    static let highBit = Tag(0x0028, 0x0102)
    static let pixelRepresentation = Tag(0x0028, 0x0103)
    static let burnedInAnnotation = Tag(0x0028, 0x0301)
    static let lossyImageCompression = Tag(0x0028, 0x2110)
    static let lossyImageCompressionRatio = Tag(0x0028, 0x2112)
    static let lossyImageCompressionMethod = Tag(0x0028, 0x2114)
    static let pixelMeasuresSequence = Tag(0x0028, 0x9110)
    static let requestedProcedureDescription = Tag(0x0032, 0x1060)
    static let requestedProcedureCodeSequence = Tag(0x0032, 0x1064)
    static let requestAttributesSequence = Tag(0x0040, 0x0275)
    static let requestedProcedureID = Tag(0x0040, 0x1001)
    static let placerOrderNumber = Tag(0x0040, 0x2016)
    static let fillerOrderNumber = Tag(0x0040, 0x2017)
    static let conceptNameCodeSequence = Tag(0x0040, 0xA043)
    static let purposeOfReferenceCodeSequence = Tag(0x0040, 0xA170)
    static let referencedRequestSequence = Tag(0x0040, 0xA370)
    static let performedProcedureCodeSequence = Tag(0x0040, 0xA372)
    static let currentRequestedProcedureEvidenceSequence = Tag(0x0040, 0xA375)
    static let completionFlag = Tag(0x0040, 0xA491)
    static let verificationFlag = Tag(0x0040, 0xA493)
    static let preliminaryFlag = Tag(0x0040, 0xA496)
    static let contentSequence = Tag(0x0040, 0xA730)
    static let uid = Tag(0x0040, 0xA124)
    static let referencedSegmentNumber = Tag(0x0062, 0x000B)
    static let segmentationType = Tag(0x0062, 0x0001)
    static let segmentSequence = Tag(0x0062, 0x0002)
    static let segmentedPropertyCategoryCodeSequence = Tag(0x0062, 0x0003)
    static let segmentNumber = Tag(0x0062, 0x0004)
    static let segmentLabel = Tag(0x0062, 0x0005)
    static let segmentDescription = Tag(0x0062, 0x0006)
    static let segmentationAlgorithmIdentificationSequence = Tag(0x0062, 0x0007)
    static let segmentAlgorithmType = Tag(0x0062, 0x0008)
    static let segmentAlgorithmName = Tag(0x0062, 0x0009)
    static let segmentIdentificationSequence = Tag(0x0062, 0x000A)
    static let recommendedDisplayCIELabValue = Tag(0x0062, 0x000D)
    static let segmentedPropertyTypeCodeSequence = Tag(0x0062, 0x000F)
    static let segmentsOverlap = Tag(0x0062, 0x0013)
    static let trackingID = Tag(0x0062, 0x0020)
    static let trackingUID = Tag(0x0062, 0x0021)
    static let algorithmSource = Tag(0x0024, 0x0202)
    static let algorithmFamilyCodeSequence = Tag(0x0066, 0x002F)
    static let algorithmVersion = Tag(0x0066, 0x0031)
    static let algorithmName = Tag(0x0066, 0x0036)
    static let contentLabel = Tag(0x0070, 0x0080)
    static let contentDescription = Tag(0x0070, 0x0081)
    static let contentCreatorName = Tag(0x0070, 0x0084)
    static let spatialLocationsPreserved = Tag(0x0028, 0x135A)
    static let sharedFunctionalGroupsSequence = Tag(0x5200, 0x9229)
    static let perFrameFunctionalGroupsSequence = Tag(0x5200, 0x9230)
    static let pixelData = Tag(0x7FE0, 0x0010)

    /// What identifies the patient and the study. The bytes are copied, with the character set that they are in:
    /// Patient, Patient Study, Clinical Trial Subject and Study, and General Study modules (PS3.3 C.7.1, C.7.2).
    static let copied: [Tag] = [
        specificCharacterSet, timezoneOffsetFromUTC,
        patientName, patientID, issuerOfPatientID, Tag(0x0010, 0x0022), Tag(0x0010, 0x0024), patientBirthDate,
        Tag(0x0010, 0x0032), patientSex, Tag(0x0010, 0x1000), Tag(0x0010, 0x1001), Tag(0x0010, 0x1002),
        Tag(0x0010, 0x2160), Tag(0x0010, 0x2201), Tag(0x0010, 0x2202), Tag(0x0010, 0x2292), Tag(0x0010, 0x2293),
        Tag(0x0010, 0x2294), Tag(0x0010, 0x2297), Tag(0x0010, 0x2298), Tag(0x0010, 0x2299), Tag(0x0010, 0x4000),
        Tag(0x0012, 0x0062), Tag(0x0012, 0x0063), Tag(0x0012, 0x0064),
        Tag(0x0012, 0x0010), Tag(0x0012, 0x0020), Tag(0x0012, 0x0021), Tag(0x0012, 0x0030), Tag(0x0012, 0x0031),
        Tag(0x0012, 0x0040), Tag(0x0012, 0x0042), Tag(0x0012, 0x0050), Tag(0x0012, 0x0051), Tag(0x0012, 0x0081),
        Tag(0x0012, 0x0082),
        studyInstanceUID, Tag(0x0008, 0x0020), Tag(0x0008, 0x0030), Tag(0x0008, 0x0090), Tag(0x0008, 0x0096),
        Tag(0x0020, 0x0010), accessionNumber, issuerOfAccessionNumberSequence, Tag(0x0008, 0x1030),
        procedureCodeSequence, Tag(0x0008, 0x1048), Tag(0x0008, 0x1049), Tag(0x0008, 0x1060), Tag(0x0008, 0x1062),
        Tag(0x0008, 0x1080), Tag(0x0008, 0x1084), Tag(0x0010, 0x1010), Tag(0x0010, 0x1020), Tag(0x0010, 0x1030),
        Tag(0x0010, 0x2180), Tag(0x0010, 0x21B0), Tag(0x0038, 0x0010), Tag(0x0038, 0x0014),
    ]

    /// Type 2 in every composite IOD: present, if empty, whatever the source has.
    static let requiredOfStudy: [Tag] = [
        patientName, patientID, patientBirthDate, patientSex, Tag(0x0008, 0x0020), Tag(0x0008, 0x0030),
        Tag(0x0008, 0x0090), Tag(0x0020, 0x0010), accessionNumber,
    ]
}

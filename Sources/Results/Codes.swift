// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

package enum SOPClass {
    static let segmentation = UID(literal: "1.2.840.10008.5.1.4.1.1.66.4")
    static let labelMapSegmentation = UID(literal: "1.2.840.10008.5.1.4.1.1.66.7")
    static let keyObjectSelection = UID(literal: "1.2.840.10008.5.1.4.1.1.88.59")
    static let secondaryCapture = UID(literal: "1.2.840.10008.5.1.4.1.1.7")
    static let grayscalePresentationState = UID(literal: "1.2.840.10008.5.1.4.1.1.11.1")
    package static let comprehensive3DSR = UID(literal: "1.2.840.10008.5.1.4.1.1.88.34")
}

/// Coded concepts of PS3.16 that results use.
enum Concept {
    static let processingEquipment = Code("109102", "DCM", "Processing Equipment")
    static let artificialIntelligence = Code("123110", "DCM", "Artificial Intelligence")
    static let segmentation = Code("113076", "DCM", "Segmentation")
    static let background = Code("125040", "DCM", "Background")
    static let sourceImageForProcessing = Code("121322", "DCM", "Source image for image processing operation")

    static let ofInterest = Code("113000", "DCM", "Of Interest")
    static let keyObjectDescription = Code("113012", "DCM", "Key Object Description")

    // TID 1500 and what it includes
    static let report = Code("126000", "DCM", "Imaging Measurement Report")
    static let language = Code("121049", "DCM", "Language of Content Item and Descendants")
    static let english = Code("en-US", "RFC5646", "English (United States)")
    static let observerType = Code("121005", "DCM", "Observer Type")
    static let device = Code("121007", "DCM", "Device")
    static let deviceObserverUID = Code("121012", "DCM", "Device Observer UID")
    static let deviceObserverName = Code("121013", "DCM", "Device Observer Name")
    static let deviceObserverManufacturer = Code("121014", "DCM", "Device Observer Manufacturer")
    static let deviceObserverModelName = Code("121015", "DCM", "Device Observer Model Name")
    static let deviceObserverSerialNumber = Code("121016", "DCM", "Device Observer Serial Number")
    static let procedureStudyInstanceUID = Code("121018", "DCM", "Procedure Study Instance UID")
    static let accessionNumber = Code("121022", "DCM", "Accession Number")
    static let placerNumber = Code("121020", "DCM", "Placer Number")
    static let fillerNumber = Code("121021", "DCM", "Filler Number")
    static let procedureReported = Code("121058", "DCM", "Procedure reported")
    static let imagingProcedure = Code("363679005", "SCT", "Imaging procedure")
    static let procedureCode = Code("121023", "DCM", "Procedure Code")
    static let imageLibrary = Code("111028", "DCM", "Image Library")
    static let imageLibraryGroup = Code("126200", "DCM", "Image Library Group")
    static let modality = Code("121139", "DCM", "Modality")
    static let frameOfReferenceUID = Code("112227", "DCM", "Frame of Reference UID")
    static let pixelDataRows = Code("110910", "DCM", "Pixel Data Rows")
    static let pixelDataColumns = Code("110911", "DCM", "Pixel Data Columns")
    static let imageView = Code("111031", "DCM", "Image View")
    static let imageLaterality = Code("111027", "DCM", "Image Laterality")
    static let patientOrientationRow = Code("111044", "DCM", "Patient Orientation Row")
    static let patientOrientationColumn = Code("111043", "DCM", "Patient Orientation Column")
    static let horizontalPixelSpacing = Code("111026", "DCM", "Horizontal Pixel Spacing")
    static let verticalPixelSpacing = Code("111066", "DCM", "Vertical Pixel Spacing")
    static let spacingBetweenSlices = Code("112226", "DCM", "Spacing between slices")
    static let sliceThickness = Code("112225", "DCM", "Slice Thickness")
    static let imageOrientation: [Code] = [
        ("110904", "Row X"), ("110905", "Row Y"), ("110906", "Row Z"), ("110907", "Column X"), ("110908", "Column Y"),
        ("110909", "Column Z"),
    ].map { Code($0.0, "DCM", "Image Orientation (Patient) \($0.1)") }
    static let imagingMeasurements = Code("126010", "DCM", "Imaging Measurements")
    static let measurementGroup = Code("125007", "DCM", "Measurement Group")
    static let trackingIdentifier = Code("112039", "DCM", "Tracking Identifier")
    static let trackingUniqueIdentifier = Code("112040", "DCM", "Tracking Unique Identifier")
    static let finding = Code("121071", "DCM", "Finding")
    static let findingSite = Code("363698007", "SCT", "Finding Site")
    static let laterality = Code("272741003", "SCT", "Laterality")
    static let measurementMethod = Code("370129005", "SCT", "Measurement Method")
    static let derivation = Code("121401", "DCM", "Derivation")
    static let referencedSegment = Code("121191", "DCM", "Referenced Segment")
    static let sourceImageForSegmentation = Code("121233", "DCM", "Source image for segmentation")
    static let imageRegion = Code("111030", "DCM", "Image Region")
    static let purposeOfRegion = Code("130400", "DCM", "Geometric purpose of region")
    static let outline = Code("111041", "DCM", "Outline")
    static let boundedBy = Code("75958009", "SCT", "Bounded by")
    static let width = Code("103355008", "SCT", "Width")
    static let height = Code("121207", "DCM", "Height")
    static let sourceOfMeasurement = Code("121112", "DCM", "Source of Measurement")
    static let algorithmName = Code("111001", "DCM", "Algorithm Name")
    static let algorithmVersion = Code("111003", "DCM", "Algorithm Version")
    static let algorithmParameters = Code("111002", "DCM", "Algorithm Parameters")
    static let algorithmFamily = Code("111000", "DCM", "Algorithm Family")
    static let volume = Code("118565006", "SCT", "Volume")
    static let longAxis = Code("103339001", "SCT", "Long Axis")
    static let area = Code("42798000", "SCT", "Area")
    static let certaintyOfFinding = Code("111012", "DCM", "Certainty of Finding")
    static let qualitativeEvaluations = Code("C0034375", "UMLS", "Qualitative Evaluations")
    static let processingSummary = Code("111017", "DCM", "CAD Processing and Findings Summary")
    static let withoutFindings = Code("111241", "DCM", "All algorithms succeeded; without findings")
    static let withFindings = Code("111242", "DCM", "All algorithms succeeded; with findings")
    static let notAnalysed = Code("111245", "DCM", "No algorithms succeeded; without findings")
    static let comment = Code("121106", "DCM", "Comment")
    /// The standard has values for it (CID 7035) but no concept name.
    static let actionability = Code("ACTIONABILITY", "99TRIAGED", "Actionability category")

    /// CID 7021, titles of a measurement report.
    static let reportTitles: [Code] = [
        report,
        Code("126001", "DCM", "Oncology Measurement Report"),
        Code("126002", "DCM", "Dynamic Contrast MR Measurement Report"),
        Code("126003", "DCM", "PET Measurement Report"),
    ]
}

enum Unit {
    static let cubicMillimetre = Code("mm3", "UCUM", "mm3")
    static let millilitre = Code("mL", "UCUM", "mL")
    static let squareMillimetre = Code("mm2", "UCUM", "mm2")
    static let millimetre = Code("mm", "UCUM", "mm")
    static let percent = Code("%", "UCUM", "%")
    static let cosine = Code("{-1:1}", "UCUM", "{-1:1}")
    static let pixels = Code("{pixels}", "UCUM", "pixels")
}

extension Priority {
    /// CID 7035, Actionable Finding Classification.
    var actionability: Code {
        switch self {
        case .critical: Code("RID49480", "RADLEX", "ACR Category 1 Actionable Finding")
        case .urgent: Code("RID49481", "RADLEX", "ACR Category 2 Actionable Finding")
        case .routine: Code("RID49482", "RADLEX", "ACR Category 3 Actionable Finding")
        }
    }
}

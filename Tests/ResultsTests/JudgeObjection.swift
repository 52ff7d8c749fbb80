// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Support

/// What a judge says of objects that are right, word for word, and why they are.
struct JudgeObjection: Sendable {
    var judge: Judge
    var products: Set<MatrixTests.Product>
    /// Of which sources it is said; nil for all.
    var sources: (@Sendable (SourceStudy.Options) -> Bool)?
    /// With `[]` for the number of an item or a value.
    var text: String

    init(
        _ judge: Judge, _ products: Set<MatrixTests.Product>, _ text: String,
        of sources: (@Sendable (SourceStudy.Options) -> Bool)? = nil
    ) {
        self.judge = judge
        self.products = products
        self.text = text
        self.sources = sources
    }

    func isMade(_ complaint: String, of product: MatrixTests.Product, _ options: SourceStudy.Options) -> Bool {
        products.contains(product) && sources?(options) ?? true
            && complaint.replacing(/\[[0-9]+\]/, with: "[]") == text
    }

    static let known: [JudgeObjection] = labelMaps + radiographs + names

    /// Debian's dicom3tools, PixelMed and DCMTK are of 2022, and Label Map Segmentation Storage of 2024 (Supplement 243).
    /// So they do not know its class, nor that a label map numbers segments as it likes, describes the background as
    /// segment 0, and has all segments in each frame, which therefore identifies none (PS3.3 A.51.5, C.8.20.2).
    private static let labelMaps: [JudgeObjection] = [
        .init(.dciodvfy, [.labelMap], "Error - Information Object Not found"),
        .init(
            .dciodvfy, [.labelMap, .labelMapAsSegmentation],
            "Error - </SegmentSequence(0062,0002)[]/SegmentNumber(0062,0004)> - SegmentNumber not monotonically "
                + "increasing from one by one - have SegmentSequence item number 1 (from one) with SegmentNumber of 0"),
        .init(
            .dciodvfy, [.labelMapAsSegmentation],
            "Error - </SegmentSequence(0062,0002)[]/SegmentNumber(0062,0004)[]> - Value is zero"),
        .init(
            .dciodvfy, [.labelMapAsSegmentation],
            "Error - </SegmentationType(0062,0001)[]> - Unrecognized enumerated value = <LABELMAP>"),
        .init(
            .dciodvfy, [.labelMapAsSegmentation],
            "Error - </SharedFunctionalGroupsSequence(5200,9229)[]/SegmentIdentificationSequence(0062,000a)> - "
                + "Missing attribute for Type 1 Required - Module=<SegmentationMacro>"),
        .init(
            .dciodvfy, [.labelMapAsSegmentation],
            "Error - </PerFrameFunctionalGroupsSequence(5200,9230)[]/SegmentIdentificationSequence(0062,000a)> - "
                + "Missing attribute for Type 1 Required - Module=<SegmentationMacro>"),
        .init(
            .dciodvfy, [.reportOnLabelMap],
            "Error - </ContentSequence(0040,a730)[]/ContentSequence(0040,a730)[]/ContentSequence(0040,a730)[]/"
                + "ReferencedSOPSequence(0008,1199)[]/ReferencedSegmentNumber(0062,000b)> - Shall not be present for "
                + "Referenced SOP Class that is not segmentation"),
        .init(.pixelMedInstance, [.labelMap], "missing: IOD validation complete"),
        .init(
            .pixelMedInstance, [.labelMapAsSegmentation],
            "Error: SegmentationImageModule/SegmentationType/: SegmentationType/value[]: Unrecognized enumerated "
                + "value :LABELMAP:"),
        .init(
            .pixelMedInstance, [.labelMapAsSegmentation],
            "Error: SegmentationMacro/SegmentIdentificationSequence/: SharedFunctionalGroupsSequence/Item[]/: "
                + "Missing required sequence attribute (Type 1)"),
        .init(
            .pixelMedInstance, [.labelMapAsSegmentation],
            "Error: SegmentationMacro/SegmentIdentificationSequence/: PerFrameFunctionalGroupsSequence/Item[]/: "
                + "Missing required sequence attribute (Type 1)"),
        .init(.dsrdump, [.reportOnLabelMap], "F: dsrdump: error (Invalid Value) parsing file: FILE"),
        .init(.dsrdump, [.reportOnLabelMap], "exit status 1"),
    ]

    private static let segmentations: Set<MatrixTests.Product> = [.binary, .labelMapAsSegmentation, .fractional]

    private static let radiographs: [JudgeObjection] = [
        // Without planes it wants the group in the shared item and in those of the frames, and not in both: nothing that
        // can be written satisfies it. PS3.3 A.51.5 has it in either.
        .init(
            .pixelMedInstance, segmentations,
            "Error: DerivationImageMacro/DerivationImageSequence/: SharedFunctionalGroupsSequence/Item[]/: "
                + "Missing required sequence attribute (Type 2)",
            of: { $0.isProjection }),
        // It has two values (PS3.3 C.7.6.1.1.1, PS3.6); without them nobody would know the left of the patient.
        .init(
            .pixelMedInstance, segmentations,
            "Error: GeneralImageModule/PatientOrientation/: PatientOrientation: Incorrect value multiplicity - got 2 "
                + "but expected 1-1",
            of: { $0.isProjection }),
        // Type 2C: of a paired structure (PS3.3 C.7.3.1). These are of heads and chests.
        .init(
            .pixelMedInstance, segmentations, Judge.missingLaterality,
            of: { !$0.isProjection || $0.detector == "CR" }),
    ]

    /// PixelMed allows no ideographs in names, whatever Specific Character Set says, and dcmpschk does not know ISO_IR 192.
    private static let names: [JudgeObjection] =
        [
            .init(
                .pixelMedInstance, segmentations,
                "Error: PatientModule/PatientName/: PatientName/value[]/: Illegal character(s) '山田太郎やまだたろう' in "
                    + "value of PN VR - value is :\(MatrixTests.japaneseName):",
                of: { !$0.characterSet.isEmpty })
        ]
        + [
            "E: Error: Attribute value does not conform to data type definition.",
            "E:    Affected attribute: PatientName (0010,0010), Type PN",
            "E:    Attribute value   : [\(MatrixTests.japaneseName)]",
            #"E:    Expected format for each value: {all}*([\^]{all}*([\^]{all}*([\^]{all}*(\^{all}*)?)?)?)?"#,
            "E: ", "W: Test failed - one or more errors.",
        ].map { line in
            .init(.dcmpschk, [.presentationState], line, of: { $0.characterSet == "ISO_IR 192" })
        }
}

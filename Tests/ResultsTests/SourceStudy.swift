// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support

/// A small valid CT series on disk, and requests for results on it.
struct SourceStudy {
    struct Options: Sendable, CustomStringConvertible {
        var name = "plain"
        var columns = 64
        var rows = 64
        var slices = 6
        /// Degrees of gantry tilt.
        var tilt = 0.0
        var orientation = Orientation.axial
        /// The first slice is the one at the far end.
        var isReversed = false
        var isMultiFrame = false
        /// A radiograph: without a frame of reference and a place in the patient.
        var isProjection = false
        /// "CR", "DX" or "MG": what makes the radiograph.
        var detector = "CR"
        var isMR = false
        /// Raw bytes.
        var characterSet = ""
        var patientName = "Doe^Jane"
        var lossyRatio: String?
        /// The images know their order and the procedure that was done.
        var isOrdered = false
        var timezone: String?

        var description: String { "\(name), \(columns)x\(rows)x\(slices)" }
    }

    /// How the slices cut the patient.
    enum Orientation: String, Sendable, CaseIterable {
        case axial, coronal, sagittal, oblique

        /// Directions of a row and a column of pixels, and of the slices; right-handed.
        var axes: (row: Vector3, column: Vector3, slice: Vector3) {
            switch self {
            case .axial: (Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1))
            case .coronal: (Vector3(1, 0, 0), Vector3(0, 0, -1), Vector3(0, 1, 0))
            case .sagittal: (Vector3(0, 1, 0), Vector3(0, 0, -1), Vector3(-1, 0, 0))
            // Turned by 3-4-5 about x, then about z.
            case .oblique: (Vector3(0.8, 0.6, 0), Vector3(-0.48, 0.64, 0.6), Vector3(0.36, -0.48, 0.8))
            }
        }
    }

    let directory: String
    let options: Options
    let source: SourceSeries

    private static let study = UID(literal: "1.2.826.0.1.3680043.10.1338.1")
    private static let series = UID(literal: "1.2.826.0.1.3680043.10.1338.2")
    private static let frameOfReference = UID(literal: "1.2.826.0.1.3680043.10.1338.3")

    init(_ options: Options) throws {
        self.options = options
        directory = NSTemporaryDirectory() + "triaged-results-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory + "/out", withIntermediateDirectories: true)
        let angle = options.tilt * .pi / 180
        let axes = options.orientation.axes
        let step = options.isReversed ? -2.5 : 2.5
        let grid = Grid(
            origin: Vector3(-100.5, -120.25, 30), columnStep: axes.row * 0.5,
            rowStep: axes.column * (0.5 * cos(angle)) - axes.slice * (0.5 * sin(angle)), sliceStep: axes.slice * step,
            columns: options.columns, rows: options.rows, slices: options.slices)
        var instances: [SourceInstance] = []
        var frames: [SourceFrame] = []
        let sopClassUID = UID(
            literal: options.isProjection
                ? ["DX": "1.2.840.10008.5.1.4.1.1.1.1", "MG": "1.2.840.10008.5.1.4.1.1.1.2"][options.detector]
                    ?? "1.2.840.10008.5.1.4.1.1.1"
                : options.isMultiFrame
                    ? "1.2.840.10008.5.1.4.1.1.2.1"
                    : options.isMR ? "1.2.840.10008.5.1.4.1.1.4" : "1.2.840.10008.5.1.4.1.1.2")
        for slice in 0..<(options.isMultiFrame ? 1 : options.slices) {
            guard let uid = UID("\(Self.series).\(slice + 1)") else { preconditionFailure("a short UID") }
            let path = "\(directory)/\(slice + 1).dcm"
            let dataSet = DataSet()
            try dataSet.withItem { (item) throws(DCMTKError) in
                try Self.fill(item, options, grid, slice: slice, sopClassUID, uid)
            }
            try dataSet.write(to: path, transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
            instances.append(
                SourceInstance(
                    sopClassUID: sopClassUID, sopInstanceUID: uid, path: path,
                    digest: String(format: "%064d", slice)))
            let numbers: [Int?] = options.isMultiFrame ? (1...options.slices).map { $0 } : [nil]
            frames += numbers.map { SourceFrame(sopClassUID: sopClassUID, sopInstanceUID: uid, frameNumber: $0) }
        }
        source = SourceSeries(
            studyInstanceUID: Self.study, seriesInstanceUID: Self.series,
            frameOfReferenceUID: options.isProjection ? nil : Self.frameOfReference,
            instances: instances, frames: frames, grid: grid)
    }

    func remove() { try? FileManager.default.removeItem(atPath: directory) }

    var files: [String] { source.instances.map(\.path) }

    private static func fill(
        _ item: Item, _ options: Options, _ grid: Grid, slice: Int, _ sopClassUID: UID, _ uid: UID
    ) throws(DCMTKError) {
        if !options.characterSet.isEmpty { try item.set(Tag(0x0008, 0x0005), options.characterSet) }
        let texts: [(UInt16, UInt16, String)] = [
            (0x0008, 0x0008, options.isMultiFrame ? "ORIGINAL\\PRIMARY\\VOLUME\\NONE" : "ORIGINAL\\PRIMARY\\AXIAL"),
            (0x0008, 0x0020, "20260102"), (0x0008, 0x0023, "20260102"), (0x0008, 0x0030, "101112"),
            (0x0008, 0x0033, "101112"), (0x0008, 0x0050, "A123"),
            (0x0008, 0x0060, options.isProjection ? options.detector : options.isMR ? "MR" : "CT"),
            (0x0008, 0x0070, "Maker"),
            (0x0008, 0x0090, ""), (0x0008, 0x1030, options.isProjection ? "Chest" : "CT head"),
            (0x0010, 0x0010, options.patientName),
            (0x0010, 0x0020, "P0001"), (0x0010, 0x0021, "HOSPITAL"), (0x0010, 0x0030, "19500203"),
            (0x0010, 0x0040, "F"),
            (0x0018, 0x0015, !options.isProjection ? "HEAD" : options.detector == "MG" ? "BREAST" : "CHEST"),
            (0x0020, 0x0010, "S1"), (0x0020, 0x0011, "2"),
            (0x0020, 0x0013, "\(slice + 1)"), (0x0020, 0x1040, ""), (0x0028, 0x0004, "MONOCHROME2"),
        ]
        for (group, element, text) in texts { try item.set(Tag(group, element), text) }
        try item.set(Tag(0x0008, 0x0016), sopClassUID)
        try item.set(Tag(0x0008, 0x0018), uid)
        try item.set(Tag(0x0020, 0x000D), study)
        try item.set(Tag(0x0020, 0x000E), series)
        if !options.isProjection { try item.set(Tag(0x0020, 0x0052), frameOfReference) }
        for (element, value) in [
            (0x0002, 1), (0x0010, grid.rows), (0x0011, grid.columns), (0x0100, 16), (0x0101, 16),
            (0x0102, 15), (0x0103, 1),
        ] {
            try item.set(Tag(0x0028, UInt16(element)), value)
        }
        if let ratio = options.lossyRatio {
            try item.set(Tag(0x0028, 0x2110), "01")
            try item.set(Tag(0x0028, 0x2112), ratio)
            try item.set(Tag(0x0028, 0x2114), "ISO_10918_1")
        }
        if let timezone = options.timezone { try item.set(Tag(0x0008, 0x0201), timezone) }
        if options.isOrdered { try setOrder(item) }
        func position(_ item: Item, _ slice: Int) throws(DCMTKError) {
            let point = grid.point(column: 0, row: 0, slice: Double(slice))
            try item.set(
                Tag(0x0020, 0x0032), [point.x, point.y, point.z].map(decimal).joined(separator: "\\"))
        }
        func orientation(_ item: Item) throws(DCMTKError) {
            let across = grid.columnStep * (1 / grid.columnStep.length)
            let down = grid.rowStep * (1 / grid.rowStep.length)
            try item.set(
                Tag(0x0020, 0x0037),
                [across.x, across.y, across.z, down.x, down.y, down.z].map(decimal).joined(separator: "\\"))
        }
        func measures(_ item: Item) throws(DCMTKError) {
            try item.set(Tag(0x0018, 0x0050), "2.5")
            try item.set(Tag(0x0028, 0x0030), "0.5\\0.5")
        }
        if options.isMultiFrame {
            try item.set(Tag(0x0028, 0x0008), "\(grid.slices)")
            try item.append(Tag(0x5200, 0x9229)) { (shared) throws(DCMTKError) in
                try shared.append(Tag(0x0020, 0x9116), orientation)
                try shared.append(Tag(0x0028, 0x9110), measures)
            }
            for slice in 0..<grid.slices {
                try item.append(Tag(0x5200, 0x9230)) { (frame) throws(DCMTKError) in
                    try frame.append(Tag(0x0020, 0x9113)) { (item) throws(DCMTKError) in try position(item, slice) }
                }
            }
        } else if options.isProjection {
            let isBreast = options.detector == "MG"
            try item.set(Tag(0x0018, 0x5101), isBreast ? "CC" : "PA")
            try item.set(Tag(0x0020, 0x0020), isBreast ? "A\\R" : "L\\F")
            if options.detector != "CR" {
                try item.set(Tag(0x0008, 0x0068), "FOR PRESENTATION")
                try item.set(Tag(0x0020, 0x0062), isBreast ? "L" : "U")
            }
            try item.append(Tag(0x0054, 0x0220)) { (item) throws(DCMTKError) in
                try item.set(Tag(0x0008, 0x0100), isBreast ? "399162004" : "272479007")
                try item.set(Tag(0x0008, 0x0102), "SCT")
                try item.set(Tag(0x0008, 0x0104), isBreast ? "cranio-caudal" : "postero-anterior")
            }
            try item.set(Tag(0x0018, 0x1164), "0.5\\0.5")
        } else {
            try position(item, slice)
            try orientation(item)
            try measures(item)
        }
        let rescale = [(0x1052, options.isProjection ? "0" : "-1024"), (0x1053, "1")]
        for (element, text) in rescale { try item.set(Tag(0x0028, UInt16(element)), text) }
        try item.set(Tag(0x0018, 0x0060), "120")
        try item.set(Tag(0x0020, 0x0012), "1")
        let frames = options.isMultiFrame ? grid.slices : 1
        try item.set(
            Tag(0x7FE0, 0x0010), words: [UInt16](repeating: 1024, count: grid.rows * grid.columns * frames))
    }

    private static func setOrder(_ item: Item) throws(DCMTKError) {
        func code(_ item: Item) throws(DCMTKError) {
            try item.set(Tag(0x0008, 0x0100), "24725-4")
            try item.set(Tag(0x0008, 0x0102), "LN")
            try item.set(Tag(0x0008, 0x0104), "CT Head")
        }
        try item.append(Tag(0x0008, 0x1032), code)
        try item.append(Tag(0x0040, 0x0275)) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0008, 0x0050), "A123")
            try item.set(Tag(0x0032, 0x1060), "CT head without contrast")
            try item.append(Tag(0x0032, 0x1064), code)
            try item.set(Tag(0x0040, 0x0009), "SPS1")
            try item.set(Tag(0x0040, 0x1001), "RP1")
            try item.set(Tag(0x0040, 0x2016), "PLACER7")
            try item.set(Tag(0x0040, 0x2017), "FILLER8")
        }
    }

    private static func decimal(_ value: Double) -> String {
        String(String(format: "%.10f", value).prefix(16))
    }
}

extension SourceStudy {
    /// A mask whose every frame begins and ends with set pixels, and has a body and scattered pixels between.
    func mask(_ seed: UInt64, slices: Range<Int>) -> Mask {
        let grid = source.grid
        let size = grid.columns * grid.rows
        var voxels = [UInt8](repeating: 0, count: grid.count)
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        for slice in slices {
            let base = slice * size
            voxels[base] = 1
            voxels[base + size - 1] = 1
            for row in grid.rows / 4..<grid.rows / 2 {
                for column in grid.columns / 4..<grid.columns / 2 + Int(seed) {
                    voxels[base + row * grid.columns + column] = 1
                }
            }
            for _ in 0..<size / 50 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                voxels[base + Int(state >> 33) % size] = 1
            }
        }
        return Mask(columns: grid.columns, rows: grid.rows, slices: grid.slices, voxels: voxels)
    }

    func request(findings: Int = 1, masks: [Mask] = []) -> ResultRequest {
        let names = [("1386000", "Intracranial hemorrhage"), ("21454007", "Subarachnoid hemorrhage")]
        let list = (0..<findings).map { index -> Finding in
            let mask = masks.indices.contains(index) ? masks[index] : nil
            let volume = mask.map { Double($0.voxels.count { $0 != 0 }) * source.grid.voxelVolume / 1000 }
            return Finding(
                label: names[index % 2].1, code: Code(names[index % 2].0, "SCT", names[index % 2].1),
                category: Code("49755003", "SCT", "Morphologically Abnormal Structure"),
                type: Code("50960005", "SCT", "Hemorrhage"), site: Code("12738006", "SCT", "Brain"),
                laterality: index == 1 ? Code("7771000", "SCT", "Left") : nil, confidence: 0.9375,
                priority: index == 0 ? .critical : .urgent,
                measurements: [
                    Measurement(
                        concept: Code("103339001", "SCT", "Long Axis"), value: 23.456,
                        unit: Code("mm", "UCUM", "mm"))
                ], volumeML: volume, maskIndex: mask == nil ? nil : index, keySlice: min(3, options.slices - 1))
        }
        return ResultRequest(
            source: source,
            model: ModelIdentity(
                name: "head-ct-hyperdensity", version: "1.0.0", manufacturer: "triaged project",
                digest: String(repeating: "ab", count: 32), isDemonstration: true),
            findings: list, soughtFindings: [Code("1386000", "SCT", "Intracranial hemorrhage")],
            explanations: findings == 0
                ? []
                : [
                    Explanation(
                        kind: .occlusion, finding: 0, label: names[0].1,
                        map: Explanation.HeatMap(
                            slice: 0, rows: 4, columns: 4, values: (0..<16).map { Float($0) / 15 }, greatest: 0.4,
                            computed: [4, 4]))
                ],
            coverage: Coverage(
                slices: source.grid.slices, extent: Double(source.grid.slices) * 2.5, isNegativeAccepted: true),
            gates: [
                QualityGateResult(
                    name: "motion", outcome: .pass, value: 2, unit: "1",
                    evidence: "the motion index is 2, at most 6 allowed")
            ],
            qualityNotes: ["Motion on 2 slices."], isFinal: true,
            equipment: Equipment(deviceSerialNumber: "0001", softwareVersions: "0.1.0"),
            contentTime: ContentTime(secondsSince1970: 1_767_348_000, microseconds: 120_000, offsetMinutes: 540),
            codeVersion: "0.1.0", configurationDigest: String(repeating: "cd", count: 32))
    }

    /// Findings of a detector: boxes and no masks.
    func boxRequest(findings: Int) -> ResultRequest {
        var request = request(findings: findings)
        let grid = source.grid
        for index in request.findings.indices {
            request.findings[index].box = FindingBox(
                center: grid.point(column: 15.5, row: 10, slice: 2),
                axes: [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)], size: [6, 4.5, 7.5],
                rectangle: FindingBox.Rectangle(left: 10, top: 6.25, right: 22, bottom: 15.25))
            request.findings[index].keySlice = min(2, options.slices - 1)
            request.findings[index].measurements = [
                ("103355008", "SCT", "Width", 6.0), ("121207", "DCM", "Height", 4.5),
                ("131197000", "SCT", "Depth", 7.5),
            ].map { Measurement(concept: Code($0.0, $0.1, $0.2), value: $0.3, unit: Code("mm", "UCUM", "mm")) }
        }
        return request
    }

    var placement: Judge.Placement {
        let grid = source.grid
        func list(_ v: Vector3) -> [Double] { [v.x, v.y, v.z] }
        return Judge.Placement(
            origin: list(grid.origin), columnStep: list(grid.columnStep), rowStep: list(grid.rowStep),
            sliceStep: list(grid.sliceStep), size: [grid.columns, grid.rows, grid.slices])
    }

    /// Makes the results of one or two findings.
    func results(findings: Int, form: SegmentationForm = .binary) throws -> [EncodedResult] {
        let masks = form == .labelMap ? apart : masks
        var request = request(findings: findings, masks: masks)
        request.template.segmentationForm = form
        return try request.encode(
            masks: masks, probabilities: form == .fractional ? masks.map(Self.probabilities) : [], into: output)
    }

    /// Everything that a destination can ask for, of two findings with masks.
    func everything(_ form: SegmentationForm) throws -> [EncodedResult] {
        let masks = form == .labelMap ? apart : masks
        var request = request(findings: 2, masks: masks)
        request.template = ResultTemplate(objects: ResultKind.allCases)
        request.template.segmentationForm = form
        return try request.encode(
            masks: masks, probabilities: form == .fractional ? masks.map(Self.probabilities) : [],
            images: images(request, masks), into: output)
    }

    /// Masks that share no voxel.
    var apart: [Mask] {
        let first = masks[0]
        let second = zip(masks[1].voxels, first.voxels).map { $1 == 0 ? $0 : 0 }
        return [first, Mask(columns: first.columns, rows: first.rows, slices: first.slices, voxels: second)]
    }

    /// For each voxel of the mask's block another one, outside of the mask too.
    static func probabilities(_ mask: Mask) -> [UInt8] {
        (0..<mask.blockCount).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 1) }
    }

    /// A wedge of grey in the source's range, for the slices that pictures are made of.
    func images(_ request: ResultRequest, _ masks: [Mask]) -> [KeyImage] {
        let grid = source.grid
        return request.pictureSlices(masks: masks).map { slice in
            let values = (0..<grid.columns * grid.rows).map {
                Float($0 % grid.columns) / Float(grid.columns) * 200 - 50
            }
            return KeyImage(slice: slice, values: values, isToScale: source.frameOfReferenceUID != nil)
        }
    }

    /// Everything that a destination can ask for.
    func everything(findings: Int) throws -> [EncodedResult] {
        let masks = options.isProjection ? [] : masks
        var request = options.isProjection ? boxRequest(findings: findings) : request(findings: findings, masks: masks)
        request.template.objects = ResultKind.allCases
        return try request.encode(masks: masks, images: images(request, masks), into: output)
    }

    var masks: [Mask] {
        options.slices == 1
            ? [mask(1, slices: 0..<1), mask(2, slices: 0..<1)] : [mask(1, slices: 1..<4), mask(2, slices: 3..<6)]
    }
    var output: String { directory + "/out" }
}

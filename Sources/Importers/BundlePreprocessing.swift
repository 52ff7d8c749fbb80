// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// The transforms of a bundle's `preprocessing` as steps of a manifest. Numerics: MONAI monai/transforms.
struct BundlePreprocessing {
    typealias Refusal = ImportError.Refusal

    /// What decides how arrays lie that no `Orientation` has put straight.
    enum Kind { case volume, slices, projection }

    let configuration: BundleConfiguration
    let log: ImportLog
    let kind: Kind
    /// Of upstream, such as 1.4.0.
    let version: String
    /// Letters that --set orientation gives, for a bundle without `Orientation`.
    let orientation: String?
    /// Channels of the network's input.
    let channels: Int

    private(set) var steps: [Manifest.Preprocessing] = []
    private(set) var refusals: [Refusal] = []
    /// Multiple that a padding step asks for.
    private(set) var multiple: (sizes: [Int], padding: Manifest.Padding)?
    private var isPlaced = false

    init(
        configuration: BundleConfiguration, log: ImportLog, kind: Kind, version: String, orientation: String?,
        channels: Int
    ) {
        self.configuration = configuration
        self.log = log
        self.kind = kind
        self.version = version
        self.orientation = orientation
        self.channels = channels
    }

    static let harmless: Set<String> = [
        "LoadImage", "EnsureChannelFirst", "AsChannelFirst", "AddChannel", "EnsureType", "CastToType", "ToTensor",
        "ToDevice", "Identity", "SelectItems", "DeleteItems", "CopyItems", "FromMetaTensor", "ToMetaTensor",
        "SimulateDelay", "DataStats", "SaveImage",
    ]

    mutating func read(_ transforms: [BundleTransform]) {
        for transform in transforms {
            do throws(Refusal) {
                if try transform.isDisabled() {
                    transform.ignoreAll(why: "the step is disabled")
                    if ["Orientation", "Spacing"].contains(transform.name) {
                        log.warn(
                            "\(transform.id) (\(transform.name)) is disabled: the network expects volumes that were prepared beforehand"
                        )
                    }
                } else if try isForLabels(transform) {
                    transform.ignoreAll(why: "is for labels, which there are none of")
                } else {
                    try read(transform)
                }
            } catch { refusals.append(error) }
        }
        place()
    }

    private func isForLabels(_ transform: BundleTransform) throws(Refusal) -> Bool {
        guard transform.has("keys"), let keys = try configuration.value(transform.id + "#keys") else { return false }
        let names = keys.list?.compactMap(\.text) ?? [keys.text].compactMap(\.self)
        return !names.isEmpty && names.allSatisfy { $0.hasPrefix("label") }
    }

    private mutating func read(_ transform: BundleTransform) throws(Refusal) {
        if Self.harmless.contains(transform.name) {
            transform.ignoreAll(why: "\(transform.name) reads or moves data; the node reads DICOM, in 32-bit floats")
            return
        }
        switch transform.name {
        case "Orientation": try orientation(transform)
        case "Spacing": try spacing(transform)
        case "ScaleIntensityRange": try scaleRange(transform)
        case "ScaleIntensityRangePercentiles": try percentiles(transform)
        case "ScaleIntensity": try scale(transform)
        case "NormalizeIntensity": try normalize(transform)
        case "CropForeground": try crop(transform)
        case "Resize": try resize(transform)
        case "DivisiblePad": try pad(transform)
        case "RepeatChannel":
            guard let count = try transform.integer("repeats"), count >= 2, count <= 64 else {
                throw transform.refuse("repeats", "must be 2 to 64")
            }
            steps.append(.repeatChannels(count))
        default:
            throw configuration.refusal(
                transform.id, "\(transform.name) is a transform that this importer does not know")
        }
        try transform.finish()
    }

    /// Puts D, H and W where MONAI's array has x, y and z: a DICOM volume comes as slices, rows and columns.
    private mutating func place() {
        guard !isPlaced else { return }
        isPlaced = true
        let file = configuration.file.name
        switch kind {
        case .volume:
            let codes = AxisCodes(orientation ?? "LPS") ?? AxisCodes("LPS")!
            steps.insert(.orientation(codes), at: 0)
            log.note(
                .assumed, "preprocessing#Orientation", in: file, value: .text(codes.description),
                why: orientation == nil
                    ? "there is none; columns to the left, rows to the back and slices to the head, as in an axial series. Another: --set orientation=RAS"
                    : "--set orientation")
        case .slices, .projection:
            steps.insert(.transpose([0, 2, 1]), at: 0)
            log.note(
                .assumed, "preprocessing#Orientation", in: file, value: nil,
                why: "there is none; each image as it was taken, columns before rows as MONAI reads them")
        }
    }

    private mutating func orientation(_ transform: BundleTransform) throws(Refusal) {
        transform.ignore(["labels"], why: "names the ends of the axes; L, R, P, A, I, S are meant")
        var letters = try transform.text("axcodes")
        if try transform.boolean("as_closest_canonical") == true { letters = "RAS" }
        guard let letters, let codes = AxisCodes(letters.uppercased()) else {
            throw transform.refuse("axcodes", "must be three letters of RLAPSI")
        }
        if kind != .volume {
            throw configuration.refusal(
                transform.id, "Orientation of slices or projections is not known to this importer")
        }
        if !steps.contains(where: Self.moves) { isPlaced = true }
        place()
        steps.append(.orientation(codes))
    }

    private static func moves(_ step: Manifest.Preprocessing) -> Bool {
        switch step {
        case .orientation, .transpose, .spacing, .cropForeground, .cropNonzero, .resize, .centerCropSquare, .autocrop:
            true
        default: false
        }
    }

    private mutating func spacing(_ transform: BundleTransform) throws(Refusal) {
        place()
        guard let pixdim = try transform.numbers("pixdim", count: 3) else {
            throw transform.refuse("pixdim", "is missing")
        }
        let mode = try transform.text("mode") ?? "bilinear"
        let interpolations: [String: Manifest.Interpolation] = [
            "bilinear": .linear, "nearest": .nearest, "1": .linear, "0": .nearest,
        ]
        guard let interpolation = interpolations[mode] else {
            throw transform.refuse("mode", "must be bilinear or nearest, and is \(mode)")
        }
        try transform.expect("padding_mode", [.text("border")], "only border is known")
        try transform.expect("diagonal", [.boolean(false)], "a diagonal affine is not known")
        try transform.expect("scale_extent", [.boolean(false)], "scaling the extent is not known")
        for key in ["min_pixdim", "max_pixdim"] { try transform.expect(key, [], "bounds of spacing are not known") }
        transform.ignore(
            ["align_corners", "recompute_affine", "ensure_same_shape", "image_only"],
            why: "changes no value inside the volume with padding_mode border")
        // MONAI keeps the source's spacing where pixdim is not positive.
        let mm: [Double?] = pixdim.map { $0 > 0 ? $0 : nil }
        guard mm.allSatisfy({ $0.map { (0.05...100).contains($0) } ?? true }) else {
            throw transform.refuse("pixdim", "lies outside 0.05 to 100 mm")
        }
        steps.append(.spacing(.init(mm: mm, interpolation: interpolation)))
    }

    private func interval(_ transform: BundleTransform, _ low: String, _ high: String, _ pair: (Double?, Double?))
        throws(Refusal) -> ClosedRange<Double>
    {
        guard let lower = pair.0, let upper = pair.1, lower < upper else {
            throw transform.refuse(low, "and \(high) must be given, the first below the second")
        }
        return lower...upper
    }

    private mutating func scaleRange(_ transform: BundleTransform) throws(Refusal) {
        let from = (try transform.number("a_min"), try transform.number("a_max"))
        let to = (try transform.number("b_min"), try transform.number("b_max"))
        steps.append(
            .scaleRange(
                from: try interval(transform, "a_min", "a_max", from),
                to: try interval(transform, "b_min", "b_max", to),
                clip: try transform.boolean("clip") ?? false))
    }

    private mutating func percentiles(_ transform: BundleTransform) throws(Refusal) {
        let from = (try transform.number("lower"), try transform.number("upper"))
        let to = (try transform.number("b_min"), try transform.number("b_max"))
        let range = try interval(transform, "lower", "upper", from)
        let target = try interval(transform, "b_min", "b_max", to)
        guard try transform.boolean("clip") == true else {
            throw transform.refuse("clip", "must be true: what lies beyond the percentiles is cut off here")
        }
        try transform.expect("relative", [.boolean(false)], "relative percentiles are not known")
        if try transform.boolean("channel_wise") == true, channels > 1 {
            throw transform.refuse("channel_wise", "percentiles of each channel are not known")
        }
        steps.append(.clipPercentiles(lower: range.lowerBound, upper: range.upperBound, nonzero: false))
        steps.append(.scaleMinMax(to: target, channelWise: false))
    }

    private mutating func scale(_ transform: BundleTransform) throws(Refusal) {
        try transform.expect("factor", [], "a factor is not known")
        let range = (try transform.number("minv") ?? 0, try transform.number("maxv") ?? 1)
        steps.append(
            .scaleMinMax(
                to: try interval(transform, "minv", "maxv", range),
                channelWise: try transform.boolean("channel_wise") ?? false))
    }

    private mutating func normalize(_ transform: BundleTransform) throws(Refusal) {
        let channelWise = try transform.boolean("channel_wise") ?? false
        let nonzero = try transform.boolean("nonzero") ?? false
        var given: [[Double]?] = []
        for key in ["subtrahend", "divisor"] {
            let value = try transform.value(key)
            let numbers = value?.numbers ?? value?.number.map { [$0] }
            if value != nil, numbers == nil { throw transform.refuse(key, "must be numbers, and is \(value!)") }
            given.append(numbers)
        }
        guard (given[0] == nil) == (given[1] == nil), given[0]?.count == given[1]?.count else {
            throw transform.refuse("subtrahend", "and divisor must be given both, with as many numbers")
        }
        if let divisor = given[1], !divisor.allSatisfy({ $0 > 0 }) {
            throw transform.refuse("divisor", "must be above 0")
        }
        var rule = ManifestParts.normalization(nonzero ? .nonzero : .all, channelWise: channelWise)
        rule.mean = given[0]
        rule.deviation = given[1]
        steps.append(.normalize(rule))
    }

    private mutating func crop(_ transform: BundleTransform) throws(Refusal) {
        place()
        try transform.expect("select_fn", [], "only the default, values above 0, is known")
        try transform.expect("channel_indices", [], "only all channels are known")
        try transform.expect("k_divisible", [.number(1)], "a multiple is not known")
        let margin = try transform.numbers("margin", count: 3) ?? [0, 0, 0]
        guard margin.allSatisfy({ (0...1000).contains($0) && $0 == $0.rounded() }) else {
            throw transform.refuse("margin", "must be whole numbers of 0 to 1000")
        }
        let given = try transform.boolean("allow_smaller")
        // The default became False in MONAI 1.5 (monai/transforms/croppad/array.py).
        let allowSmaller = given ?? Self.isBefore(version, [1, 5])
        if given == nil, margin != [0, 0, 0] {
            log.note(
                .assumed, transform.id + "#allow_smaller", in: configuration.file.name, value: .boolean(allowSmaller),
                why: "not given; the default of MONAI \(version)")
        }
        transform.ignore(
            ["source_key", "mode", "start_coord_key", "end_coord_key"],
            why: "the box is that of the image; without padding its mode has no effect")
        if !allowSmaller, margin != [0, 0, 0], transform.has("mode") {
            log.warn("\(transform.id): beyond the image, the margin is filled with 0, whatever mode says")
        }
        steps.append(
            .cropForeground(ManifestParts.foreground(margin: margin.map { Int($0) }, allowSmaller: allowSmaller)))
    }

    private mutating func resize(_ transform: BundleTransform) throws(Refusal) {
        place()
        guard let value = try transform.value("spatial_size") else {
            throw transform.refuse("spatial_size", "is missing")
        }
        let sizes = value.numbers ?? value.number.map { [$0, $0] } ?? []
        guard sizes.count == 2, sizes.allSatisfy({ (8...4096).contains($0) && $0 == $0.rounded() }), kind != .volume
        else {
            throw transform.refuse(
                "spatial_size", "must be two whole numbers of 8 to 4096; volumes are not resized here")
        }
        try transform.expect("size_mode", [.text("all")], "only all is known")
        try transform.expect("anti_aliasing", [.boolean(false)], "MONAI's smoothing before it is not known")
        try transform.expect("align_corners", [.boolean(false)], "only half-pixel centres are known")
        transform.ignore(["anti_aliasing_sigma"], why: "there is no smoothing")
        let mode = try transform.text("mode") ?? "area"
        guard let method = Manifest.Resize.Method(rawValue: mode), method != .bilinearAntialiased else {
            throw transform.refuse("mode", "must be area, bilinear, bicubic or nearest, and is \(mode)")
        }
        steps.append(.resize(ManifestParts.resize(sizes.map { Int($0) }, method)))
    }

    private mutating func pad(_ transform: BundleTransform) throws(Refusal) {
        guard kind == .volume, let sizes = try transform.numbers("k", count: 3),
            sizes.allSatisfy({ (1...512).contains($0) && $0 == $0.rounded() })
        else { throw transform.refuse("k", "must be whole numbers of 1 to 512, for a volume") }
        guard try transform.text("method") == "end" else {
            throw transform.refuse("method", "must be end: the node pads at the end of each dimension")
        }
        let modes: [String: Manifest.Padding] = ["constant": .constant(0), "edge": .replicate]
        guard let padding = modes[try transform.text("mode") ?? "constant"] else {
            throw transform.refuse("mode", "must be constant or edge")
        }
        multiple = (sizes.map { Int($0) }, padding)
    }

    static func isBefore(_ version: String, _ limit: [Int]) -> Bool {
        let parts = version.split(separator: ".").prefix(2).compactMap { Int($0.prefix { $0.isNumber }) }
        return parts.lexicographicallyPrecedes(limit)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Manifest {
    private static let kinds = [
        "fullVolume", "slidingWindow", "slices", "sliceSequence", "projection", "promptable", "detection",
    ]

    static func inference(_ root: StrictSection) -> Inference? {
        guard let section = root.requiredSection("inference", keys: kinds) else { return nil }
        let given = kinds.filter(section.has)
        guard given.count == 1, let kind = given.first else {
            section.problems.add(
                "`inference` must hold exactly one of \(kinds.map { "`\($0)`" }.joined(separator: ", "))",
                at: section.node)
            return nil
        }
        switch kind {
        case "fullVolume":
            guard let full = section.section(kind, keys: ["multiple", "padding"]) else { return nil }
            return .fullVolume(
                multiple: full.integers("multiple", count: 3...3, 1...512) ?? [1, 1, 1],
                padding: padding(full) ?? .replicate)
        case "slidingWindow": return window(section).map { .slidingWindow($0) }
        case "slices":
            return section.section(kind, keys: ["batch", "roi", "overlap", "weighting", "sigma", "padding"]).map {
                .slices(Slices(batch: $0.integer("batch", 1...256) ?? 8, window: sliceWindow($0)))
            }
        case "sliceSequence":
            return section.section(kind, keys: ["batch", "deltas"]).map {
                .sliceSequence(
                    SliceSequence(batch: $0.integer("batch", 1...256) ?? 8, deltas: $0.boolean("deltas") ?? false))
            }
        case "projection": return section.section(kind, keys: []).map { _ in .projection }
        case "promptable": return promptable(section).map { .promptable($0) }
        default: return detector(section).map { .detection($0) }
        }
    }

    private static func window(_ section: StrictSection) -> Window? {
        let keys = [
            "roi", "overlap", "tiling", "weighting", "sigma", "padding", "mirror", "skipBackground", "batch",
        ]
        guard let window = section.section("slidingWindow", keys: keys) else { return nil }
        if !window.has("roi") { window.fault("roi", "is missing") }
        guard let roi = window.integers("roi", count: 3...3, 1...1024) else { return nil }
        let overlap: [Double?]?
        if window.value("overlap")?.sequence != nil {
            overlap = window.numbers("overlap", count: 3, 0...0.99)
        } else {
            overlap = [Double?](repeating: window.has("overlap") ? window.number("overlap", 0...0.99) : 0.25, count: 3)
        }
        enum Word: String, CaseIterable { case constant, gaussian, gaussianNNUNet }
        let word = window.choice("weighting", Word.self) ?? .constant
        if window.has("sigma"), word != .gaussian { window.fault("sigma", "belongs to `weighting: gaussian` only") }
        let sigma = window.number("sigma", 0.01...10) ?? 0.125
        let weighting: Weighting =
            switch word {
            case .constant: .constant
            case .gaussian: .gaussian(sigma: sigma)
            case .gaussianNNUNet: .gaussianNNUNet
            }
        let mirror = window.integers("mirror", count: 0...3, 0...2) ?? []
        if Set(mirror).count != mirror.count { window.fault("mirror", "names a dimension twice") }
        let background = window.section("skipBackground", keys: ["atMost", "outputs"]).map {
            Window.Background(
                atMost: $0.requiredNumber("atMost", -1e9...1e9),
                outputs: $0.numbers("outputs", count: 1...4096, -1e9...1e9))
        }
        return Window(
            roi: roi, overlap: (overlap ?? []).map { $0 ?? 0 },
            tiling: window.choice("tiling", Window.Tiling.self) ?? .monai, weighting: weighting,
            padding: padding(window) ?? .constant(0), mirror: mirror, background: background,
            batch: window.integer("batch", 1...64) ?? 1)
    }

    /// Rows and columns; what is not given is MONAI's default.
    private static func sliceWindow(_ section: StrictSection) -> Window? {
        for key in ["overlap", "weighting", "sigma", "padding"] where section.has(key) && !section.has("roi") {
            section.fault(key, "belongs to `roi` only")
        }
        enum Word: String, CaseIterable { case constant, gaussian }
        let isGaussian = section.choice("weighting", Word.self) == .gaussian
        if section.has("sigma"), !isGaussian { section.fault("sigma", "belongs to `weighting: gaussian` only") }
        guard let roi = section.integers("roi", count: 2...2, 1...4096) else { return nil }
        let overlap = section.number("overlap", 0...0.99) ?? 0.25
        return Window(
            roi: [1] + roi, overlap: [0, overlap, overlap],
            weighting: isGaussian ? .gaussian(sigma: section.number("sigma", 0.01...10) ?? 0.125) : .constant,
            padding: padding(section) ?? .constant(0))
    }

    private static func promptable(_ section: StrictSection) -> Promptable? {
        guard let rule = section.section("promptable", keys: ["family", "size", "propagate", "cache"]) else {
            return nil
        }
        return Promptable(
            family: rule.requiredChoice("family", Promptable.Family.self) ?? .sam,
            size: rule.integer("size", 64...4096) ?? 1024, propagate: rule.number("propagate", 0...1),
            cache: (rule.integer("cache", 0...65_536) ?? 256) << 20)
    }

    private static func detector(_ section: StrictSection) -> Detector? {
        let keys = [
            "roi", "overlap", "multiple", "anchors", "scales", "scoreThreshold", "candidates", "overlapThreshold",
            "maximum",
        ]
        guard let rule = section.section("detection", keys: keys) else { return nil }
        var anchors: [[Double]] = []
        for item in rule.value("anchors")?.sequence.map(Array.init) ?? [] {
            let sizes = item.sequence?.compactMap(\.float) ?? []
            if sizes.count == 3, sizes.allSatisfy({ $0.isFinite && $0 > 0 }) { anchors.append(sizes) }
        }
        if anchors.isEmpty || anchors.count != rule.value("anchors")?.sequence?.count {
            rule.fault("anchors", "must be a list of [D, H, W] in voxels, such as [[6, 8, 4], [8, 6, 5]]")
        }
        return Detector(
            roi: rule.integers("roi", count: 3...3, 1...1024), overlap: rule.number("overlap", 0...0.99) ?? 0.25,
            multiple: rule.integers("multiple", count: 3...3, 1...512) ?? [1, 1, 1], anchors: anchors,
            scales: rule.numbers("scales", count: 1...8, 0.01...1000) ?? [1, 2, 4],
            scoreThreshold: rule.number("scoreThreshold", 0...1) ?? 0.02,
            candidates: rule.integer("candidates", 1...100_000) ?? 1000,
            overlapThreshold: rule.number("overlapThreshold", 0...1) ?? 0.22,
            maximum: rule.integer("maximum", 1...10_000) ?? 300)
    }

    /// `replicate`, or the value to fill with.
    private static func padding(_ section: StrictSection) -> Padding? {
        guard let node = section.value("padding") else { return nil }
        if node.string == "replicate" { return .replicate }
        if let value = node.float, value.isFinite { return .constant(value) }
        section.fault("padding", "must be `replicate` or the value to fill with")
        return nil
    }
}

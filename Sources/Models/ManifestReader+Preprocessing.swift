// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Manifest {
    private static let steps = [
        "orientation", "transpose", "spacing", "scaleRange", "clip", "clipPercentiles", "scaleMinMax", "normalize",
        "cropForeground", "cropNonzero", "scaleStored", "windows", "stretchWindows", "neighbours", "repeatChannels",
        "resize", "centerCropSquare", "autocrop", "toByte", "truncate", "perChannel",
    ]
    /// Of `perChannel`: they neither move a voxel nor make a channel.
    private static let valueSteps = ["scaleRange", "clip", "clipPercentiles", "scaleMinMax", "normalize", "truncate"]

    /// - Parameter channels: that the images and `channels` make.
    static func preprocess(_ root: StrictSection, channels: Int) -> [Preprocessing] {
        var count = channels
        return root.steps("preprocess", keys: steps).compactMap { key, section in
            guard let step = step(key, section) else { return nil }
            check(step, channels: count, key, section)
            count = step.channels(from: count)
            return step
        }
    }

    private static func check(_ step: Preprocessing, channels: Int, _ key: String, _ section: StrictSection) {
        func fault(_ found: Int, _ what: String) {
            section.fault(key, "has \(what) for \(found) channels, and the tensor has \(channels) there")
        }
        switch step {
        case .normalize(let rule):
            if let count = rule.mean?.count, count != 1, count != channels { fault(count, "means") }
        case .perChannel(let lists):
            if lists.count != channels { fault(lists.count, "steps") }
            for case .normalize(let rule) in lists.joined() where (rule.mean?.count ?? 1) != 1 {
                section.fault(key, "has a `mean` of more than one number for a channel")
            }
        default: break
        }
    }

    private static func step(_ key: String, _ section: StrictSection) -> Preprocessing? {
        switch key {
        case "orientation":
            guard let text = section.text(key) else { return nil }
            if let codes = AxisCodes(text) { return .orientation(codes) }
            section.fault(key, "must be three letters, one each of R or L, A or P, and S or I, such as RAS or SPL")
            return nil
        case "transpose":
            guard let order = section.integers(key, count: 3...3, 0...2) else { return nil }
            if Set(order).count == 3 { return .transpose(order) }
            section.fault(key, "must name each of 0, 1 and 2 once")
            return nil
        case "spacing": return spacing(section).map { .spacing($0) }
        case "scaleRange":
            guard let step = section.section(key, keys: ["from", "to", "clip"]) else { return nil }
            if !step.has("from") { step.fault("from", "is missing") }
            guard let from = step.interval("from") else { return nil }
            let to = step.has("to") ? step.interval("to") : 0...1
            return to.map { .scaleRange(from: from, to: $0, clip: step.boolean("clip") ?? true) }
        case "clip": return section.interval(key).map { .clip($0) }
        case "clipPercentiles":
            guard let step = section.section(key, keys: ["percentiles", "nonzero"]) else { return nil }
            if !step.has("percentiles") { step.fault("percentiles", "is missing") }
            guard let range = step.interval("percentiles") else { return nil }
            if range.lowerBound < 0 || range.upperBound > 100 {
                step.fault("percentiles", "must lie within 0 and 100")
            }
            return .clipPercentiles(
                lower: range.lowerBound, upper: range.upperBound, nonzero: step.boolean("nonzero") ?? false)
        case "scaleMinMax":
            guard let step = section.section(key, keys: ["to", "channelWise"]) else { return nil }
            let to = step.has("to") ? step.interval("to") : 0...1
            return to.map { .scaleMinMax(to: $0, channelWise: step.boolean("channelWise") ?? false) }
        case "normalize": return normalization(section).map { .normalize($0) }
        case "cropForeground":
            guard let step = section.section(key, keys: ["above", "margin", "allowSmaller"]) else { return nil }
            return .cropForeground(
                Foreground(
                    above: step.number("above", -1e9...1e9) ?? 0,
                    margin: step.integers("margin", count: 3...3, 0...1000) ?? [0, 0, 0],
                    allowSmaller: step.boolean("allowSmaller") ?? false))
        case "scaleStored":
            guard let step = section.section(key, keys: ["to"]) else { return nil }
            if !step.has("to") { step.fault("to", "is missing") }
            return step.interval("to").map { .scaleStored(to: $0) }
        case "windows": return .windows(windows(section, key))
        case "stretchWindows": return .stretchWindows(windows(section, key))
        case "neighbours":
            return section.integers(key, count: 1...64, -64...64).map { .neighbours($0) }
        case "repeatChannels": return section.integer(key, 2...64).map { .repeatChannels($0) }
        case "resize": return resize(section).map { .resize($0) }
        case "cropNonzero": return isWanted(section, key) ? .cropNonzero : nil
        case "centerCropSquare": return isWanted(section, key) ? .centerCropSquare : nil
        case "autocrop": return isWanted(section, key) ? .autocrop : nil
        case "truncate": return isWanted(section, key) ? .truncate : nil
        case "perChannel":
            return .perChannel(
                section.stepLists(key, keys: valueSteps).map { $0.compactMap { step($0.key, $0.section) } })
        default: return isWanted(section, key) ? .toByte : nil
        }
    }

    private static func windows(_ section: StrictSection, _ key: String) -> [IntensityWindow] {
        let windows = section.sections(key, keys: ["center", "width"])
        if windows.isEmpty { section.fault(key, "must be a list of {center, width}") }
        return windows.map {
            IntensityWindow(
                center: $0.requiredNumber("center", -1e6...1e6), width: $0.requiredNumber("width", 1...1e6))
        }
    }

    /// A step without settings is written `- toByte: true`.
    private static func isWanted(_ section: StrictSection, _ key: String) -> Bool {
        guard let isWanted = section.boolean(key) else { return false }
        if !isWanted { section.fault(key, "must be true, or be left out") }
        return isWanted
    }

    private static func spacing(_ section: StrictSection) -> Spacing? {
        guard let step = section.section("spacing", keys: ["mm", "interpolation", "lattice", "separateAxis"]) else {
            return nil
        }
        if !step.has("mm") { step.fault("mm", "is missing") }
        guard let mm = step.numbers("mm", count: 3, 0.05...100, word: "source") else { return nil }
        let separate = step.section("separateAxis", keys: ["above", "interpolation"]).map {
            Spacing.SeparateAxis(
                above: $0.number("above", 1...1000) ?? 3,
                interpolation: $0.choice("interpolation", Interpolation.self) ?? .nearest)
        }
        let lattice = step.choice("lattice", Spacing.Lattice.self) ?? .affine
        if separate != nil, lattice != .halfPixel {
            step.fault("separateAxis", "belongs to `lattice: halfPixel` only")
        }
        return Spacing(
            mm: mm, interpolation: step.choice("interpolation", Interpolation.self) ?? .linear, lattice: lattice,
            separateAxis: separate)
    }

    private static func normalization(_ section: StrictSection) -> Normalization? {
        guard
            let step = section.section(
                "normalize", keys: ["of", "channelWise", "mean", "deviation", "minimumDeviation"])
        else { return nil }
        let mean = step.numbers("mean", count: 1...64, -1e9...1e9)
        let deviation = step.numbers("deviation", count: 1...64, 1e-12...1e9)
        if step.has("mean") != step.has("deviation") {
            step.fault(step.has("mean") ? "mean" : "deviation", "needs the other of `mean` and `deviation` beside it")
        } else if let mean, let deviation, mean.count != deviation.count {
            step.fault("deviation", "must have as many numbers as `mean`")
        }
        return Normalization(
            of: step.choice("of", Normalization.Voxels.self) ?? .all,
            channelWise: step.boolean("channelWise") ?? false, mean: mean, deviation: deviation,
            minimumDeviation: step.number("minimumDeviation", 0...1) ?? 0)
    }

    private static func resize(_ section: StrictSection) -> Resize? {
        guard let step = section.section("resize", keys: ["size", "method", "fit"]) else { return nil }
        if !step.has("size") { step.fault("size", "is missing") }
        guard let size = step.integers("size", count: 2...2, 8...4096) else { return nil }
        return Resize(
            size: size, method: step.requiredChoice("method", Resize.Method.self) ?? .bilinear,
            fit: step.choice("fit", Resize.Fit.self) ?? .stretch)
    }
}

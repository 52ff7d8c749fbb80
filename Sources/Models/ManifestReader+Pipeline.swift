// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Manifest {
    static func preprocess(_ root: StrictSection) -> [Preprocessing] {
        root.steps("preprocess", keys: ["orientation", "spacing", "scaleRange", "clip"]).compactMap { key, section in
            switch key {
            case "orientation":
                guard let text = section.text(key) else { return nil }
                if let codes = AxisCodes(text) { return .orientation(codes) }
                section.fault(key, "must be three letters, one each of R or L, A or P, and S or I, such as RAS or SPL")
                return nil
            case "spacing":
                guard let step = section.section(key, keys: ["mm", "interpolation"]) else { return nil }
                if !step.has("mm") { step.fault("mm", "is missing") }
                guard let spacing = step.numbers("mm", count: 3, 0.05...100, word: "source") else { return nil }
                return .spacing(spacing, step.choice("interpolation", Interpolation.self) ?? .linear)
            case "scaleRange":
                guard let step = section.section(key, keys: ["from", "to", "clip"]) else { return nil }
                if !step.has("from") { step.fault("from", "is missing") }
                guard let from = step.interval("from") else { return nil }
                let to = step.has("to") ? step.interval("to") : 0...1
                return to.map { .scaleRange(from: from, to: $0, clip: step.boolean("clip") ?? true) }
            default:
                return section.interval(key).map { .clip($0) }
            }
        }
    }

    static func inference(_ section: StrictSection) -> Inference? {
        if section.has("fullVolume") == section.has("slidingWindow") {
            section.problems.add(
                "`inference` must hold exactly one of `fullVolume` and `slidingWindow`", at: section.node)
            return nil
        }
        if let full = section.section("fullVolume", keys: ["multiple", "padding"]) {
            let multiple = full.numbers("multiple", count: 3, 1...512)?.map { Int($0 ?? 1) } ?? [1, 1, 1]
            return .fullVolume(multiple: multiple, padding: padding(full) ?? .replicate)
        }
        guard let window = section.section("slidingWindow", keys: ["roi", "overlap", "weighting", "sigma", "padding"])
        else {
            return nil
        }
        if !window.has("roi") { window.fault("roi", "is missing") }
        guard let roi = window.numbers("roi", count: 3, 1...1024) else { return nil }
        let overlap: [Double?]?
        if window.value("overlap")?.sequence != nil {
            overlap = window.numbers("overlap", count: 3, 0...0.99)
        } else {
            overlap = [Double?](repeating: window.has("overlap") ? window.number("overlap", 0...0.99) : 0.25, count: 3)
        }
        enum Word: String, CaseIterable { case constant, gaussian }
        let isGaussian = window.choice("weighting", Word.self) == .gaussian
        if window.has("sigma"), !isGaussian { window.fault("sigma", "belongs to `weighting: gaussian` only") }
        let sigma = window.number("sigma", 0.01...10) ?? 0.125
        return .slidingWindow(
            Window(
                roi: roi.map { Int($0 ?? 1) }, overlap: (overlap ?? []).map { $0 ?? 0 },
                weighting: isGaussian ? .gaussian(sigma: sigma) : .constant,
                padding: padding(window) ?? .constant(0)))
    }

    /// `replicate`, or the value to fill with.
    private static func padding(_ section: StrictSection) -> Padding? {
        guard let node = section.value("padding") else { return nil }
        if node.string == "replicate" { return .replicate }
        if let value = node.float, value.isFinite { return .constant(value) }
        section.fault("padding", "must be `replicate` or the value to fill with")
        return nil
    }

    static func decision(_ section: StrictSection) -> Decision? {
        let activation = section.requiredChoice("activation", Decision.Activation.self)
        let rule = section.requiredChoice("rule", Decision.Rule.self)
        let restore = section.requiredChoice("restore", Interpolation.self)
        guard let activation, let rule, let restore else { return nil }
        return Decision(activation: activation, rule: rule, restore: restore)
    }

    private static let outputKeys = [
        "channel", "threshold", "label", "code", "category", "type", "site", "laterality", "priority", "minimumVolume",
        "confidence", "postprocess", "report",
    ]

    static func outputs(_ root: StrictSection, rule: Decision.Rule?) -> [Output] {
        guard let node = root.value("outputs"), let items = node.sequence, !items.isEmpty else {
            root.has("outputs")
                ? root.fault("outputs", "must be a list of at least one output")
                : root.problems.add("`outputs` is missing", at: root.node)
            return []
        }
        var outputs: [Output] = []
        for (position, item) in items.enumerated() {
            let section = StrictSection(item, path: "outputs[\(position)]", keys: outputKeys, problems: root.problems)
            guard item.mapping != nil else { continue }
            let output = output(section, rule: rule, earlier: outputs.map(\.label))
            if outputs.contains(where: { $0.label == output.label }) {
                section.fault("label", "is used twice: \(output.label)")
            }
            outputs.append(output)
        }
        if !outputs.isEmpty, !outputs.contains(where: \.isReported) {
            root.fault("outputs", "has `report: false` on every output: nothing would ever be reported")
        }
        return outputs
    }

    private static func output(_ section: StrictSection, rule: Decision.Rule?, earlier: [String]) -> Output {
        if rule == .argmax, section.has("threshold") { section.fault("threshold", "belongs to `rule: threshold` only") }
        let label = section.requiredText("label")
        if label.count > 64 { section.fault("label", "has more than 64 characters (Segment Label is LO)") }
        let nobody = Code("", "", "")
        return Output(
            channel: section.requiredInteger("channel", 0...4095),
            threshold: section.number("threshold", -1e6...1e6) ?? 0.5,
            label: label, code: code(section, "code", isRequired: true) ?? nobody,
            category: code(section, "category", isRequired: true) ?? nobody,
            type: code(section, "type", isRequired: true) ?? nobody, site: code(section, "site"),
            laterality: code(section, "laterality"),
            priority: section.requiredChoice("priority", Priority.self) ?? .routine,
            minimumVolume: section.number("minimumVolume", 0...100_000) ?? 0,
            confidence: confidence(section), postprocess: postprocess(section, earlier: earlier),
            isReported: section.boolean("report") ?? true)
    }

    /// `[value, scheme, meaning]`, within the lengths of PS3.3 8.8 (SH, SH, LO).
    private static func code(_ section: StrictSection, _ key: String, isRequired: Bool = false) -> Code? {
        guard section.has(key) else {
            if isRequired { section.fault(key, "is missing") }
            return nil
        }
        guard let parts = section.texts(key), parts.count == 3 else {
            section.fault(key, "must be [code value, coding scheme designator, code meaning]")
            return nil
        }
        if parts[0].count > 16 || parts[1].count > 16 || parts[2].count > 64 {
            section.fault(key, "is longer than DICOM allows: 16, 16 and 64 characters")
        }
        return Code(parts[0], parts[1], parts[2])
    }

    private static func confidence(_ section: StrictSection) -> Confidence {
        guard let node = section.value("confidence") else {
            section.fault("confidence", "is missing: mean, maximum, {percentile: 95} or {fixed: 0.5}")
            return .mean
        }
        if node.mapping == nil {
            enum Word: String, CaseIterable { case mean, maximum }
            return section.choice("confidence", Word.self) == .maximum ? .maximum : .mean
        }
        guard let rule = section.section("confidence", keys: ["percentile", "fixed"]) else { return .mean }
        if rule.has("percentile") == rule.has("fixed") {
            section.fault("confidence", "must be mean, maximum, {percentile: 95} or {fixed: 0.5}")
        }
        if let percentile = rule.number("percentile", 0...100) { return .percentile(percentile) }
        return .fixed(rule.number("fixed", 0...1) ?? 0)
    }

    private static func postprocess(_ section: StrictSection, earlier: [String]) -> [Postprocessing] {
        let keys = ["removeSmall", "keepLargest", "fillHoles", "restrict"]
        return section.steps("postprocess", keys: keys).compactMap { key, step in
            switch key {
            case "removeSmall":
                guard let step = step.section(key, keys: ["volume", "connectivity"]) else { return nil }
                return .removeSmall(volume: step.requiredNumber("volume", 0...100_000), connectivity(step))
            case "keepLargest":
                guard let step = step.section(key, keys: ["count", "connectivity"]) else { return nil }
                return .keepLargest(count: step.integer("count", 1...1000) ?? 1, connectivity(step))
            case "fillHoles":
                enum Word: String, CaseIterable { case volume, slices }
                return step.choice(key, Word.self).map { .fillHoles(inSlices: $0 == .slices) }
            default:
                guard let step = step.section(key, keys: ["to", "margin"]) else { return nil }
                let label = step.requiredText("to")
                if !label.isEmpty, !earlier.contains(label) {
                    step.fault("to", "names `\(label)`, which no earlier output has as its label")
                }
                return .restrict(toLabel: label, margin: step.number("margin", 0...1000) ?? 0)
            }
        }
    }

    private static func connectivity(_ section: StrictSection) -> Connectivity {
        section.choice("connectivity", Connectivity.self) ?? .twentySix
    }
}

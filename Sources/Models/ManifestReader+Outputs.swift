// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Yams

extension Manifest {
    /// `rule` and `restore` are for voxels: a package of scores alone leaves them out.
    static func decision(_ root: StrictSection) -> Decision? {
        let keys = ["activation", "rule", "restore", "activateAfterRestore", "probabilities"]
        guard let section = root.requiredSection("decision", keys: keys) else { return nil }
        let marks = root.has("outputs")
        let activation = section.requiredChoice("activation", Decision.Activation.self)
        let rule = marks ? section.requiredChoice("rule", Decision.Rule.self) : .threshold
        let restore = marks ? section.requiredChoice("restore", Interpolation.self) : .linear
        if restore == .cubic { section.fault("restore", "must be `linear` or `nearest`") }
        if !marks {
            for key in ["rule", "restore", "probabilities"] where section.has(key) {
                section.fault(key, "is for `outputs` only")
            }
        }
        let after = section.boolean("activateAfterRestore") ?? false
        if after, restore != .linear { section.fault("activateAfterRestore", "belongs to `restore: linear` only") }
        guard let activation, let rule, let restore else { return nil }
        return Decision(
            activation: activation, rule: rule, restore: restore, activatesAfterRestore: after,
            keepsProbabilities: section.boolean("probabilities") ?? false)
    }

    private static let outputKeys = [
        "channel", "threshold", "label", "code", "category", "type", "site", "laterality", "priority", "minimumVolume",
        "confidence", "postprocess", "report", "midline",
    ]

    static func outputs(_ root: StrictSection, rule: Decision.Rule?) -> [Output] {
        guard root.has("outputs") || !root.has("scores") else { return [] }
        guard let node = root.value("outputs"), let items = node.sequence, !items.isEmpty else {
            root.has("outputs")
                ? root.fault("outputs", "must be a list of at least one output")
                : root.problems.add(
                    "`outputs` is missing (or `scores`, for a classification or a detector)", at: root.node)
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
        if !outputs.isEmpty, !root.has("scores"), !outputs.contains(where: \.isReported) {
            root.fault("outputs", "has `report: false` on every output: nothing would ever be reported")
        }
        return outputs
    }

    private static let scoreKeys = [
        "channel", "threshold", "operatingPoint", "aggregate", "label", "code", "category", "site", "laterality",
        "priority", "minimumSize",
    ]

    static func scores(_ root: StrictSection) -> [Score] {
        var scores: [Score] = []
        for section in root.sections("scores", keys: scoreKeys) {
            let label = section.requiredText("label")
            if label.count > 64 { section.fault("label", "has more than 64 characters") }
            if scores.contains(where: { $0.label == label }) { section.fault("label", "is used twice: \(label)") }
            let nobody = Code("", "", "")
            scores.append(
                Score(
                    channel: section.requiredInteger("channel", 0...4095),
                    threshold: section.number("threshold", 0...1) ?? 0.5,
                    operatingPoint: section.number("operatingPoint", 1e-6...0.999999), aggregate: aggregate(section),
                    label: label, code: code(section, "code", isRequired: true) ?? nobody,
                    category: code(section, "category")
                        ?? Code("49755003", "SCT", "Morphologically Abnormal Structure"),
                    site: code(section, "site"), laterality: code(section, "laterality"),
                    priority: section.requiredChoice("priority", Priority.self) ?? .routine,
                    minimumSize: section.number("minimumSize", 0...1000) ?? 0))
        }
        if root.has("scores"), scores.isEmpty { root.fault("scores", "must be a list of at least one score") }
        return scores
    }

    private static func aggregate(_ section: StrictSection) -> Score.Aggregate {
        guard let node = section.value("aggregate") else { return .maximum }
        if node.string == "maximum" { return .maximum }
        if node.mapping != nil, let rule = section.section("aggregate", keys: ["meanOfTop"]),
            let count = rule.integer("meanOfTop", 1...10_000)
        {
            return .meanOfTop(count)
        }
        section.fault("aggregate", "must be `maximum` or {meanOfTop: 3}")
        return .maximum
    }

    static func explain(_ root: StrictSection) -> Explanation? {
        guard let section = root.section("explain", keys: ["activationMap", "features", "occlusion"]) else {
            return nil
        }
        if section.has("activationMap") { return .activationMap(output: section.requiredText("activationMap")) }
        if let rule = section.section("features", keys: ["output", "weights", "sha256"]) {
            var weights = Explanation.Weights(name: rule.requiredText("weights"), sha256: digest(rule, "sha256"))
            if weights.isFile {
                weights.name = fileName(rule, "weights")
            } else if rule.has("sha256") {
                rule.fault("sha256", "belongs to a file (.npy); an output of the graph is pinned with the graph")
            }
            return .features(output: rule.requiredText("output"), weights: weights)
        }
        if let rule = section.section("occlusion", keys: ["size", "overlap", "fill", "passes"]) {
            return .occlusion(
                Occlusion(
                    size: rule.integers("size", count: 2...2, 1...1024) ?? [16, 16],
                    overlap: rule.number("overlap", 0...0.95) ?? 0.6,
                    fill: rule.choice("fill", Occlusion.Fill.self) ?? .gaussian,
                    passes: rule.integer("passes", 1...100_000) ?? 400
                ))
        }
        section.problems.add(
            "`explain` must hold one of `activationMap`, `features`, `occlusion`", at: section.node)
        return nil
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
            confidence: confidence(section), postprocess: postprocessing(section, earlier: earlier),
            isReported: section.boolean("report") ?? true, midline: midline(section, earlier: earlier))
    }

    private static func midline(_ output: StrictSection, earlier: [String]) -> Midline? {
        guard let section = output.section("midline", keys: ["landmark", "code"]) else { return nil }
        let landmark = section.requiredText("landmark")
        if !landmark.isEmpty, !earlier.contains(landmark) {
            section.fault("landmark", "must be the label of an earlier output")
        }
        guard let code = code(section, "code", isRequired: true) else { return nil }
        return Midline(landmark: landmark, code: code)
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
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Yams

extension Manifest {
    private static let qualityKeys = [
        "unit", "minimumExtent", "maximumSliceSpacing", "orientation", "negativeExtent", "examined", "gates", "whole",
        "contrast",
    ]

    static func quality(_ root: StrictSection) -> Quality? {
        guard let section = root.requiredSection("quality", keys: qualityKeys) else { return nil }
        return Quality(
            unit: section.requiredText("unit"), minimumExtent: section.number("minimumExtent", 0...10_000),
            maximumSliceSpacing: section.number("maximumSliceSpacing", 0.01...1000),
            orientation: Rules.orientation(section), negativeExtent: section.number("negativeExtent", 0...10_000),
            examined: section.section("examined", keys: ["channel", "minimumVolume"]).map {
                Examined(
                    channel: $0.requiredInteger("channel", 0...4095),
                    minimumVolume: $0.requiredNumber("minimumVolume", 0...100_000))
            },
            gates: gates(section),
            whole: section.sections("whole", keys: ["label", "minimumVolume", "action"]).map {
                WholeAnatomy(
                    label: $0.requiredText("label"), minimumVolume: $0.number("minimumVolume", 0...100_000) ?? 0,
                    action: $0.requiredChoice("action", Action.self) ?? .warn)
            },
            contrast: section.section("contrast", keys: ["label", "enhancedFrom", "action"]).map {
                ContrastGate(
                    label: $0.requiredText("label"), enhancedFrom: $0.requiredNumber("enhancedFrom", -1000...3000),
                    action: $0.requiredChoice("action", Action.self) ?? .warn)
            })
    }

    private static func gates(_ quality: StrictSection) -> [Gate] {
        guard let section = quality.section("gates", keys: Gate.Measure.allCases.map(\.rawValue)) else { return [] }
        return Gate.Measure.allCases.compactMap { measure in
            guard let rule = section.section(measure.rawValue, keys: Action.allCases.map(\.rawValue)) else {
                return nil
            }
            let gate = Gate(
                measure: measure, warn: rule.range("warn", -1e6...1e6), block: rule.range("block", -1e6...1e6))
            if !rule.has("warn"), !rule.has("block") {
                section.fault(measure.rawValue, "needs `warn`, `block` or both")
            }
            return gate
        }
    }

    /// Gates that look at outputs have to name one.
    static func checkLabels(_ quality: Quality, outputs: [Output], root: StrictSection) {
        let labels = outputs.map(\.label)
        for label in quality.whole.map(\.label) + [quality.contrast?.label].compactMap(\.self)
        where !labels.contains(label) {
            root.fault("quality", "names `\(label)`, which is the label of no output")
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Yams

extension Manifest {
    private static let postprocessingSteps = [
        "removeSmall", "keepLargest", "keepSide", "fillHoles", "merge", "restrict",
    ]

    /// - Parameter earlier: labels of the outputs before this one.
    static func postprocessing(_ section: StrictSection, earlier: [String]) -> [Postprocessing] {
        section.steps("postprocess", keys: postprocessingSteps).compactMap { key, step in
            switch key {
            case "removeSmall":
                guard let step = step.section(key, keys: ["volume", "voxels", "connectivity"]) else { return nil }
                if step.has("voxels") {
                    if step.has("volume") { step.fault("voxels", "cannot stand beside `volume`") }
                    return step.integer("voxels", 1...1_000_000_000).map { .removeFew(voxels: $0, connectivity(step)) }
                }
                return .removeSmall(volume: step.requiredNumber("volume", 0...100_000), connectivity(step))
            case "keepLargest":
                guard let step = step.section(key, keys: ["count", "connectivity"]) else { return nil }
                return .keepLargest(count: step.integer("count", 1...1000) ?? 1, connectivity(step))
            case "keepSide":
                guard let step = step.section(key, keys: ["side", "connectivity"]) else { return nil }
                return step.requiredChoice("side", Postprocessing.Side.self).map { .keepSide($0, connectivity(step)) }
            case "fillHoles":
                enum Word: String, CaseIterable { case volume, slices }
                return step.choice(key, Word.self).map { .fillHoles(inSlices: $0 == .slices) }
            case "merge": return .merge(labels(step, key, earlier))
            default:
                guard let step = step.section(key, keys: ["to", "margin", "closing", "dilation"]) else { return nil }
                let labels = labels(step, "to", earlier)
                let isCounted = step.has("closing") || step.has("dilation") || labels.count > 1
                guard isCounted else {
                    return .restrict(toLabel: labels.first ?? "", margin: step.number("margin", 0...1000) ?? 0)
                }
                if step.has("margin") {
                    step.fault("margin", "is for one output, and cannot stand beside `closing` and `dilation`")
                }
                return .restrictWithin(
                    labels, closing: step.integer("closing", 0...50) ?? 0,
                    dilation: step.integer("dilation", 0...50) ?? 0)
            }
        }
    }

    /// One label or several, each of an earlier output.
    private static func labels(_ section: StrictSection, _ key: String, _ earlier: [String]) -> [String] {
        guard let node = section.value(key) else {
            section.fault(key, "is missing")
            return []
        }
        let labels = node.sequence.map { $0.compactMap(\.string) } ?? [node.string].compactMap(\.self)
        if labels.isEmpty || labels.count != node.sequence?.count ?? 1 {
            section.fault(key, "must be the label of an earlier output, or a list of them")
        }
        for label in labels where !earlier.contains(label) {
            section.fault(key, "names `\(label)`, which no earlier output has as its label")
        }
        return labels
    }

    private static func connectivity(_ section: StrictSection) -> Connectivity {
        section.choice("connectivity", Connectivity.self) ?? .twentySix
    }
}

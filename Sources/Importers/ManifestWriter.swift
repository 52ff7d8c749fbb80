// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// The text of a manifest, which `Manifest.read` gives back.
package enum ManifestWriter {
    typealias Value = YAMLWriter.Value
    typealias Entries = [(String, Value)]

    package static func write(_ manifest: Manifest, comments: [String] = []) -> String {
        comments.map { "# \($0)\n" }.joined() + YAMLWriter.write(entries(manifest))
    }

    private static func entries(_ manifest: Manifest) -> Entries {
        var entries: Entries = [
            ("schema", .number(1)), ("name", .text(manifest.name)), ("version", .text(manifest.version)),
            ("title", .text(manifest.title)), ("manufacturer", .text(manifest.manufacturer)),
            ("use", .word(manifest.use.rawValue)),
            (
                "licence",
                .flowMapping([
                    ("spdx", .text(manifest.licence.spdx)), ("file", .text(manifest.licence.file)),
                    ("nonCommercial", .boolean(manifest.licence.isNonCommercial)),
                ])
            ), ("card", .text(manifest.card)), ("intendedUse", .text(manifest.intendedUse)),
        ]
        if let notFor = manifest.notFor { entries.append(("notFor", .text(notFor))) }
        if manifest.inference.roles == [.main] {
            entries.append(("network", .mapping(network(manifest.network))))
        } else {
            entries.append(("networks", .mapping(manifest.networks.map { ($0.role.rawValue, .mapping(network($0))) })))
        }
        entries.append(("claim", .mapping(rules(manifest.claim))))
        let require = rules(manifest.require)
        if !require.isEmpty { entries.append(("require", .mapping(require))) }
        if !manifest.channels.isEmpty {
            entries.append(
                (
                    "channels",
                    .sequence(
                        manifest.channels.map {
                            .mapping([("name", .text($0.name)), ("claim", mapping(rules($0.claim)))])
                        })
                ))
        }
        if let region = manifest.region {
            entries.append(
                (
                    "region",
                    .flowMapping([
                        ("package", .text(region.package)), ("label", .text(region.label)),
                        ("margin", .number(region.margin)),
                    ])
                ))
        }
        if manifest.images.colour != .luminance {
            entries.append(("images", .flowMapping([("colour", .word(manifest.images.colour.rawValue))])))
        }
        entries.append(("quality", .mapping(quality(manifest.quality))))
        if !manifest.preprocess.isEmpty {
            entries.append(("preprocess", .sequence(manifest.preprocess.map { .mapping([step($0)]) })))
        }
        entries.append(("inference", .mapping([(manifest.inference.name, inference(manifest.inference))])))
        entries.append(("decision", .mapping(decision(manifest.decision, marks: !manifest.outputs.isEmpty))))
        if !manifest.outputs.isEmpty {
            entries.append(
                ("outputs", .sequence(manifest.outputs.map { .mapping(output($0, rule: manifest.decision.rule)) })))
        }
        if !manifest.scores.isEmpty {
            entries.append(("scores", .sequence(manifest.scores.map { .mapping(score($0)) })))
        }
        if let explain = manifest.explain { entries.append(("explain", .mapping([self.explain(explain)]))) }
        entries.append(
            (
                "budget",
                .mapping([
                    ("memory", .number(Double(manifest.budget.memory >> 20))), ("time", .number(manifest.budget.time)),
                ])
            ))
        return entries
    }

    /// An empty mapping has no block form.
    static func mapping(_ entries: Entries) -> Value { entries.isEmpty ? .word("{}") : .mapping(entries) }
    static func numbers(_ numbers: [Double]) -> Value { .flow(numbers.map { .number($0) }) }
    static func integers(_ numbers: [Int]) -> Value { .flow(numbers.map { .number(Double($0)) }) }
    static func pair(_ range: ClosedRange<Double>) -> Value { numbers([range.lowerBound, range.upperBound]) }
    static func code(_ code: Code) -> Value { .flow([code.value, code.scheme, code.meaning].map { .text($0) }) }

    private static func network(_ network: Manifest.Network) -> Entries {
        var entries = graph(network.graphs[0])
        entries.append(("precision", .word(network.precision.rawValue)))
        if network.graphs.count > 1 {
            entries.append(("folds", .sequence(network.graphs.dropFirst().map { .mapping(graph($0)) })))
        }
        for (key, names) in [("inputs", network.inputs), ("outputs", network.outputs)] where !names.isEmpty {
            entries.append((key, .flowMapping(names.sorted { $0.key < $1.key }.map { ($0.key, .text($0.value)) })))
        }
        return entries
    }

    private static func graph(_ graph: Manifest.Graph) -> Entries {
        var entries: Entries = [("file", .text(graph.file))]
        if let sha256 = graph.sha256 { entries.append(("sha256", .text(sha256))) }
        if let weights = graph.weights { entries.append(("weights", .text(weights))) }
        if let sha256 = graph.weightsSHA256 { entries.append(("weightsSHA256", .text(sha256))) }
        return entries
    }

    static func orientation(_ rule: Rules.Orientation) -> Value {
        .flowMapping([("plane", .word(rule.plane.rawValue)), ("within", .number(rule.within))])
    }
}

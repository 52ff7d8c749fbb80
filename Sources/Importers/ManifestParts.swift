// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Parts of a manifest with what the manifest's reader takes for granted, to be changed: what a description of upstream
/// does not speak of keeps the reader's own default.
enum ManifestParts {
    static let manifest = read(inference: "{fullVolume: {}}", networks: "network: {file: model.onnx}")

    static func graph(_ file: String, weights: String? = nil) -> Manifest.Graph {
        var graph = manifest.network.graphs[0]
        graph.file = file
        graph.weights = weights
        return graph
    }

    static func network(_ role: Manifest.Role, _ graphs: [Manifest.Graph]) -> Manifest.Network {
        var network = manifest.network
        network.role = role
        network.graphs = graphs
        return network
    }

    static func channel(_ name: String, _ claim: Rules) -> Manifest.Channel {
        var channel = manifest.channels[0]
        channel.name = name
        channel.claim = claim
        return channel
    }

    static func text(include: String, exclude: String?) -> Rules.Text {
        guard var text = manifest.channels[0].claim.seriesDescription else {
            preconditionFailure("the template's channel goes by its description")
        }
        text.include = include
        text.exclude = exclude
        return text
    }

    static func decision(
        _ activation: Manifest.Decision.Activation, _ rule: Manifest.Decision.Rule, restore: Manifest.Interpolation,
        activatesAfterRestore: Bool = false
    ) -> Manifest.Decision {
        var decision = manifest.decision
        decision.activation = activation
        decision.rule = rule
        decision.restore = restore
        decision.activatesAfterRestore = activatesAfterRestore
        return decision
    }

    static func output(_ name: SegmentName, channel: Int) -> Manifest.Output {
        var output = manifest.outputs[0]
        output.channel = channel
        output.label = name.label
        output.code = name.code
        output.category = name.category
        output.type = name.code
        output.site = name.site
        output.laterality = name.laterality
        return output
    }

    static func score(_ label: String, _ code: Code, channel: Int, threshold: Double, site: Code?) -> Manifest.Score {
        var score = manifest.scores[0]
        score.channel = channel
        score.threshold = threshold
        score.label = label
        score.code = code
        score.site = site
        return score
    }

    static func separateAxis(above: Double, _ interpolation: Manifest.Interpolation) -> Manifest.Spacing.SeparateAxis {
        guard case .spacing(let spacing) = manifest.preprocess[0], var separate = spacing.separateAxis else {
            preconditionFailure("the template begins with a spacing")
        }
        separate.above = above
        separate.interpolation = interpolation
        return separate
    }

    static func normalization(_ voxels: Manifest.Normalization.Voxels, channelWise: Bool) -> Manifest.Normalization {
        guard case .normalize(var rule) = manifest.preprocess[1] else {
            preconditionFailure("the template's second step normalises")
        }
        rule.of = voxels
        rule.channelWise = channelWise
        return rule
    }

    static func foreground(margin: [Int], allowSmaller: Bool) -> Manifest.Foreground {
        guard case .cropForeground(var rule) = manifest.preprocess[2] else {
            preconditionFailure("the template's third step crops")
        }
        rule.above = 0
        rule.margin = margin
        rule.allowSmaller = allowSmaller
        return rule
    }

    static func resize(_ size: [Int], _ method: Manifest.Resize.Method) -> Manifest.Resize {
        guard case .resize(var rule) = manifest.preprocess[3] else {
            preconditionFailure("the template's fourth step resizes")
        }
        rule.size = size
        rule.method = method
        rule.fit = .stretch
        return rule
    }

    static let slices: Manifest.Slices = {
        guard case .slices(let slices) = read(inference: "{slices: {batch: 1}}", networks: mainNetwork).inference else {
            preconditionFailure("the template says slices")
        }
        return slices
    }()

    static let promptable: Manifest.Promptable = {
        let pair = "networks: {encoder: {file: encoder.onnx}, decoder: {file: decoder.onnx}}"
        guard case .promptable(let rule) = read(inference: "{promptable: {family: sam}}", networks: pair).inference
        else {
            preconditionFailure("the template says promptable")
        }
        return rule
    }()

    static let detector: Manifest.Detector = {
        let text = "{detection: {anchors: [[1, 1, 1]]}}"
        guard case .detection(let rule) = read(inference: text, networks: mainNetwork).inference else {
            preconditionFailure("the template says detection")
        }
        return rule
    }()

    private static let mainNetwork = "network: {file: model.onnx}"

    private static func read(inference: String, networks: String) -> Manifest {
        let text = """
            schema: 1
            name: template
            version: "1"
            title: template
            manufacturer: template
            use: research
            licence: {spdx: LicenseRef-None, file: LICENSE}
            card: CARD.md
            intendedUse: none
            \(networks)
            claim: {modality: [CT]}
            channels:
              - {name: template, claim: {seriesDescription: {include: a, exclude: b}}}
            quality: {unit: "1"}
            preprocess:
              - spacing: {mm: [1, 1, 1], lattice: halfPixel, separateAxis: {above: 3}}
              - normalize: {of: all}
              - cropForeground: {above: 0}
              - resize: {size: [64, 64], method: area}
            inference: \(inference)
            decision: {activation: none, rule: threshold, restore: linear}
            outputs:
              - {channel: 0, label: template, code: ["0", "99X", x], category: ["0", "99X", x], type: ["0", "99X", x],
                 priority: routine, confidence: mean}
            scores:
              - {channel: 0, label: template, code: ["0", "99X", x], priority: routine}
            budget: {memory: 1, time: 1}
            """
        do throws(PackageError) { return try Manifest.read(text, file: "template") } catch {
            preconditionFailure("the template of manifests does not read: \(error)")
        }
    }
}

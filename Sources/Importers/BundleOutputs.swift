// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// Outputs and scores of a manifest, from a bundle's channel names and its postprocessing.
struct BundleOutputs {
    typealias Refusal = ImportError.Refusal

    let metadata: BundleMetadata
    let log: ImportLog
    let after: BundlePostprocessing

    private static let background: Set<String> = ["background", "bg", "everything else", "unlabeled", "unlabelled"]

    func decision() throws(Refusal) -> Manifest.Decision {
        let file = after.configuration.file.name
        guard let rule = after.rule else {
            throw after.configuration.refusal("postprocessing", "decides nothing: AsDiscrete is missing")
        }
        var activation = after.activation
        let restore: Manifest.Interpolation
        if let given = after.restore {
            restore = given
        } else {
            restore = .nearest
            log.note(
                .assumed, "postprocessing#Invert", in: file, value: nil,
                why: "there is none; the decision is made on the network's grid, and voxels take the nearest label")
        }
        if activation == .none, rule == .argmax, restore == .nearest {
            activation = .softmax
            log.note(
                .assumed, "postprocessing#Activations", in: file, value: nil,
                why: "there is none; softmax leaves the greatest channel the greatest, and gives a confidence")
        }
        return ManifestParts.decision(activation, rule, restore: restore)
    }

    func segments(_ decision: Manifest.Decision) throws(Refusal) -> [Manifest.Output] {
        var names = try metadata.outputNames()
        let count = try metadata.outputChannels()
        if names.isEmpty {
            guard let count, count > 0, count <= 4096 else {
                throw metadata.configuration.refusal(
                    "network_data_format#outputs",
                    "names no channels; give --set 'network_data_format#outputs#pred#channel_def={\"0\": \"background\", …}'"
                )
            }
            names = (0..<count).map { ($0, $0 == 0 ? "background" : "label \($0)") }
            log.warn("the outputs have no names upstream; they are numbered")
        }
        if let count, count != names.count {
            log.warn("the metadata state \(count) output channels and name \(names.count)")
        }
        // With argmax the background is what is left; a package that reported it would mark every voxel.
        var kept = names.filter { !Self.background.contains($0.name.lowercased()) }
        if decision.rule == .argmax, kept.count == names.count, let first = kept.first, first.channel == 0 {
            kept.removeFirst()
            log.warn("channel 0, named \(first.name), is taken as background")
        }
        guard !kept.isEmpty else {
            throw metadata.configuration.refusal("network_data_format#outputs", "names nothing but background")
        }
        if let regions = after.regions {
            let byChannel = Dictionary(kept.map { ($0.channel, $0) }) { first, _ in first }
            kept = regions.compactMap { byChannel[$0] }
            guard kept.count == regions.count else {
                throw metadata.configuration.refusal(
                    "network_data_format#outputs", "does not name every region's channel")
            }
        }
        let labels = ManifestDefaults.unique(kept.map(\.name))
        let confidence: Manifest.Confidence = decision.activation == .none ? .fixed(0.5) : .mean
        return zip(kept, labels).map { entry, label in
            var post: [Manifest.Postprocessing] = []
            if let largest = after.largest, largest.labels?.contains(entry.channel) ?? true {
                post.append(.keepLargest(count: largest.count, largest.connectivity))
            }
            return ManifestDefaults.output(
                named(entry.name, label: label), channel: entry.channel,
                threshold: decision.rule == .argmax ? 0.5 : after.threshold, confidence: confidence, postprocess: post)
        }
    }

    private func named(_ name: String, label: String) -> SegmentName {
        var segment = SegmentName(name)
        if !segment.isKnown { log.noteUncoded(name) }
        segment.label = label
        return segment
    }

    // MARK: - Scores

    func classActivation() throws(Refusal) -> Manifest.Decision.Activation {
        if after.activation != .none { return after.activation }
        guard after.rule == .argmax else {
            throw after.configuration.refusal("postprocessing", "has neither activation nor argmax for its classes")
        }
        let count = try metadata.outputNames().count
        guard count == 2 else {
            throw after.configuration.refusal(
                "postprocessing", "takes the greatest of \(count) classes; scores of two, or Activations, are known")
        }
        log.note(
            .assumed, "postprocessing#Activations", in: after.configuration.file.name, value: nil,
            why: "there is none; of two classes the greater is the one whose softmax is above 0.5")
        return .softmax
    }

    func scores() throws(Refusal) -> [Manifest.Score] {
        let names = try metadata.outputNames()
        guard !names.isEmpty else {
            throw metadata.configuration.refusal("network_data_format#outputs", "names no classes")
        }
        let subject = [metadata.text("name"), metadata.text("task")].compactMap { $0?.lowercased() }
        let isDensity = subject.contains { $0.contains("breast density") }
        let labels = ManifestDefaults.unique(names.map(\.name))
        log.warn("scores: the threshold of 0.5 is no operating point; choose one on studies of the site")
        return zip(names, labels).map { entry, label in
            if isDensity, let composition = AnatomyTable.breastComposition[entry.name.uppercased()] {
                return score(
                    entry.channel, "Breast density \(label)", Code(composition.value, "SCT", composition.meaning),
                    threshold: 0.5, site: Code("76752008", "SCT", "Breast"))
            }
            let name = named(entry.name, label: label)
            return score(entry.channel, label, name.code, threshold: 0.5, site: name.site)
        }
    }

    /// One class for each that the metadata name, else one with the name of the bundle's task.
    func detections(threshold: Double) throws(Refusal) -> [Manifest.Score] {
        var names = (try? metadata.outputNames()) ?? []
        if names.isEmpty {
            let task = metadata.text("task") ?? metadata.text("name") ?? "object"
            let words = task.split(separator: " ").map(String.init).filter {
                !["ct", "mr", "mri", "3d", "detection", "model", "based"].contains($0.lowercased())
            }
            names = [(0, words.isEmpty ? "object" : words.joined(separator: " "))]
            log.note(
                .assumed, "network_data_format#outputs", in: metadata.configuration.file.name,
                value: .text(names[0].name),
                why: "classes have no names; the task's words")
        }
        log.warn(
            "scores: the threshold of \(ConfigValue.text(of: threshold)) is upstream's for candidates and no operating point; choose one on studies of the site"
        )
        let labels = ManifestDefaults.unique(names.map(\.name))
        return zip(names, labels).map { entry, label in
            let name = named(entry.name, label: label)
            return score(entry.channel, label, name.code, threshold: threshold, site: name.site)
        }
    }

    private func score(_ channel: Int, _ label: String, _ code: Code, threshold: Double, site: Code?) -> Manifest.Score
    {
        ManifestParts.score(label, code, channel: channel, threshold: threshold, site: site)
    }
}

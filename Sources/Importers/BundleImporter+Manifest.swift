// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models

extension BundleImporter {
    func assemble(
        _ outcome: BundleInferer.Outcome, _ modalities: [String], _ channels: Int, _ kind: BundlePreprocessing.Kind,
        _ before: BundlePreprocessing, _ after: BundlePostprocessing, isClassification: Bool
    ) throws(Refusal) -> Manifest {
        var steps = before.steps
        let inputs = try metadata.inputNames()
        var series: [Manifest.Channel] = []
        var isColour = false
        if channels > 1, kind == .volume {
            guard inputs.count == channels else {
                throw metadata.configuration.refusal(
                    "network_data_format#inputs", "has \(channels) channels and names \(inputs.count) of them")
            }
            series = SequenceClaims.channels(inputs, modalities: modalities, log: log)
        } else if channels == 3, try metadata.format()?.uppercased() == "RGB" {
            isColour = true
        } else if channels == 3, !steps.contains(.repeatChannels(3)) {
            steps.append(.repeatChannels(3))
            log.note(
                .assumed, "network_data_format#inputs", in: metadata.configuration.file.name, value: .number(3),
                why: "the one channel of the image three times, as upstream's gray pictures hold it")
        }
        let outputs = BundleOutputs(metadata: metadata, log: log, after: after)
        let inference: Manifest.Inference
        let decision: Manifest.Decision
        var segments: [Manifest.Output] = []
        var scores: [Manifest.Score] = []
        switch outcome {
        case .detection(let detector):
            inference = .detection(detector)
            decision = ManifestParts.decision(.sigmoid, .threshold, restore: .linear)
            scores = try outputs.detections(threshold: detector.scoreThreshold)
        case .simple where isClassification:
            guard kind == .projection else {
                throw configuration.refusal("inferer", "classifies volumes, which is not known to this importer")
            }
            inference = .projection
            decision = ManifestParts.decision(try outputs.classActivation(), .threshold, restore: .linear)
            scores = try outputs.scores()
        default:
            inference = try self.inference(outcome, kind, before)
            decision = try outputs.decision()
            segments = try outputs.segments(decision)
        }
        let licence = licence()
        let title = settings["title"]?.text ?? metadata.text("name") ?? log.report.title
        var manifest = ManifestParts.manifest
        manifest.name = ManifestDefaults.name(metadata.text("name") ?? log.report.title)
        manifest.version = String((metadata.text("version") ?? "0").prefix(64))
        manifest.title = title
        manifest.manufacturer = String((metadata.text("authors") ?? "unknown").prefix(64))
        manifest.licence.spdx = licence.spdx
        manifest.licence.isNonCommercial = licence.isNonCommercial
        manifest.intendedUse = metadata.text("intended_use") ?? "Not stated by upstream."
        manifest.notFor = ManifestDefaults.notFor
        manifest.networks = [ManifestParts.network(.main, [graph()])]
        // What tells the channels apart stands in their own claims: every channel's series has to keep this one.
        manifest.claim = ManifestDefaults.claim(modalities, log: log)
        manifest.channels = series
        manifest.images.colour = isColour ? .rgb : .luminance
        manifest.quality.unit = ManifestDefaults.unit(modalities)
        manifest.preprocess = steps
        manifest.inference = inference
        manifest.decision = decision
        manifest.outputs = segments
        manifest.scores = scores
        manifest.budget = ManifestDefaults.budget(channels: segments.count)
        return manifest
    }

    private func inference(
        _ outcome: BundleInferer.Outcome, _ kind: BundlePreprocessing.Kind, _ before: BundlePreprocessing
    ) throws(Refusal) -> Manifest.Inference {
        switch outcome {
        case .window(let window): return .slidingWindow(window)
        case .slices(var window):
            // A 2-D network, whose windows lie in the slice (monai/inferers/inferer.py, SliceInferer).
            window.roi.insert(1, at: 0)
            window.overlap.insert(0, at: 0)
            return .slices(Manifest.Slices(batch: window.batch, window: window))
        case .simple, .detection:
            guard kind == .volume else { return .slices(ManifestParts.slices) }
            let (multiple, padding) = before.multiple ?? ([1, 1, 1], .constant(0))
            return .fullVolume(multiple: multiple, padding: padding)
        }
    }

    /// model.onnx, or an OpenVINO IR in its place; what is not there yet is expected as model.onnx.
    private func graph() -> Manifest.Graph {
        func isThere(_ name: String) -> Bool { FileManager.default.fileExists(atPath: "\(folder)/models/\(name)") }
        if !isThere("model.onnx"), isThere("model.xml"), isThere("model.bin") {
            return ManifestParts.graph("model.xml", weights: "model.bin")
        }
        return ManifestParts.graph("model.onnx")
    }
}

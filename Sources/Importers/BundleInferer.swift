// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// The `inferer` of a bundle, and for a detector what stands around it.
struct BundleInferer {
    typealias Refusal = ImportError.Refusal

    enum Outcome: Equatable {
        case window(Manifest.Window)
        /// The roi along the two dimensions of a slice.
        case slices(Manifest.Window)
        case simple
        case detection(Manifest.Detector)
    }

    let configuration: BundleConfiguration
    let log: ImportLog

    func read() throws(Refusal) -> Outcome {
        guard let found = try configuration.shallow("inferer") else {
            throw configuration.refusal("inferer", "is missing")
        }
        let inferer = try BundleTransform(found.value, id: found.id, configuration: configuration, log: log)
        switch inferer.name {
        case "SlidingWindowInferer", "SlidingWindowInfererAdapt":
            let window = try window(inferer)
            try inferer.finish()
            return window.roi.count == 2 ? .slices(window) : .window(window)
        case "SliceInferer":
            let window = try window(inferer)
            guard try inferer.integer("spatial_dim") ?? 0 == 2 else {
                throw inferer.refuse("spatial_dim", "must be 2: slices as they were taken")
            }
            guard window.roi.count == 2 else { throw inferer.refuse("roi_size", "must be two numbers") }
            try inferer.finish()
            return .slices(window)
        case "SimpleInferer":
            try inferer.finish()
            return .simple
        case "scripts.detection_inferer.RetinaNetInferer": return .detection(try detector(inferer))
        default:
            throw configuration.refusal("inferer", "\(inferer.name) is an inferer that this importer does not know")
        }
    }

    private func window(_ inferer: BundleTransform) throws(Refusal) -> Manifest.Window {
        guard let value = try inferer.value("roi_size") else { throw inferer.refuse("roi_size", "is missing") }
        let sizes = value.numbers ?? []
        guard sizes.count == 2 || sizes.count == 3, sizes.allSatisfy({ (1...1024).contains($0) && $0 == $0.rounded() })
        else { throw inferer.refuse("roi_size", "must be two or three whole numbers of 1 to 1024, and is \(value)") }
        let overlap =
            try inferer.numbers("overlap", count: sizes.count) ?? [Double](repeating: 0.25, count: sizes.count)
        guard overlap.allSatisfy({ (0...0.99).contains($0) }) else {
            throw inferer.refuse("overlap", "must be 0 to 0.99")
        }
        let weighting: Manifest.Weighting
        switch try inferer.text("mode") ?? "constant" {
        case "constant":
            weighting = .constant
            inferer.ignore(["sigma_scale"], why: "belongs to mode gaussian")
        case "gaussian":
            let sigma = try inferer.number("sigma_scale") ?? 0.125
            guard (0.01...10).contains(sigma) else { throw inferer.refuse("sigma_scale", "must be 0.01 to 10") }
            weighting = .gaussian(sigma: sigma)
        case let other: throw inferer.refuse("mode", "must be constant or gaussian, and is \(other)")
        }
        let padding: Manifest.Padding
        switch try inferer.text("padding_mode") ?? "constant" {
        case "constant": padding = .constant(try inferer.number("cval") ?? 0)
        case "replicate":
            padding = .replicate
            inferer.ignore(["cval"], why: "belongs to padding_mode constant")
        case let other: throw inferer.refuse("padding_mode", "must be constant or replicate, and is \(other)")
        }
        inferer.ignore(
            [
                "sw_batch_size", "sw_device", "device", "progress", "cache_roi_weight_map", "cpu_thresh",
                "buffer_steps",
                "buffer_dim", "with_coord",
            ], why: "decides where and how fast, not what")
        return Manifest.Window(roi: sizes.map { Int($0) }, overlap: overlap, weighting: weighting, padding: padding)
    }

    /// RetinaNet of monai.apps.detection: numbers from the anchor generator, the network and two calls in `detector_ops`.
    private func detector(_ inferer: BundleTransform) throws(Refusal) -> Manifest.Detector {
        inferer.ignore(["detector"], why: "its parts are read one by one")
        let isForced = try inferer.boolean("force_sliding_window") ?? false
        try inferer.finish()
        let generator = try part("anchor_generator", named: ["AnchorGeneratorWithAnchorShape"])
        let anchors = try generator.value("base_anchor_shapes")?.list?.compactMap(\.numbers) ?? []
        guard !anchors.isEmpty, anchors.allSatisfy({ $0.count == 3 && $0.allSatisfy { $0 > 0 } }) else {
            throw generator.refuse("base_anchor_shapes", "must be lists of three numbers above 0")
        }
        guard let scales = try generator.value("feature_map_scales")?.numbers, !scales.isEmpty else {
            throw generator.refuse("feature_map_scales", "must be numbers")
        }
        generator.ignore(["indexing"], why: "how Python numbers the axes")
        try generator.finish()
        let network = try part("network_def", named: ["RetinaNet"])
        let multiple = try network.numbers("size_divisible", count: 3) ?? [1, 1, 1]
        guard multiple.allSatisfy({ (1...512).contains($0) }) else {
            throw network.refuse("size_divisible", "must be 1 to 512")
        }
        network.ignoreAll(why: "the graph holds the network")
        let selection = try call("set_box_selector_parameters")
        let windows = try call("set_sliding_window_inferer")
        guard let roi = windows["roi_size"]?.numbers, roi.count == 3 else {
            throw configuration.refusal("detector_ops", "set_sliding_window_inferer has no roi_size of three numbers")
        }
        if let mode = windows["mode"]?.text, mode != "constant" {
            throw configuration.refusal("detector_ops", "windows of a detector are blended with mode constant here")
        }
        if !isForced {
            log.note(
                .overridden, inferer.id + "#force_sliding_window", in: configuration.file.name, value: .boolean(false),
                why: "windows always: an exported graph has the size of one")
        }
        var rule = ManifestParts.detector
        rule.roi = roi.map { Int($0) }
        rule.overlap = windows["overlap"]?.number ?? 0.25
        rule.multiple = multiple.map { Int($0) }
        rule.anchors = anchors
        rule.scales = scales
        // Defaults of RetinaNetDetector (monai/apps/detection/networks/retinanet_detector.py).
        rule.scoreThreshold = selection["score_thresh"]?.number ?? 0.05
        rule.candidates = selection["topk_candidates_per_level"]?.integer ?? 1000
        rule.overlapThreshold = selection["nms_thresh"]?.number ?? 0.5
        rule.maximum = selection["detections_per_img"]?.integer ?? 300
        return rule
    }

    private func part(_ id: String, named names: [String]) throws(Refusal) -> BundleTransform {
        guard let found = try configuration.shallow(id) else { throw configuration.refusal(id, "is missing") }
        let part = try BundleTransform(found.value, id: found.id, configuration: configuration, log: log)
        guard names.contains(part.name) else {
            throw configuration.refusal(
                id, "\(part.name) is not known to this importer; \(names.joined(separator: " or ")) is")
        }
        return part
    }

    /// Arguments of a call `$@detector.NAME(a=…, b=@id)` in `detector_ops`, by its exact form.
    private func call(_ name: String) throws(Refusal) -> [String: ConfigValue] {
        let prefix = "$@detector.\(name)("
        for (position, item) in (try configuration.shallow("detector_ops")?.value.list ?? []).enumerated() {
            guard let text = item.text, text.hasPrefix(prefix), text.hasSuffix(")") else { continue }
            let id = "detector_ops#\(position)"
            guard let arguments = PythonLiteral.arguments(String(text.dropFirst(prefix.count).dropLast())) else {
                throw configuration.refusal(id, "is the expression `\(text)`, which is not evaluated")
            }
            var result: [String: ConfigValue] = [:]
            for (key, value) in arguments {
                guard let reference = value.text.flatMap(BundleConfiguration.reference) else {
                    result[key] = value
                    continue
                }
                guard let target = try configuration.value(reference) else {
                    throw configuration.refusal(id, "refers to \(reference), which is not there")
                }
                log.note(.used, reference, in: configuration.file.name, value: target, why: "for \(id)")
                result[key] = target
            }
            log.note(.used, id, in: configuration.file.name, value: item, why: "a call recognised by its form")
            return result
        }
        throw configuration.refusal("detector_ops", "has no call of \(name)")
    }
}

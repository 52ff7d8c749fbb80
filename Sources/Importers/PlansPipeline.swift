// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// nnU-Net's preprocessing as steps of a manifest. nnunetv2/preprocessing/preprocessors/default_preprocessor.py.
struct PlansPipeline {
    typealias Refusal = ImportError.Refusal

    let plans: ConfigFile
    let dataset: ConfigFile
    let configuration: PlansConfiguration
    let log: ImportLog
    let channels: Int

    func steps() throws(Refusal) -> [Manifest.Preprocessing] {
        try checkClasses()
        return try reader() + transpose() + [.cropNonzero] + normalisation() + [resampling()]
    }

    private func refusal(_ path: String, _ why: String) -> Refusal {
        Refusal(field: "\(plans.name): \(path)", why: why)
    }

    private func checkClasses() throws(Refusal) {
        if let name = configuration.text("preprocessor_name"), name != "DefaultPreprocessor" {
            throw configuration.refusal("preprocessor_name", "\(name) is not known to this importer")
        }
        if let manager = plans.root["label_manager"]?.text {
            guard manager == "LabelManager" else {
                throw refusal("label_manager", "\(manager) is not known to this importer")
            }
            log.note(.used, "label_manager", in: plans.name, value: .text(manager), why: "")
        }
    }

    /// How nnU-Net's reader lays an array out: z, y, x, as it was stored or turned to RAS.
    private func reader() throws(Refusal) -> [Manifest.Preprocessing] {
        let key = "overwrite_image_reader_writer"
        let overwritten = dataset.root[key]?.text
        let name = overwritten ?? plans.root["image_reader_writer"]?.text ?? "SimpleITKIO"
        if let overwritten { log.note(.used, key, in: dataset.name, value: .text(overwritten), why: "") }
        log.note(
            overwritten == nil ? .used : .overridden, "image_reader_writer", in: plans.name,
            value: plans.root["image_reader_writer"], why: overwritten == nil ? "" : "dataset.json: \(key)")
        switch name {
        case "SimpleITKIO": return []
        // The array is z, y, x: slices to the head, rows to the front, columns to the right.
        case "NibabelIOWithReorient", "SimpleITKIOWithReorient": return [.orientation(AxisCodes("SAR")!)]
        case "NibabelIO":
            log.warn("NibabelIO does not reorient: volumes are taken as slices, rows and columns of the series")
            return []
        default: throw refusal("image_reader_writer", "\(name) is not known to this importer")
        }
    }

    private func transpose() throws(Refusal) -> [Manifest.Preprocessing] {
        guard let order = plans.root["transpose_forward"]?.numbers?.map({ Int($0) }), order.sorted() == [0, 1, 2] else {
            throw refusal("transpose_forward", "must hold 0, 1 and 2")
        }
        log.note(.used, "transpose_forward", in: plans.name, value: plans.root["transpose_forward"], why: "")
        if let backward = plans.root["transpose_backward"] {
            let inverse = [0, 1, 2].map { axis in order.firstIndex(of: axis) ?? 0 }
            guard backward.numbers?.map({ Int($0) }) == inverse else {
                throw refusal("transpose_backward", "does not undo transpose_forward")
            }
            log.note(.used, "transpose_backward", in: plans.name, value: backward, why: "the inverse")
        }
        return order == [0, 1, 2] ? [] : [.transpose(order)]
    }

    private func normalisation() throws(Refusal) -> [Manifest.Preprocessing] {
        let schemes = configuration.value("normalization_schemes")?.list?.compactMap(\.text) ?? []
        guard schemes.count == channels else {
            throw configuration.refusal("normalization_schemes", "must hold one for each of \(channels) channels")
        }
        let masks = configuration.value("use_mask_for_norm")?.list?.compactMap(\.boolean) ?? []
        let masked = masks.isEmpty ? [Bool](repeating: false, count: channels) : masks
        guard masked.count == channels else {
            throw configuration.refusal("use_mask_for_norm", "must hold one for each of \(channels) channels")
        }
        var lists: [[Manifest.Preprocessing]] = []
        for channel in 0..<channels {
            lists.append(try normalisation(schemes[channel], isMasked: masked[channel], channel))
        }
        if schemes.contains("CTNormalization") { noteUnusedProperties() }
        guard Set(schemes).count == 1, Set(masked).count == 1, Set(lists.map { Self.bounds($0) }).count == 1 else {
            return [.perChannel(lists)]
        }
        return Self.together(lists)
    }

    /// Of channels that differ at most in their constants.
    private static func together(_ lists: [[Manifest.Preprocessing]]) -> [Manifest.Preprocessing] {
        lists[0].map { step in
            guard case .normalize(var rule) = step, rule.mean != nil else { return step }
            let rules = lists.compactMap { list -> Manifest.Normalization? in
                if case .normalize(let rule)? = list.last { rule } else { nil }
            }
            rule.channelWise = lists.count > 1
            rule.mean = rules.flatMap { $0.mean ?? [] }
            rule.deviation = rules.flatMap { $0.deviation ?? [] }
            return .normalize(rule)
        }
    }

    private static func bounds(_ steps: [Manifest.Preprocessing]) -> ClosedRange<Double>? {
        if case .clip(let range)? = steps.first { range } else { nil }
    }

    private func normalisation(_ scheme: String, isMasked: Bool, _ channel: Int) throws(Refusal) -> [Manifest
        .Preprocessing]
    {
        switch scheme {
        case "CTNormalization": return try ct(channel)
        case "ZScoreNormalization":
            var rule = ManifestParts.normalization(isMasked ? .filled : .all, channelWise: true)
            rule.minimumDeviation = 1e-8
            return [.normalize(rule)]
        case "RescaleTo01Normalization": return [.scaleMinMax(to: 0...1, channelWise: true)]
        case "RGBTo01Normalization": return [.scaleRange(from: 0...255, to: 0...1, clip: false)]
        case "NoNormalization": return []
        default: throw configuration.refusal("normalization_schemes", "\(scheme) is not known to this importer")
        }
    }

    // Renamed in 2.0; plans of before are still read upstream.
    private var propertiesKey: String? {
        ["foreground_intensity_properties_per_channel", "foreground_intensity_properties_by_modality"]
            .first { plans.root[$0] != nil }
    }

    private func ct(_ channel: Int) throws(Refusal) -> [Manifest.Preprocessing] {
        guard let key = propertiesKey else {
            throw refusal("foreground_intensity_properties_per_channel", "is missing")
        }
        let properties = plans.root[key]?["\(channel)"]
        func number(_ name: String) throws(Refusal) -> Double {
            let path = "\(key)#\(channel)#\(name)"
            guard let number = properties?[name]?.number else { throw refusal(path, "must be a number") }
            log.note(.used, path, in: plans.name, value: .number(number), why: "CTNormalization")
            return number
        }
        var rule = ManifestParts.normalization(.all, channelWise: false)
        rule.mean = [try number("mean")]
        rule.deviation = [max(try number("std"), 1e-8)]
        let (lower, upper) = (try number("percentile_00_5"), try number("percentile_99_5"))
        guard lower < upper else { throw refusal("\(key)#\(channel)", "has percentiles that hold no value") }
        return [.clip(lower...upper), .normalize(rule)]
    }

    private func noteUnusedProperties() {
        guard let key = propertiesKey else { return }
        for member in plans.root[key]?.members ?? [] {
            for field in member.value.members where !log.has("\(key)#\(member.key)#\(field.key)", in: plans.name) {
                log.note(
                    .ignored, "\(key)#\(member.key)#\(field.key)", in: plans.name, value: field.value,
                    why: "CTNormalization does not use it")
            }
        }
    }

    private func resampling() throws(Refusal) -> Manifest.Preprocessing {
        guard let spacing = configuration.numbers("spacing"), spacing.count == configuration.patch.count,
            spacing.allSatisfy({ (0.05...100).contains($0) })
        else {
            throw configuration.refusal("spacing", "must be a number of 0.05 to 100 mm for each dimension of the patch")
        }
        // A 2-D network keeps the slices as they are.
        let mm: [Double?] = (spacing.count == 2 ? [nil] : []) + spacing
        let data = try function("resampling_fn_data")
        let probabilities = try function("resampling_fn_probabilities")
        guard data != nil || probabilities == nil else {
            throw configuration.refusal("resampling_fn_probabilities", "resamples what resampling_fn_data does not")
        }
        if let probabilities, probabilities.interpolation != .linear {
            throw configuration.refusal(
                "resampling_fn_probabilities_kwargs",
                "must be of order 1: probabilities come back by linear interpolation")
        }
        guard let data else {
            return .spacing(.init(mm: [nil, nil, nil], interpolation: .linear, lattice: .halfPixel))
        }
        return .spacing(
            .init(mm: mm, interpolation: data.interpolation, lattice: .halfPixel, separateAxis: data.separate))
    }

    private struct Function: Equatable {
        var interpolation: Manifest.Interpolation
        var separate: Manifest.Spacing.SeparateAxis?
    }

    /// nil: nothing is resampled. nnunetv2/preprocessing/resampling.
    private func function(_ key: String) throws(Refusal) -> Function? {
        let name = configuration.text(key) ?? "resample_data_or_seg_to_shape"
        let arguments = configuration.value(key + "_kwargs")
        let interpolations: [Int: Manifest.Interpolation] = [0: .nearest, 1: .linear, 3: .cubic]
        func interpolation(_ argument: String, default order: Int) throws(Refusal) -> Manifest.Interpolation {
            guard let found = interpolations[arguments?[argument]?.integer ?? order] else {
                throw configuration.refusal(key + "_kwargs", "has \(argument) other than 0, 1 or 3")
            }
            return found
        }
        let above = arguments?["separate_z_anisotropy_threshold"]?.number ?? 3
        // null asks the spacing; true separates whenever one axis is coarser at all; left out, each function has its own.
        let threshold: Double? =
            switch arguments?["force_separate_z"] {
            case .boolean(true)?: 1
            case .boolean(false)?: nil
            case nil where name != "resample_torch_fornnunet": nil
            default: above
            }
        switch name {
        case "resample_data_or_seg_to_shape", "resample_data_or_seg_to_spacing":
            let along = try interpolation("order_z", default: 0)
            return Function(
                interpolation: try interpolation("order", default: 3),
                separate: threshold.map { ManifestParts.separateAxis(above: max(1, $0), along) })
        case "resample_torch_fornnunet":
            if let mode = arguments?["mode"]?.text, mode != "linear" {
                throw configuration.refusal(key + "_kwargs", "has mode \(mode); linear is known")
            }
            if let mode = arguments?["aniso_axis_mode"]?.text, mode != "nearest-exact" {
                throw configuration.refusal(key + "_kwargs", "has aniso_axis_mode \(mode); nearest-exact is known")
            }
            return Function(
                interpolation: .linear,
                separate: threshold.map { ManifestParts.separateAxis(above: max(1, $0), .nearest) })
        case "resample_torch_simple":
            return Function(interpolation: .linear, separate: nil)
        case "no_resampling_hack": return nil
        default: throw configuration.refusal(key, "\(name) is not known to this importer")
        }
    }
}

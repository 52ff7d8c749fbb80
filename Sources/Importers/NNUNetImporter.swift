// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// A trained nnU-Net v2: plans.json and dataset.json, with fold_N.onnx beside them. What plans mean: nnU-Net
/// nnunetv2/utilities/plans_handling/plans_handler.py and nnunetv2/inference/predict_from_raw_data.py.
package struct NNUNetImporter {
    typealias Refusal = ImportError.Refusal

    let folder: String
    let log: ImportLog
    let settings: ImportSettings
    let plans: ConfigFile
    let dataset: ConfigFile

    static let ownSettings: Set<String> = [
        "configuration", "mirroring", "folds", "step", "modality", "licence", "title", "version", "name",
    ]

    package static func read(folder: String, settings: ImportSettings, report: inout ImportReport?)
        throws(ImportError) -> ImportedModel
    {
        guard let plans = try ConfigFile.read("plans.json", in: folder),
            let dataset = try ConfigFile.read("dataset.json", in: folder)
        else {
            throw .unreadable(
                file: folder, reason: "has no plans.json and dataset.json, so that it is no nnU-Net model")
        }
        let log = ImportLog(kind: "nnunet", title: (folder as NSString).lastPathComponent)
        var importer = NNUNetImporter(
            folder: folder, log: log, settings: settings, plans: plans, dataset: dataset)
        defer { report = log.report }
        for id in settings.values.keys.sorted() where !ownSettings.contains(id) {
            let known = ownSettings.sorted().joined(separator: ", ")
            throw .setting("\(id): not a setting of an nnU-Net import; they are \(known)")
        }
        let manifest = importer.attempt { (importer) throws(Refusal) in try importer.manifest() }
        guard let manifest, log.refusals.isEmpty else { throw .refused(log.refusals) }
        return ImportedModel(
            manifest: manifest, report: log.report,
            networks: manifest.network.graphs.map {
                .init(source: importer.source(of: $0.file), name: $0.file)
            }, descriptions: [plans, dataset], licence: importer.licence(), provenance: importer.provenance())
    }

    private init(folder: String, log: ImportLog, settings: ImportSettings, plans: ConfigFile, dataset: ConfigFile) {
        self.folder = folder
        self.log = log
        self.settings = settings
        self.plans = plans
        self.dataset = dataset
    }

    private mutating func attempt<Value>(_ body: (inout Self) throws(Refusal) -> Value) -> Value? {
        do throws(Refusal) { return try body(&self) } catch {
            let parts = error.field.split(separator: ": ", maxSplits: 1).map(String.init)
            log.note(
                .refused, parts.last ?? error.field, in: parts.count == 2 ? parts[0] : "", value: nil, why: error.why)
            return nil
        }
    }

    private func refusal(_ file: ConfigFile, _ path: String, _ why: String) -> Refusal {
        Refusal(field: "\(file.name): \(path)", why: why)
    }

    private mutating func manifest() throws(Refusal) -> Manifest {
        let name = try configurationName()
        let configuration = try PlansConfiguration(named: name, in: plans, log: log)
        if let previous = configuration.text("previous_stage") {
            throw refusal(
                plans, configuration.path("previous_stage"),
                "is \(previous): a cascade feeds one model's labels to the next, which is not known to this importer")
        }
        let channels = try channelNames()
        let modalities = try modalities(of: channels)
        let pipeline = PlansPipeline(
            plans: plans, dataset: dataset, configuration: configuration, log: log, channels: channels.count)
        let labels = try DatasetLabels(dataset, log: log)
        let mirror = try mirroring(dimensions: configuration.patch.count)
        let overlap = 1 - (try step())
        let isFlat = configuration.patch.count == 2
        let window = Manifest.Window(
            roi: (isFlat ? [1] : []) + configuration.patch,
            overlap: isFlat ? [0, overlap, overlap] : [overlap, overlap, overlap], tiling: .nnunet,
            weighting: .gaussianNNUNet, padding: .constant(0), mirror: mirror)
        let steps = try pipeline.steps()
        let series = channels.count > 1 ? SequenceClaims.channels(channels, modalities: modalities, log: log) : []
        let title = datasetName()
        let licence = licence()
        noteRest(configuration)
        var manifest = ManifestParts.manifest
        manifest.name = ManifestDefaults.name(settings["name"]?.text ?? "\(title) \(name)")
        manifest.version = (settings["version"]?.text ?? settings["version"]?.number.map(ConfigValue.text)) ?? "1"
        manifest.title = settings["title"]?.text ?? "\(title), nnU-Net \(name)"
        manifest.manufacturer = "nnU-Net"
        manifest.licence.spdx = licence.spdx
        manifest.licence.isNonCommercial = licence.isNonCommercial
        manifest.intendedUse = "Not stated by upstream."
        manifest.notFor = ManifestDefaults.notFor
        manifest.networks = [ManifestParts.network(.main, try folds())]
        manifest.claim = ManifestDefaults.claim(modalities, log: log)
        manifest.channels = series
        manifest.quality.unit = ManifestDefaults.unit(modalities)
        manifest.preprocess = steps
        manifest.inference = .slidingWindow(window)
        manifest.decision = ManifestParts.decision(
            labels.areRegions ? .sigmoid : .softmax, labels.areRegions ? .regions : .argmax, restore: .linear,
            activatesAfterRestore: true)
        manifest.outputs = labels.outputs(log: log)
        manifest.scores = []
        manifest.budget = ManifestDefaults.budget(channels: labels.count)
        return manifest
    }

    // MARK: - Choices

    /// --set, else what the folder is named after (TRAINER__PLANS__CONFIGURATION), else the usual one.
    private func configurationName() throws(Refusal) -> String {
        let names = plans.root["configurations"]?.members.map(\.key) ?? []
        if let given = settings["configuration"]?.text {
            guard names.contains(given) else {
                throw Refusal(
                    field: "--set configuration", why: "\(given) is none of \(names.joined(separator: ", "))")
            }
            return given
        }
        let parts = folderParts
        let chosen = parts.count == 3 && names.contains(parts[2]) ? parts[2] : nil
        if let name = chosen ?? (names.count == 1 ? names[0] : nil)
            ?? (names.contains("3d_fullres") ? "3d_fullres" : nil)
        {
            log.note(
                .assumed, "configurations", in: plans.name, value: .text(name),
                why: "of \(names.joined(separator: ", ")); another: --set configuration=NAME")
            return name
        }
        throw refusal(
            plans, "configurations",
            "has \(names.joined(separator: ", ")); choose one with --set configuration=NAME")
    }

    private var folderParts: [String] {
        (folder as NSString).lastPathComponent.components(separatedBy: "__")
    }

    private func mirroring(dimensions: Int) throws(Refusal) -> [Int] {
        if let given = settings["mirroring"] {
            let axes = given == .null ? [] : given.list?.compactMap(\.integer)
            guard let axes, axes.count == (given.list?.count ?? 0), Set(axes).count == axes.count,
                axes.allSatisfy((0..<dimensions).contains)
            else {
                throw Refusal(field: "--set mirroring", why: "must be axes of 0 to \(dimensions - 1), such as [0,1,2]")
            }
            log.note(
                .used, "inference_allowed_mirroring_axes", in: "checkpoint", value: given, why: "--set mirroring")
            return axes.map { $0 + 3 - dimensions }.sorted()
        }
        log.note(
            .assumed, "inference_allowed_mirroring_axes", in: "checkpoint", value: .list([]),
            why: "none: the checkpoint holds it, not the plans")
        if !folderParts[0].contains("NoMirroring") {
            log.warn(
                "no mirroring: the checkpoint's inference_allowed_mirroring_axes are not in plans.json; give them with --set mirroring=[0,1,2], or [] where upstream predicts with --disable_tta"
            )
        }
        return []
    }

    private func step() throws(Refusal) -> Double {
        guard let given = settings["step"] else { return 0.5 }
        guard let step = given.number, step > 0, step <= 1 else {
            throw Refusal(field: "--set step", why: "must be above 0 and at most 1, a fraction of the patch")
        }
        return max(step, 0.01)
    }

    /// fold_0.onnx or fold_0/model.onnx, and so on; what is not there yet is expected as fold_0.onnx.
    private func folds() throws(Refusal) -> [Manifest.Graph] {
        var names: [String]
        if let given = settings["folds"] {
            names = (given.list ?? [given]).map { $0.integer.map(String.init) ?? $0.text ?? "" }
            guard !names.isEmpty, names.allSatisfy({ $0 == "all" || Int($0).map((0..<100).contains) == true }) else {
                throw Refusal(field: "--set folds", why: "must be numbers of folds, such as [0,1], or all")
            }
        } else {
            names = ((0..<100).map(String.init) + ["all"]).filter {
                FileManager.default.fileExists(atPath: source(of: "fold_\($0).onnx"))
            }
            if names.isEmpty { names = ["0"] }
        }
        return names.map { ManifestParts.graph("fold_\($0).onnx") }
    }

    func source(of file: String) -> String {
        let inFolder = "\(folder)/\((file as NSString).deletingPathExtension)/model.onnx"
        return FileManager.default.fileExists(atPath: inFolder) ? inFolder : "\(folder)/\(file)"
    }

    private func channelNames() throws(Refusal) -> [String] {
        // `modality` is what nnU-Net v1 called it.
        let key = dataset.root["channel_names"] == nil ? "modality" : "channel_names"
        let members = (dataset.root[key]?.members ?? []).sorted { (Int($0.key) ?? 0) < (Int($1.key) ?? 0) }
        let names = members.compactMap { member in member.value.text ?? member.value.number.map(ConfigValue.text) }
        guard !names.isEmpty, names.count == members.count else {
            throw refusal(dataset, "channel_names", "must be channel numbers with names")
        }
        log.note(.used, key, in: dataset.name, value: dataset.root[key], why: "input channels")
        return names
    }

    private func modalities(of channels: [String]) throws(Refusal) -> [String] {
        if let given = settings["modality"] {
            let words = given.list?.compactMap(\.text) ?? [given.text].compactMap(\.self)
            if !words.isEmpty { return words.map { $0.uppercased() } }
        }
        let known = channels.compactMap(SequenceClaims.modalities)
        if known.count == channels.count { return Array(Set(known.joined())).sorted() }
        throw refusal(
            dataset, "channel_names",
            "names \(channels.joined(separator: ", ")), which tells no modality of DICOM; give --set 'modality=[MR]'")
    }

    private func datasetName() -> String {
        let name = plans.root["dataset_name"]
        log.note(.used, "dataset_name", in: plans.name, value: name, why: "name of the package")
        return name?.text ?? log.report.title
    }

    /// What nnUNetv2_find_best_configuration chose beyond the network; a pickle, which runs what it holds when it is read.
    private func notePostprocessing() {
        let files = (try? FileManager.default.subpathsOfDirectory(atPath: folder)) ?? []
        for file in files.sorted() where (file as NSString).lastPathComponent == "postprocessing.pkl" {
            log.note(
                .ignored, "postprocessing", in: file, value: nil,
                why: "a Python pickle is not read; `keepLargest` of an output does what it may ask for")
            log.warn("\(file) is not read: where upstream removes all but the largest component, add `keepLargest`")
        }
    }

    private func noteRest(_ configuration: PlansConfiguration) {
        configuration.noteRest()
        notePostprocessing()
        for file in [plans, dataset] {
            for member in file.root.members where !log.hasUnder(member.key, in: file.name) {
                log.note(
                    .ignored, member.key, in: file.name, value: member.value,
                    why: "planned or described the training; no value of a prediction depends on it")
            }
        }
    }

    private func licence() -> UpstreamLicence {
        var licence = UpstreamLicence.read(in: folder)
        if let spdx = settings["licence"]?.text { licence.spdx = spdx }
        return licence
    }

    private func provenance() -> [String] {
        var lines = ["nnU-Net model: \(datasetName())"]
        for key in ["plans_name", "experiment_planner_used"] {
            if let text = plans.root[key]?.text { lines.append("\(key): \(text)") }
        }
        for key in ["name", "description", "reference", "licence", "license", "release"] {
            if let value = dataset.root[key], value != .null {
                lines.append("Data, \(key): \(value.text ?? value.description)")
            }
        }
        return lines
    }
}

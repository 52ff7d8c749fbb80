// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// A MONAI bundle: configs/metadata.json and configs/inference.json or .yaml. Specification: MONAI
/// docs/source/mb_specification.rst; what is honoured: docs/model-packages.md.
package struct BundleImporter {
    typealias Refusal = ImportError.Refusal

    let folder: String
    let log: ImportLog
    let settings: ImportSettings
    let configuration: BundleConfiguration
    let metadata: BundleMetadata

    /// Settings that are the importer's own, where the bundle has no such id.
    static let ownSettings: Set<String> = ["modality", "orientation", "licence", "title"]

    /// The model, or throws `ImportError.refused`; `report` is filled either way.
    package static func read(folder: String, settings: ImportSettings, report: inout ImportReport?)
        throws(ImportError) -> ImportedModel
    {
        var metadataFile: ConfigFile?
        var configurationFile: ConfigFile?
        for name in ["configs/metadata.json", "configs/metadata.yaml"] where metadataFile == nil {
            metadataFile = try ConfigFile.read(name, in: folder)
        }
        for name in ["configs/inference.json", "configs/inference.yaml", "configs/inference.yml"]
        where configurationFile == nil {
            configurationFile = try ConfigFile.read(name, in: folder)
        }
        guard let metadataFile, let configurationFile else {
            let name = metadataFile == nil ? "configs/metadata.json" : "configs/inference.json or .yaml"
            throw .unreadable(file: folder, reason: "has no \(name), so that it is no MONAI bundle")
        }
        let log = ImportLog(kind: "monai", title: (folder as NSString).lastPathComponent)
        var importer = BundleImporter(folder, metadataFile, configurationFile, settings, log)
        defer { report = log.report }
        let model = importer.model()
        guard let model, log.refusals.isEmpty else { throw .refused(log.refusals) }
        try importer.checkSettings()
        let provenance = importer.provenance()
        return ImportedModel(
            manifest: model, report: log.report, networks: importer.networks(of: model),
            descriptions: [metadataFile, configurationFile], licence: importer.licence(), provenance: provenance)
    }

    private init(
        _ folder: String, _ metadata: ConfigFile, _ configuration: ConfigFile, _ settings: ImportSettings,
        _ log: ImportLog
    ) {
        self.folder = folder
        self.log = log
        var settings = settings
        // A series comes as the scanner made it, whatever the bundle's own data were.
        for member in configuration.root.members
        where member.key.hasPrefix("whether_raw") && member.value == .boolean(false) && settings[member.key] == nil {
            settings.values[member.key] = .boolean(true)
            log.warn("\(member.key) is taken as true: a DICOM series is not resampled beforehand")
        }
        self.settings = settings
        self.configuration = BundleConfiguration(file: configuration, settings: settings, log: log)
        self.metadata = BundleMetadata(
            configuration: BundleConfiguration(file: metadata, settings: settings, log: log), log: log)
    }

    private func note(_ refusal: Refusal) {
        let parts = refusal.field.split(separator: ": ", maxSplits: 1).map(String.init)
        log.note(
            .refused, parts.last ?? refusal.field, in: parts.count == 2 ? parts[0] : "", value: nil, why: refusal.why)
    }

    private func attempt<Value>(_ body: () throws(Refusal) -> Value) -> Value? {
        do throws(Refusal) { return try body() } catch {
            note(error)
            return nil
        }
    }

    private mutating func model() -> Manifest? {
        let outcome = attempt { () throws(Refusal) in try BundleInferer(configuration: configuration, log: log).read() }
        let modalities = attempt { () throws(Refusal) in try self.modalities() }
        let channels = attempt { () throws(Refusal) in try metadata.inputChannels() } ?? 1
        let isClassification = attempt { () throws(Refusal) in try metadata.isClassificationIfAny(outcome) } ?? false
        let dimensions = attempt { () throws(Refusal) in try metadata.dimensions() }
        let kind: BundlePreprocessing.Kind =
            switch outcome {
            case .slices: .slices
            case .simple where dimensions == 2: .projection
            default: .volume
            }
        var before = BundlePreprocessing(
            configuration: configuration, log: log, kind: kind, version: metadata.text("monai_version") ?? "1.4",
            orientation: orientation(), channels: channels)
        if let transforms = attempt({ () throws(Refusal) in try transforms("preprocessing") }) {
            before.read(transforms)
        }
        var after = BundlePostprocessing(configuration: configuration, log: log)
        if let transforms = attempt({ () throws(Refusal) in try transforms("postprocessing") }) {
            after.read(transforms)
        }
        (before.refusals + after.refusals).forEach(note)
        noteRest()
        guard let outcome, let modalities, log.refusals.isEmpty else { return nil }
        return attempt { () throws(Refusal) in
            try assemble(outcome, modalities, channels, kind, before, after, isClassification: isClassification)
        }
    }

    /// The list behind `preprocessing` or `postprocessing`, a Compose or a plain list, each entry by itself.
    private func transforms(_ id: String) throws(Refusal) -> [BundleTransform] {
        guard var found = try configuration.shallow(id) else { throw configuration.refusal(id, "is missing") }
        if found.value["_target_"] != nil {
            let compose = try BundleTransform(found.value, id: found.id, configuration: configuration, log: log)
            guard compose.name == "Compose" else {
                throw configuration.refusal(found.id, "\(compose.name) is not known to this importer; Compose is")
            }
            guard let list = try configuration.shallow(found.id + "#transforms") else {
                throw configuration.refusal(found.id + "#transforms", "is missing")
            }
            found = list
        }
        guard let items = found.value.list else {
            throw configuration.refusal(
                found.id, "is \(found.value), which is no list of transforms and is not evaluated")
        }
        var result: [BundleTransform] = []
        for index in items.indices {
            let id = "\(found.id)#\(index)"
            guard let item = try configuration.shallow(id) else { continue }
            do throws(Refusal) {
                result.append(try BundleTransform(item.value, id: item.id, configuration: configuration, log: log))
            } catch { note(error) }
        }
        return result
    }

    private func modalities() throws(Refusal) -> [String] {
        if let given = settings["modality"] {
            let words = given.list?.compactMap(\.text) ?? [given.text].compactMap(\.self)
            guard !words.isEmpty else {
                throw Refusal(field: "--set modality", why: "must be a list of modalities, such as [CT]")
            }
            return words.map { $0.uppercased() }
        }
        let (id, word) = try metadata.modality()
        if let word, let known = ManifestDefaults.modalities(word) { return known }
        let subject = [metadata.text("name"), metadata.text("task")].compactMap { $0?.lowercased() }
        if subject.contains(where: { $0.contains("endoscop") }) {
            log.note(
                .assumed, id, in: metadata.configuration.file.name, value: word.map { .text($0) },
                why: "ES, from the bundle's name: upstream's word is no modality of DICOM")
            return ["ES"]
        }
        throw metadata.configuration.refusal(
            id, "is \(word ?? "missing"), which is no modality of DICOM; give --set 'modality=[CT]'")
    }

    private func orientation() -> String? {
        guard let given = settings["orientation"] else { return nil }
        guard let text = given.text, AxisCodes(text) != nil else {
            note(Refusal(field: "--set orientation", why: "must be three letters of RLAPSI, such as RAS"))
            return nil
        }
        return text
    }

    /// Ids that nothing asked for, with the reason.
    private func noteRest() {
        let network: Set<String> = [
            "network_def", "network", "dints_space", "backbone", "feature_extractor", "detector",
        ]
        for member in configuration.file.root.members
        where !log.hasUnder(member.key, in: configuration.file.name) {
            log.note(
                .ignored, member.key, in: configuration.file.name, value: member.value,
                why: network.contains(member.key)
                    ? "the graph holds the network" : "reads, writes, loads or logs in Python; no value depends on it")
        }
        let file = metadata.configuration.file
        for member in file.root.members where !log.hasUnder(member.key, in: file.name) {
            log.note(.ignored, member.key, in: file.name, value: member.value, why: "for people; see upstream/")
        }
        guard case .object(let sides)? = file.root["network_data_format"] else { return }
        for side in sides {
            for tensor in side.value.members {
                for field in tensor.value.members {
                    let id = "network_data_format#\(side.key)#\(tensor.key)#\(field.key)"
                    guard !log.has(id, in: file.name) else { continue }
                    log.note(
                        .ignored, id, in: file.name, value: field.value,
                        why: "numbers come from the configuration and are checked against the graph")
                }
            }
        }
    }

    private func checkSettings() throws(ImportError) {
        let used = configuration.usedSettings.union(metadata.configuration.usedSettings)
        for id in settings.values.keys.sorted() where !used.contains(id) && !Self.ownSettings.contains(id) {
            if configuration.has(id) || metadata.configuration.has(id) {
                log.warn("--set \(id) has no effect: nothing that changes a result depends on it")
            } else {
                throw .setting(
                    "\(id): there is no such id in \(configuration.file.name) or \(metadata.configuration.file.name)")
            }
        }
    }

    private func networks(of manifest: Manifest) -> [ImportedModel.Copy] {
        manifest.network.graphs[0].files.map { .init(source: "\(folder)/models/\($0.name)", name: $0.name) }
    }

    func licence() -> UpstreamLicence {
        var licence = UpstreamLicence.read(in: folder)
        if let spdx = settings["licence"]?.text { licence.spdx = spdx }
        return licence
    }

    private func provenance() -> [String] {
        var lines: [String] = []
        for (key, word) in [
            ("name", "Bundle"), ("version", "Version"), ("task", "Task"), ("description", "Description"),
            ("authors", "Authors"), ("copyright", "Copyright"), ("data_source", "Data"),
            ("monai_version", "MONAI version"), ("intended_use", "Intended use, as upstream states it"),
        ] {
            if let text = metadata.text(key) { lines.append("\(word): \(text)") }
        }
        return lines
    }
}

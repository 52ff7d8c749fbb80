// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// Segment Anything as samexporter writes it: NAME.encoder.onnx and NAME.decoder.onnx in one folder. There is no
/// description beside them: names and numbers are those of segment_anything/utils/onnx.py and modeling/sam.py.
package struct SAMImporter {
    static let ownSettings: Set<String> = [
        "family", "modality", "name", "title", "version", "licence", "propagate", "size",
    ]

    package static func read(folder: String, settings: ImportSettings, report: inout ImportReport?)
        throws(ImportError) -> ImportedModel
    {
        let log = ImportLog(kind: "sam", title: (folder as NSString).lastPathComponent)
        defer { report = log.report }
        for id in settings.values.keys.sorted() where !ownSettings.contains(id) {
            throw .setting(
                "\(id): not a setting of a SAM import; they are \(ownSettings.sorted().joined(separator: ", "))")
        }
        let pair = try graphs(in: folder)
        let family = try family(pair.name, settings: settings, log: log)
        let given = settings["modality"]?.list?.compactMap(\.text) ?? [settings["modality"]?.text].compactMap(\.self)
        // MedSAM takes values of one modality; SAM stretches each image by itself.
        let claimed = given.isEmpty ? (family == .sam ? ["CT", "MR"] : ["CT"]) : given.map { $0.uppercased() }
        if given.isEmpty {
            log.note(
                .assumed, "modality", in: "", value: .list(claimed.map { .text($0) }),
                why: "upstream names none; others: --set 'modality=[US]'")
        }
        let size = settings["size"]?.integer ?? 1024
        guard (64...4096).contains(size) else { throw .setting("size: must be 64 to 4096 pixels") }
        let propagate = settings["propagate"]?.number
        if let propagate, !(0...1).contains(propagate) { throw .setting("propagate: must be 0 to 1") }
        var licence = UpstreamLicence.read(in: folder)
        if let spdx = settings["licence"]?.text {
            licence = .init(spdx: spdx, isNonCommercial: false, text: licence.text)
        }
        let title = settings["title"]?.text ?? pair.name
        let structure = ManifestDefaults.output(
            SegmentName("Prompted structure"), channel: 0, threshold: family == .sam ? 0 : 0.5, confidence: .mean)
        var rule = ManifestParts.promptable
        rule.family = family
        rule.size = size
        rule.propagate = propagate
        var manifest = ManifestParts.manifest
        manifest.name = ManifestDefaults.name(settings["name"]?.text ?? pair.name)
        manifest.version = (settings["version"]?.text ?? settings["version"]?.number.map(ConfigValue.text)) ?? "1"
        manifest.title = title
        manifest.manufacturer = "Segment Anything"
        manifest.licence.spdx = licence.spdx
        manifest.licence.isNonCommercial = licence.isNonCommercial
        manifest.intendedUse = "Marks what a person points at; it finds nothing by itself."
        manifest.notFor = ManifestDefaults.notFor
        manifest.networks = [Manifest.Role.encoder, .decoder].map {
            ManifestParts.network($0, [ManifestParts.graph("\($0.rawValue).onnx")])
        }
        manifest.claim = ManifestDefaults.claim(claimed, log: log)
        manifest.channels = []
        // Hounsfield units and any others: SAM stretches each slice by itself.
        let isMixed = claimed.contains("CT") && claimed != ["CT"]
        manifest.quality.unit = isMixed ? Manifest.Quality.anyUnit : ManifestDefaults.unit(claimed)
        manifest.preprocess = try values(family, claimed)
        manifest.inference = .promptable(rule)
        manifest.decision = ManifestParts.decision(family == .sam ? .none : .sigmoid, .threshold, restore: .linear)
        manifest.outputs = [structure]
        manifest.scores = []
        manifest.budget = ManifestDefaults.budget(channels: 1)
        return ImportedModel(
            manifest: manifest, report: log.report,
            networks: [
                .init(source: pair.encoder, name: "encoder.onnx"), .init(source: pair.decoder, name: "decoder.onnx"),
            ], descriptions: [], licence: licence,
            provenance: ["Segment Anything export: \(pair.name)", "Family: \(family.rawValue)"])
    }

    /// MedSAM's preparation of CT and MR (bowang-lab/MedSAM, pre_CT_MR.py); SAM's is the engine's own.
    private static func values(_ family: Manifest.Promptable.Family, _ modalities: [String]) throws(ImportError)
        -> [Manifest.Preprocessing]
    {
        guard family == .medSAM else { return [] }
        switch modalities {
        case ["CT"]: return [.clip(-160...240), .scaleRange(from: -160...240, to: 0...255, clip: true)]
        case ["MR"]:
            return [
                .clipPercentiles(lower: 0.5, upper: 99.5, nonzero: true), .scaleMinMax(to: 0...255, channelWise: false),
            ]
        default: throw .setting("modality: MedSAM's values are known for [CT] and for [MR], one at a time")
        }
    }

    /// The one pair; quantised copies are passed over.
    private static func graphs(in folder: String) throws(ImportError) -> (
        name: String, encoder: String, decoder: String
    ) {
        let files = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
        func stems(_ word: String) -> [String: String] {
            var result: [String: String] = [:]
            for file in files where file.hasSuffix("\(word).onnx") {
                let stem = file.dropLast("\(word).onnx".count)
                let name = stem.hasSuffix(".") || stem.hasSuffix("_") || stem.hasSuffix("-") ? stem.dropLast() : stem
                result[String(name)] = file
            }
            return result
        }
        let encoders = stems("encoder")
        let decoders = stems("decoder")
        let pairs = encoders.keys.filter { decoders[$0] != nil }.sorted()
        guard pairs.count == 1, let name = pairs.first, let encoder = encoders[name], let decoder = decoders[name]
        else {
            let found = pairs.isEmpty ? "no" : "several (\(pairs.joined(separator: ", ")))"
            throw .unreadable(
                file: folder, reason: "has \(found) pair of NAME.encoder.onnx and NAME.decoder.onnx; one is needed")
        }
        // Weights outside of the graph would not be pinned by its digest (samexporter writes vit_h so).
        if let outside = files.first(where: {
            $0.hasSuffix("_data.bin") || $0.hasSuffix(".onnx.data") || $0.hasSuffix(".onnx_data")
        }) {
            throw .refused([
                .init(
                    field: outside,
                    why:
                        "holds weights outside of the graph, which its digest does not pin; convert the graph to an OpenVINO IR or to one file"
                )
            ])
        }
        return (
            name.isEmpty ? (folder as NSString).lastPathComponent : name, folder + "/" + encoder,
            folder + "/" + decoder
        )
    }

    private static func family(_ name: String, settings: ImportSettings, log: ImportLog) throws(ImportError)
        -> Manifest.Promptable.Family
    {
        if let given = settings["family"]?.text {
            guard
                let family = Manifest.Promptable.Family.allCases.first(where: {
                    $0.rawValue.lowercased() == given.lowercased()
                })
            else { throw .setting("family: must be sam or medSAM") }
            return family
        }
        let isMed = name.lowercased().contains("medsam")
        log.note(
            .assumed, "family", in: "", value: .text(isMed ? "medSAM" : "sam"),
            why: "by the file's name; another: --set family=\(isMed ? "sam" : "medSAM")")
        return isMed ? .medSAM : .sam
    }
}

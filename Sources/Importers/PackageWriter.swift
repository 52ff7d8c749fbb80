// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import Foundation
import Models

/// Writes an imported model as a package folder; the manifest last, so that a package by half is none.
package struct PackageWriter {
    let folder: String

    /// The folder must be new, or hold the report of an import that was refused and nothing else.
    package init(folder: String) throws(ImportError) {
        self.folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        let manager = FileManager.default
        var isDirectory: ObjCBool = false
        if manager.fileExists(atPath: self.folder, isDirectory: &isDirectory) {
            let names = (try? manager.contentsOfDirectory(atPath: self.folder)) ?? []
            guard isDirectory.boolValue, names.allSatisfy(Self.reports.contains) else {
                throw .output(folder: self.folder, reason: "is there already and not empty")
            }
        }
    }

    static let reports: Set<String> = ["import-report.json", "import-report.md"]

    /// The manifest as it was written, with digests and defaults.
    package func write(_ model: ImportedModel) throws(ImportError) -> (manifest: Manifest, missing: [String]) {
        var report = model.report
        var missing: [String] = []
        var digests: [String: String] = [:]
        for copy in model.networks {
            guard FileManager.default.fileExists(atPath: copy.source) else {
                missing.append(copy.name)
                continue
            }
            if (try? OutsideWeights.areNamed(in: copy.source)) == true {
                throw .refused([.init(field: copy.source, why: OutsideWeights.words)])
            }
            digests[copy.name] = try self.copy(copy)
            report.sources.append(.init(file: copy.name, sha256: digests[copy.name] ?? ""))
        }
        for file in model.descriptions {
            try put(file.bytes, at: "upstream/" + file.name)
            report.sources.append(.init(file: "upstream/" + file.name, sha256: Self.sha256(file.bytes)))
        }
        if let text = model.licence.text {
            try put(Data(text.utf8), at: "LICENSE")
        } else {
            try put(
                Data("Upstream states no licence beside this model. Find out before you use it.\n".utf8), at: "LICENSE")
            report.warnings.append("no licence was found beside the model; it is listed as non-commercial")
        }
        var manifest = model.manifest
        for network in manifest.networks.indices {
            for graph in manifest.networks[network].graphs.indices {
                let files = manifest.networks[network].graphs[graph]
                manifest.networks[network].graphs[graph].sha256 = digests[files.file]
                if let weights = files.weights {
                    manifest.networks[network].graphs[graph].weightsSHA256 = digests[weights]
                }
            }
        }
        try put(Data(ModelCard.write(model, missing: missing, warnings: report.warnings).utf8), at: "CARD.md")
        try write(report, refusals: [])
        let text = ManifestWriter.write(
            manifest,
            comments: [
                "Written by `triaged model import --\(report.kind)`; import-report.md says what came from where.",
                "Every key is described in docs/model-packages.md.",
            ])
        do throws(PackageError) {
            manifest = try Manifest.read(text, file: folder + "/" + ModelPackage.manifestName)
        } catch {
            // What upstream says may lie outside of what a manifest may hold: its own check names it.
            throw .refused([.init(field: "the manifest of this model", why: error.description)])
        }
        try put(Data(text.utf8), at: ModelPackage.manifestName)
        return (manifest, missing)
    }

    /// The report alone, for an import that failed.
    package func write(_ report: ImportReport, refusals: [ImportError.Refusal]) throws(ImportError) {
        try put(Data(report.json(refusals: refusals).utf8), at: "import-report.json")
        try put(Data(report.markdown(refusals: refusals).utf8), at: "import-report.md")
    }

    private func put(_ bytes: Data, at name: String) throws(ImportError) {
        let path = folder + "/" + name
        do {
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try bytes.write(to: URL(fileURLWithPath: path), options: .atomic)
        } catch {
            throw .output(
                folder: folder, reason: "\(name) cannot be written: \((error as NSError).localizedDescription)")
        }
    }

    /// Copies and digests in one pass, so that the digest is that of what was written.
    private func copy(_ copy: ImportedModel.Copy) throws(ImportError) -> String {
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let path = folder + "/" + copy.name
            guard FileManager.default.createFile(atPath: path, contents: nil) else {
                throw ImportError.output(folder: folder, reason: "\(copy.name) cannot be written")
            }
            let source = try FileHandle(forReadingFrom: URL(fileURLWithPath: copy.source))
            defer { try? source.close() }
            let target = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            defer { try? target.close() }
            var hash = SHA256()
            while let chunk = try source.read(upToCount: 1 << 20), !chunk.isEmpty {
                hash.update(data: chunk)
                try target.write(contentsOf: chunk)
            }
            return Self.hex(hash.finalize())
        } catch let error as ImportError {
            throw error
        } catch {
            throw .output(
                folder: folder, reason: "\(copy.source) cannot be copied: \((error as NSError).localizedDescription)")
        }
    }

    static func sha256(_ bytes: Data) -> String { hex(SHA256.hash(data: bytes)) }

    private static func hex(_ digest: SHA256.Digest) -> String {
        digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }
}

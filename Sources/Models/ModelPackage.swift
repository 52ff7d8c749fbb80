// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation

/// A package folder whose manifest is valid and whose network has the digest that the manifest pins.
package struct ModelPackage: Sendable, Equatable {
    package var manifest: Manifest
    /// Absolute.
    package var folder: String
    package var identity: ModelIdentity
    /// The package that finds `manifest.region`, run before this one; empty where there is no region. Its digest is part of
    /// `identity`, as it changes what this one finds.
    package var regionPackages: [ModelPackage] = []
    /// Why it cannot run, whatever the series; nil where it can.
    package var hindrance: String?

    package init(manifest: Manifest, folder: String, identity: ModelIdentity) {
        self.manifest = manifest
        self.folder = folder
        self.identity = identity
    }

    package static let manifestName = "manifest.yaml"
    package func path(of graph: Manifest.Graph) -> String { folder + "/" + graph.file }
    package func weightsPath(of graph: Manifest.Graph) -> String? { graph.weights.map { folder + "/" + $0 } }

    /// Reads and checks one package folder; the network is read once, for its digest.
    package static func load(folder: String) throws(PackageError) -> ModelPackage {
        let folder = URL(fileURLWithPath: folder).standardizedFileURL.path
        let file = folder + "/" + manifestName
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        } catch {
            throw .unreadable(file: file, reason: reason(of: error))
        }
        guard bytes.count <= 1 << 20, let text = String(data: bytes, encoding: .utf8) else {
            throw .invalid([.init(file: file, line: nil, message: "must be UTF-8 text of at most 1 MiB")])
        }
        let manifest = try Manifest.read(text, file: file)
        var problems: [PackageError.Problem] = []
        let files = manifest.files
        let missing = files.map(\.name).filter { !isFile(folder + "/" + $0) }
        for (name, pinned, key) in files where !missing.contains(name) {
            let actual = try sha256(of: folder + "/" + name)
            if (try? OutsideWeights.areNamed(in: folder + "/" + name)) == true {
                problems.append(.init(file: file, line: nil, message: "\(name) \(OutsideWeights.words)"))
            }
            guard let pinned else {
                problems.append(
                    .init(file: file, line: nil, message: "\(name) is not pinned; write `\(key): \(actual)` beside it"))
                continue
            }
            guard actual != pinned else { continue }
            let line = text.split(separator: "\n", omittingEmptySubsequences: false).firstIndex { $0.contains(pinned) }
            problems.append(
                .init(
                    file: file, line: line.map { $0 + 1 },
                    message: "`\(key)` does not match \(name): the file has \(actual)"))
        }
        if !problems.isEmpty { throw .altered(manifest, folder: folder, problems) }
        for name in [manifest.card, manifest.licence.file] where !isFile(folder + "/" + name) {
            problems.append(.init(file: file, line: nil, message: "names \(name), which is not in the package folder"))
        }
        if !problems.isEmpty { throw .invalid(problems) }
        if !missing.isEmpty { throw .incomplete(manifest, folder: folder, missing: missing) }
        return ModelPackage(manifest: manifest, folder: folder, identity: identity(of: manifest, bytes: bytes))
    }

    /// Every folder in `directory` that holds a manifest, in order of name; a package that fails stands beside the others
    /// with its error. Two packages of one name and version are an error of the second.
    package static func loadAll(directory: String) throws(PackageError) -> [Result<ModelPackage, PackageError>] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
        } catch {
            throw .unreadable(file: directory, reason: reason(of: error))
        }
        var seen: Set<String> = []
        var results: [Result<ModelPackage, PackageError>] = []
        for name in names where !name.hasPrefix(".") {
            let folder = directory + "/" + name
            guard isFile(folder + "/" + manifestName) else {
                // A package that was copied by half must not be passed over: its studies would go unanalysed.
                if isDirectory(folder) {
                    results.append(
                        .failure(
                            .invalid([
                                .init(
                                    file: folder, line: nil,
                                    message: "has no \(manifestName), so that it is no model package")
                            ])))
                }
                continue
            }
            do throws(PackageError) {
                let package = try load(folder: folder)
                if seen.insert("\(package.identity.name) \(package.identity.version)").inserted {
                    results.append(.success(package))
                } else {
                    let message = "a package \(package.identity.name) \(package.identity.version) is there already"
                    results.append(
                        .failure(.invalid([.init(file: folder + "/" + manifestName, line: nil, message: message)])))
                }
            } catch {
                results.append(.failure(error))
            }
        }
        return results
    }

    /// The digest is SHA-256 over the line "SHA-256 of the manifest, space, SHA-256 of the network", and so on for
    /// an IR's weights, folds and further networks, in the manifest's order.
    private static func identity(of manifest: Manifest, bytes: Data) -> ModelIdentity {
        let parts =
            [hex(SHA256.hash(data: bytes))]
            + manifest.files.compactMap(\.sha256)
        return ModelIdentity(
            name: manifest.name, version: manifest.version, manufacturer: manifest.manufacturer,
            digest: hex(SHA256.hash(data: Data(parts.joined(separator: " ").utf8))),
            isDemonstration: manifest.use == .demonstration)
    }

    private static func isDirectory(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && isDirectory.boolValue
    }

    private static func isFile(_ path: String) -> Bool {
        var isDirectory: ObjCBool = false
        return FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) && !isDirectory.boolValue
    }

    private static func sha256(of path: String) throws(PackageError) -> String {
        do {
            let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
            defer { try? handle.close() }
            var hash = SHA256()
            while let chunk = try handle.read(upToCount: 1 << 20), !chunk.isEmpty { hash.update(data: chunk) }
            return hex(hash.finalize())
        } catch {
            throw .unreadable(file: path, reason: reason(of: error))
        }
    }

    static func hex(_ digest: SHA256.Digest) -> String {
        digest.map { byte in
            let text = String(byte, radix: 16)
            return byte < 16 ? "0" + text : text
        }.joined()
    }

    private static func reason(of error: any Error) -> String {
        switch (error as? CocoaError)?.code {
        case .fileReadNoSuchFile?: "there is no such file"
        case .fileReadNoPermission?: "no permission to read it"
        default: "cannot be read: \((error as NSError).localizedDescription)"
        }
    }
}

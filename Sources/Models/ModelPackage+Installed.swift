// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation

extension ModelPackage {
    /// All packages of a directory that a series may be for. Those that cannot run are among them, with the reason: what only
    /// they claim is not analysed, visibly. A package that cannot be read is an error, because nobody knows what it claims.
    package static func installed(in directory: String) throws(PackageError) -> [ModelPackage] {
        var packages: [ModelPackage] = []
        for result in try loadAll(directory: directory) {
            switch result {
            case .success(let package): packages.append(package)
            case .failure(.incomplete(let manifest, let folder, let missing)):
                packages.append(
                    ModelPackage(
                        manifest, folder: folder,
                        hindrance: "the package is incomplete: \(missing.joined(separator: ", ")) is not there"))
            case .failure(.altered(let manifest, let folder, let problems)):
                let words = problems.map(\.message).joined(separator: "; ")
                packages.append(ModelPackage(manifest, folder: folder, hindrance: words))
            case .failure(let error): throw error
            }
        }
        return packages.map { $0.resolved(among: packages) }
    }

    /// One that never runs.
    private init(_ manifest: Manifest, folder: String, hindrance: String) {
        self.init(
            manifest: manifest, folder: folder,
            identity: ModelIdentity(
                name: manifest.name, version: manifest.version, manufacturer: manifest.manufacturer, digest: "",
                isDemonstration: manifest.use == .demonstration))
        self.hindrance = hindrance
    }

    /// With the package that finds its region, or the reason why there is none.
    package func resolved(among packages: [ModelPackage]) -> ModelPackage {
        guard let region = manifest.region, hindrance == nil else { return self }
        var resolved = self
        let named = packages.filter { $0.identity.name == region.package }
        guard let other = named.first, named.count == 1 else {
            let count = named.isEmpty ? "not installed" : "installed in \(named.count) versions"
            resolved.hindrance = "package \(region.package), which finds its region, is \(count)"
            return resolved
        }
        resolved.hindrance = other.hindranceAsRegion(of: region.label).map {
            "package \(region.package), which finds its region, \($0)"
        }
        return resolved.hindrance == nil ? resolved.restricted(by: other) : resolved
    }

    private func hindranceAsRegion(of label: String) -> String? {
        if let hindrance { return "cannot run: \(hindrance)" }
        if manifest.region != nil { return "has a region itself" }
        if manifest.channels.count > 1 { return "reads several series" }
        if !manifest.outputs.contains(where: { $0.label == label && $0.isReported }) {
            return "reports no output \(label)"
        }
        return nil
    }

    /// A result depends on both packages, so that the identity names both; and what a demonstration has a part in is one.
    package func restricted(by other: ModelPackage) -> ModelPackage {
        var restricted = self
        restricted.regionPackages = [other]
        let digests = "\(identity.digest) \(other.identity.digest)"
        restricted.identity.digest = Self.hex(SHA256.hash(data: Data(digests.utf8)))
        restricted.identity.isDemonstration = identity.isDemonstration || other.identity.isDemonstration
        return restricted
    }

    /// Bytes for the run, that of the region's package included: what it marked and its network stay while this one runs.
    package var memory: Int { manifest.budget.memory + regionPackages.map(\.manifest.budget.memory).reduce(0, +) }
    /// Seconds for the run, that of the region's package included.
    package var time: Double { manifest.budget.time + regionPackages.map(\.manifest.budget.time).reduce(0, +) }

    /// The highest priority that it gives to anything it may find.
    package var highestPriority: Priority {
        (manifest.outputs.filter(\.isReported).map(\.priority) + manifest.scores.map(\.priority)).max() ?? .routine
    }
}

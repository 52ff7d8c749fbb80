// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

package struct EngineOptions {
    /// How many threads networks may use on this machine; nil leaves it to OpenVINO.
    package var threads: Int?
    /// Where embeddings of images are kept from one run to the next; nil keeps them in memory alone.
    package var embeddingDirectory: String?
    /// Bytes in that directory, of all packages together.
    package var embeddingLimit = 1 << 30
    /// Asked first, where the site runs networks on a server.
    var remote: (any RemoteNetworks)?

    package init(threads: Int? = nil, remote: RemoteServers? = nil) {
        self.threads = threads
        self.remote = remote
    }
}

/// Networks on a server. Belongs to the engine's thread.
protocol RemoteNetworks: AnyObject {
    /// nil where this package runs here.
    func network(_ role: Manifest.Role, fold: Int, of package: ModelPackage) throws(InferenceError) -> (
        any NetworkRunner
    )?
}

/// The networks of packages, ready to run: OpenVINO's on the CPU of this machine, and a server's. Keeps what it compiled
/// until told to forget it. Belongs to one thread, the worker's.
package final class Engine {
    private struct Key: Hashable {
        var role: Manifest.Role
        var fold: Int
        var shapes: [Int: [Int]]
    }
    private let core: OpenVINO.Core
    private let options: EngineOptions
    /// By digest of the package.
    private var networks: [String: [Key: any NetworkRunner]] = [:]
    private var embeddings: [String: EmbeddingCache] = [:]

    package init(_ options: EngineOptions = EngineOptions()) throws(InferenceError) {
        core = try OpenVINO.Core()
        self.options = options
    }

    package convenience init(threads: Int) throws(InferenceError) { try self.init(EngineOptions(threads: threads)) }

    /// Reads, checks and compiles the package's networks, so that the first series does not wait for them.
    package func prepare(_ package: ModelPackage) throws(InferenceError) {
        switch package.manifest.inference {
        case .promptable(let options): _ = try promptNetworks(of: package, options)
        case .detection(let detector): _ = try detectionNetwork(of: package, detector)
        case .slices, .sliceSequence, .projection:
            for network in package.manifest.networks {
                for fold in network.graphs.indices { _ = try self.network(network.role, fold: fold, of: package) }
            }
        case .fullVolume, .slidingWindow: _ = try volumetricNetworks(of: package)
        }
    }

    /// What of the package is held is let go.
    package func forget(_ package: ModelPackage) {
        networks[package.identity.digest] = nil
        embeddings[package.identity.digest] = nil
    }

    func embeddings(of package: ModelPackage, _ options: Manifest.Promptable) -> EmbeddingCache {
        if let cache = embeddings[package.identity.digest] { return cache }
        let cache = EmbeddingCache(
            capacity: options.cache, directory: self.options.embeddingDirectory, limit: self.options.embeddingLimit)
        embeddings[package.identity.digest] = cache
        return cache
    }

    /// One of the package's graphs, ready to run.
    /// - Parameter shapes: of inputs by position, to which the graph is fixed before it is compiled, so that the engine
    ///   plans its memory; -1 leaves a dimension open. A server's networks are as the server has them.
    func network(
        _ role: Manifest.Role = .main, fold: Int = 0, of package: ModelPackage, shapes: [Int: [Int]] = [:]
    ) throws(InferenceError) -> any NetworkRunner {
        let key = Key(role: role, fold: fold, shapes: shapes)
        if let network = networks[package.identity.digest]?[key] { return network }
        let network: any NetworkRunner
        if let remote = try options.remote?.network(role, fold: fold, of: package) {
            network = remote
        } else {
            network = try compile(role, fold, of: package, shapes)
        }
        networks[package.identity.digest, default: [:]][key] = network
        return network
    }

    private func compile(
        _ role: Manifest.Role, _ fold: Int, of package: ModelPackage, _ shapes: [Int: [Int]]
    ) throws(InferenceError) -> LocalNetwork {
        let name = package.identity.name
        guard let network = package.manifest.network(role), network.graphs.indices.contains(fold) else {
            throw .mismatch(package: name, reason: "there is no network `\(role)`")
        }
        let graph = network.graphs[fold]
        let model = try core.read(package.path(of: graph), weights: package.weightsPath(of: graph))
        let ports = try model.inputs()
        var fixed: [Int: [Int]] = [:]
        for (position, wanted) in shapes {
            var shape = wanted
            if ports.indices.contains(position), ports[position].shape?.count == 4 {
                shape = PlanarNetwork.flattened(wanted)
            }
            guard ports.indices.contains(position) else {
                throw .mismatch(
                    package: name, reason: "the network has \(ports.count) inputs, and the manifest gives it more")
            }
            guard ports[position].accepts(shape) else {
                throw .mismatch(
                    package: name,
                    reason: "the network's input is \(ports[position].shape ?? []), and the manifest gives it \(shape)")
            }
            if shape.contains(where: { $0 > 0 }), ports[position].shape != shape {
                fixed[position] = zip(ports[position].shape ?? shape, shape).map { $1 == -1 ? $0 : $1 }
            }
        }
        if !fixed.isEmpty { try model.reshape(fixed) }
        var properties = [
            ("PERFORMANCE_HINT", "LATENCY"), ("INFERENCE_PRECISION_HINT", network.precision.rawValue),
        ]
        if let threads = options.threads { properties.append(("INFERENCE_NUM_THREADS", String(threads))) }
        return try LocalNetwork(
            core.compile(model, properties: properties), inputs: try model.inputs(), outputs: try model.outputs(),
            package: name)
    }
}

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

extension Engine {
    /// The networks of a package that map [N, C, D, H, W] to [N, K, D, H, W], one a fold, checked against the manifest. In
    /// windows of one slice a network may be one of slices, [N, C, H, W].
    func volumetricNetworks(of package: ModelPackage) throws(InferenceError) -> [any NetworkRunner] {
        var shape = [1, package.manifest.tensorChannels, -1, -1, -1]
        if case .slidingWindow(let window) = package.manifest.inference {
            shape = [window.batch, shape[1]] + window.roi
        }
        var networks: [any NetworkRunner] = []
        for fold in package.manifest.network.graphs.indices {
            var network = try network(fold: fold, of: package, shapes: [0: shape])
            if shape[2] == 1, network.inputs.first?.shape?.count == 4 { network = PlanarNetwork(network) }
            try package.check(network, input: shape)
            networks.append(network)
        }
        return networks
    }
}

extension ModelPackage {
    fileprivate func check(_ network: any NetworkRunner, input shape: [Int]) throws(InferenceError) {
        let name = identity.name
        guard network.inputs.count == 1, !network.outputs.isEmpty else {
            throw .mismatch(
                package: name,
                reason:
                    "the network has \(network.inputs.count) inputs and \(network.outputs.count) outputs, and one of each is needed"
            )
        }
        guard network.inputs[0].accepts(shape) else {
            throw .mismatch(
                package: name,
                reason: "the network's input is \(network.inputs[0].shape ?? []), and the manifest gives it \(shape)")
        }
        let output = try voxelOutput(of: network)
        guard network.outputs[output].shape.map({ $0.count == 5 }) ?? true else {
            throw .mismatch(
                package: name,
                reason: "the network's output is \(network.outputs[output].shape ?? []), and must be [N, C, D, H, W]")
        }
        if let channels = channels(of: network), channels < manifest.minimumChannels {
            throw .mismatch(
                package: name,
                reason:
                    "the network gives \(channels) channels, and an output needs channel \(manifest.minimumChannels - 1)"
            )
        }
    }

    /// Position of the output that holds a value for each voxel: the one that the manifest names, or the first.
    func voxelOutput(of network: any NetworkRunner) throws(InferenceError) -> Int {
        guard let name = manifest.network.outputs["voxels"] else { return 0 }
        guard let index = network.outputs.firstIndex(where: { $0.name == name }) else {
            throw .mismatch(
                package: identity.name,
                reason:
                    "the network has no output `\(name)`; it has \(network.outputs.map { "`\($0.name)`" }.joined(separator: ", "))"
            )
        }
        return index
    }

    /// nil where the graph leaves it open until it ran.
    func channels(of network: any NetworkRunner) -> Int? {
        guard let index = try? voxelOutput(of: network), let shape = network.outputs[index].shape, shape.count == 5,
            shape[1] >= 0
        else { return nil }
        return shape[1]
    }
}

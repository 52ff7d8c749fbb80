// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// The network's raw channels on the working lattice: [C, D, H, W].
struct Channels {
    var count: Int
    var lattice: Lattice
    var values: [Float]
}

extension Engine {
    /// The one network of a package that maps [1, 1, D, H, W] to [1, C, D, H, W], checked against the manifest.
    func volumetricNetwork(of package: ModelPackage) throws(InferenceError) -> any NetworkRunner {
        var shape = [1, 1, -1, -1, -1]
        if case .slidingWindow(let window) = package.manifest.inference {
            shape.replaceSubrange(2..., with: window.roi)
        }
        let network = try network(of: package, shapes: [0: shape])
        let name = package.identity.name
        guard network.inputs.count == 1, network.outputs.count == 1 else {
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
        guard network.outputs[0].shape.map({ $0.count == 5 }) ?? true else {
            throw .mismatch(
                package: name,
                reason: "the network's output is \(network.outputs[0].shape ?? []), and must be [1, C, D, H, W]")
        }
        if let channels = network.channels, channels < package.manifest.minimumChannels {
            throw .mismatch(
                package: name,
                reason:
                    "the network gives \(channels) channels, and an output needs channel \(package.manifest.minimumChannels - 1)"
            )
        }
        return network
    }
}

extension NetworkRunner {
    /// Of the first output; nil where the graph leaves it open until it ran.
    var channels: Int? { outputs.first?.shape.flatMap { $0.count > 1 && $0[1] >= 0 ? $0[1] : nil } }
}

/// Takes the tensor through the network, whole or window by window.
struct NetworkRun {
    let network: any NetworkRunner
    let package: String
    let manifest: Manifest
    let progress: (Double) -> Void
    let shouldStop: () -> Bool
    private(set) var engineSeconds = 0.0

    init(
        network: any NetworkRunner, package: ModelPackage, progress: @escaping (Double) -> Void,
        shouldStop: @escaping () -> Bool
    ) {
        self.network = network
        self.package = package.identity.name
        manifest = package.manifest
        self.progress = progress
        self.shouldStop = shouldStop
    }

    mutating func channels(of field: consuming Field) throws(InferenceError) -> Channels {
        switch manifest.inference {
        case .fullVolume(let multiple, let padding):
            let lattice = field.lattice
            let size = (0..<3).map { (lattice.shape[$0] + multiple[$0] - 1) / multiple[$0] * multiple[$0] }
            let (count, values) = try whole(
                pad(field, to: size, before: [0, 0, 0], padding), size: size, kept: lattice.shape)
            return Channels(count: count, lattice: lattice, values: values)
        case .slidingWindow(let window):
            return try slide(field, window)
        default: throw .unsupported("`inference: \(manifest.inference.name)`")
        }
    }

    /// The [C, D, H, W] of a pass.
    private func channels(of outputs: [TensorView], _ shape: [Int]) throws(InferenceError) -> Int {
        let given = outputs[0].shape
        let minimum = manifest.minimumChannels
        guard given.count == 5, given[0] == 1, given[1] >= minimum, Array(given[2...]) == shape else {
            throw .mismatch(
                package: package,
                reason:
                    "the network made \(given) of \([1, 1] + shape), and must give [1, C, D, H, W] of the same size with at least \(minimum) channels"
            )
        }
        return given[1]
    }

    private mutating func whole(
        _ values: consuming [Float], size: [Int], kept: [Int]
    ) throws(InferenceError) -> (Int, [Float]) {
        if shouldStop() { throw .cancelled }
        let input = [TensorInput(shape: [1, 1] + size, values: values)]
        var result: (Int, [Float]) = (0, [])
        let run = self
        engineSeconds += try network.run(count: 1) { (_) throws(InferenceError) in
            input
        } take: { (_, outputs) throws(InferenceError) in
            let count = try run.channels(of: outputs, size)
            result = (count, crop(outputs[0].values, channels: count, from: size, to: kept))
        }
        progress(1)
        return result
    }

    private mutating func slide(_ field: consuming Field, _ window: Manifest.Window) throws(InferenceError) -> Channels
    {
        let lattice = field.lattice
        let windows = Windows(volume: lattice.shape, window: window)
        let padded = pad(field, to: windows.size, before: windows.before, window.padding)
        let size = windows.size
        let roi = windows.roi
        let voxels = size[0] * size[1] * size[2]
        var sums: [Float] = []
        var weights = [Float](repeating: 0, count: voxels)
        var count = 0
        let run = self
        engineSeconds += try network.run(count: windows.starts.count) { (position) throws(InferenceError) in
            if run.shouldStop() { throw .cancelled }
            let patch = [Float](unsafeUninitializedCapacity: roi[0] * roi[1] * roi[2]) { patch, count in
                forEachRow(of: roi, at: windows.starts[position], in: size) { inside, outside in
                    for w in 0..<roi[2] { patch[inside + w] = padded[outside + w] }
                }
                count = patch.count
            }
            return [TensorInput(shape: [1, 1] + roi, values: patch)]
        } take: { (position, outputs) throws(InferenceError) in
            let channels = try run.channels(of: outputs, roi)
            if count == 0 {
                count = channels
                sums = [Float](repeating: 0, count: channels * voxels)
            }
            let start = windows.starts[position]
            add(outputs[0].values, windows, at: start, channels: channels, to: &sums)
            forEachRow(of: roi, at: start, in: size) { inside, outside in
                for w in 0..<roi[2] { weights[outside + w] += windows.weights[inside + w] }
            }
            run.progress(Double(position + 1) / Double(windows.starts.count))
        }
        sums.withUnsafeMutableBufferPointer { sums in
            for c in 0..<count { for i in 0..<voxels { sums[c * voxels + i] /= weights[i] } }
        }
        if size == lattice.shape { return Channels(count: count, lattice: lattice, values: sums) }
        let kept = lattice.shape
        let values = sums.withUnsafeBufferPointer {
            crop($0, channels: count, from: size, to: kept, before: windows.before)
        }
        return Channels(count: count, lattice: lattice, values: values)
    }
}

private func add(
    _ output: UnsafeBufferPointer<Float>, _ windows: Windows, at start: [Int], channels: Int, to sums: inout [Float]
) {
    let roi = windows.roi
    let patch = roi[0] * roi[1] * roi[2]
    let voxels = windows.size[0] * windows.size[1] * windows.size[2]
    sums.withUnsafeMutableBufferPointer { sums in
        windows.weights.withUnsafeBufferPointer { weights in
            for c in 0..<channels {
                forEachRow(of: roi, at: start, in: windows.size) { inside, outside in
                    for w in 0..<roi[2] {
                        sums[c * voxels + outside + w] += output[c * patch + inside + w] * weights[inside + w]
                    }
                }
            }
        }
    }
}

/// Offsets of every row of a block in the block itself and in the volume around it.
private func forEachRow(of roi: [Int], at start: [Int], in size: [Int], _ body: (_ inside: Int, _ outside: Int) -> Void)
{
    for d in 0..<roi[0] {
        for h in 0..<roi[1] {
            body((d * roi[1] + h) * roi[2], ((start[0] + d) * size[1] + start[1] + h) * size[2] + start[2])
        }
    }
}

/// The field within a block of `size`, `before` voxels after its start.
func pad(_ field: consuming Field, to size: [Int], before: [Int], _ padding: Manifest.Padding) -> [Float] {
    let shape = field.lattice.shape
    if size == shape { return field.values }
    let source = field.values
    var result = [Float](repeating: 0, count: size[0] * size[1] * size[2])
    for d in 0..<size[0] {
        for h in 0..<size[1] {
            for w in 0..<size[2] {
                let at = [d - before[0], h - before[1], w - before[2]]
                let inside = [
                    min(max(at[0], 0), shape[0] - 1), min(max(at[1], 0), shape[1] - 1),
                    min(max(at[2], 0), shape[2] - 1),
                ]
                let value = source[(inside[0] * shape[1] + inside[1]) * shape[2] + inside[2]]
                let index = (d * size[1] + h) * size[2] + w
                switch padding {
                case .replicate: result[index] = value
                case .constant(let fill): result[index] = at == inside ? value : Float(fill)
                }
            }
        }
    }
    return result
}

private func crop(
    _ values: UnsafeBufferPointer<Float>, channels: Int, from size: [Int], to shape: [Int],
    before: [Int] = [0, 0, 0]
) -> [Float] {
    if size == shape { return [Float](values) }
    var result: [Float] = []
    result.reserveCapacity(channels * shape[0] * shape[1] * shape[2])
    for c in 0..<channels {
        for d in 0..<shape[0] {
            for h in 0..<shape[1] {
                let start = ((c * size[0] + d + before[0]) * size[1] + h + before[1]) * size[2] + before[2]
                result.append(contentsOf: values[start..<start + shape[2]])
            }
        }
    }
    return result
}

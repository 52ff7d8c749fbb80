// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Models

/// The network's raw channels on the working lattice: [C, D, H, W].
struct Channels {
    var count: Int
    var lattice: Lattice
    var values: [Float]
}

/// Takes the tensor through the network, whole or window by window.
struct NetworkRun {
    let network: Network
    let manifest: Manifest
    let progress: (Double) -> Void
    let shouldStop: () -> Bool
    private(set) var engineSeconds = 0.0

    init(
        network: Network, manifest: Manifest, progress: @escaping (Double) -> Void, shouldStop: @escaping () -> Bool
    ) {
        self.network = network
        self.manifest = manifest
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

    private mutating func whole(
        _ values: consuming [Float], size: [Int], kept: [Int]
    ) throws(InferenceError) -> (Int, [Float]) {
        if shouldStop() { throw .cancelled }
        var values = values
        let network = network
        let minimum = manifest.minimumChannels
        let (result, seconds) = try withFloats(&values) { (input) throws(InferenceError) in
            try network.run(input, shape: size, minimumChannels: minimum) { (output, channels) throws(InferenceError) in
                (channels, crop(output, channels: channels, from: size, to: kept))
            }
        }
        engineSeconds += seconds
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
        var patch = [Float](repeating: 0, count: roi[0] * roi[1] * roi[2])
        for (position, start) in windows.starts.enumerated() {
            if shouldStop() { throw .cancelled }
            forEachRow(of: roi, at: start, in: size) { inside, outside in
                for w in 0..<roi[2] { patch[inside + w] = padded[outside + w] }
            }
            let network = network
            let minimum = manifest.minimumChannels
            let (_, seconds) = try withFloats(&patch) { (input) throws(InferenceError) in
                try network.run(input, shape: roi, minimumChannels: minimum) {
                    (output, channels) throws(InferenceError) in
                    if count == 0 {
                        count = channels
                        sums = [Float](repeating: 0, count: channels * voxels)
                    }
                    add(output, windows, at: start, channels: channels, to: &sums)
                }
            }
            engineSeconds += seconds
            forEachRow(of: roi, at: start, in: size) { inside, outside in
                for w in 0..<roi[2] { weights[outside + w] += windows.weights[inside + w] }
            }
            progress(Double(position + 1) / Double(windows.starts.count))
        }
        sums.withUnsafeMutableBufferPointer { sums in
            for c in 0..<count { for i in 0..<voxels { sums[c * voxels + i] /= weights[i] } }
        }
        if size == lattice.shape { return Channels(count: count, lattice: lattice, values: sums) }
        let kept = lattice.shape
        let values = sums.withUnsafeMutableBufferPointer {
            crop($0, channels: count, from: size, to: kept, before: windows.before)
        }
        return Channels(count: count, lattice: lattice, values: values)
    }

    private func add(
        _ output: UnsafeMutableBufferPointer<Float>, _ windows: Windows, at start: [Int], channels: Int,
        to sums: inout [Float]
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
    _ values: UnsafeMutableBufferPointer<Float>, channels: Int, from size: [Int], to shape: [Int],
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

/// `withUnsafeMutableBufferPointer` with typed throws.
private func withFloats<Result>(
    _ values: inout [Float], _ body: (UnsafeMutablePointer<Float>) throws(InferenceError) -> Result
) throws(InferenceError) -> Result {
    let outcome = values.withUnsafeMutableBufferPointer { buffer -> Swift.Result<Result, InferenceError> in
        do throws(InferenceError) {
            return .success(try body(buffer.baseAddress!))
        } catch {
            return .failure(error)
        }
    }
    return try outcome.get()
}

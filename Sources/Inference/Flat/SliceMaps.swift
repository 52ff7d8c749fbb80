// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Slices through a network that marks pixels: its maps as channels of the field that the slices come from.
struct SliceMaps {
    let run: SliceRun
    /// Windows within the slice; nil: the whole slice at once.
    let window: Manifest.Window?
    let decision: Manifest.Decision

    /// [channels, D, H, W] on the field's lattice.
    struct Result {
        var channels: Int
        var values: [Float]
        /// In the engine.
        var seconds: Double
    }

    /// Sums of one slice's maps over folds and windows, [K, H, W] of the padded slice.
    struct Sum {
        var shape: [Int]
        var values: [Float]
    }

    /// - Returns: activated unless the manifest activates after the restoration. A pixel that no plane covers is 0 in every channel, or background where the greatest
    ///   channel decides.
    func channels(of planes: SlicePlanes, on lattice: Lattice) throws(InferenceError) -> Result {
        let first = try planes.plane(0)
        let tiles = window.map { Windows(volume: [1, first.height, first.width], window: $0) }
        let starts = tiles?.starts ?? [[0, 0, 0]]
        var held: (slice: Int, plane: Plane)?
        func plane(_ slice: Int) throws(InferenceError) -> Plane {
            if let held, held.slice == slice { return held.plane }
            let plane = try planes.plane(slice)
            held = (slice, plane)
            return plane
        }
        var sums = [Sum](repeating: Sum(shape: [], values: []), count: planes.count)
        let share = 1 / Float(run.package.manifest.network(run.role)?.graphs.count ?? 1)
        let ports = try run.network(fold: 0).outputs
        let position = try run.position(of: "maps", place: 0, among: ports) ?? 0
        func image(_ item: Int) throws(InferenceError) -> Plane {
            let slice = try plane(item / starts.count)
            guard let tiles else { return slice }
            guard slice.height == first.height, slice.width == first.width else {
                throw .mismatch(
                    package: run.name, reason: "windows need slices of one size; `resize` makes them even")
            }
            return tile(slice, tiles, at: starts[item % starts.count])
        }
        func collect(
            _ item: Int, _ shape: [Int], _ values: UnsafeBufferPointer<Float>
        ) throws(InferenceError) {
            guard shape.count == 3, tiles.map({ Array(shape.dropFirst()) == Array($0.roi.dropFirst()) }) ?? true else {
                throw .mismatch(
                    package: run.name, reason: "the network made [N] + \(shape), and must give [N, K, H, W]")
            }
            let slice = item / starts.count
            let size = tiles.map { [shape[0]] + $0.size.dropFirst() } ?? shape
            if sums[slice].values.isEmpty {
                sums[slice] = Sum(shape: size, values: [Float](repeating: 0, count: size.reduce(1, *)))
            }
            guard sums[slice].shape == size else {
                throw .mismatch(package: run.name, reason: "the folds give maps of different sizes")
            }
            sums[slice].add(values, shape, weights: tiles?.weights, share: share, at: starts[item % starts.count])
        }
        let seconds = try run.run(planes.count * starts.count, image: image, outputs: [position], take: [collect])
        let channels = sums[0].shape[0]
        guard sums.allSatisfy({ $0.shape[0] == channels }) else {
            throw .mismatch(package: run.name, reason: "the network gives slices different numbers of channels")
        }
        let needed = run.package.manifest.minimumChannels
        guard channels >= needed else {
            throw .mismatch(
                package: run.name,
                reason: "the network gives \(channels) channels, and an output needs channel \(needed - 1)")
        }
        return Result(
            channels: channels, values: try assemble(sums, planes, tiles, channels: channels, on: lattice),
            seconds: seconds)
    }

    private func tile(_ plane: Plane, _ tiles: Windows, at start: [Int]) -> Plane {
        let (top, left) = (start[1] - tiles.before[1], start[2] - tiles.before[2])
        switch window?.padding {
        case .constant(let value)?:
            return plane.cropped(
                top: top, left: left, height: tiles.roi[1], width: tiles.roi[2], fill: Float(value))
        default:
            return plane.clamped(top: top, left: left, height: tiles.roi[1], width: tiles.roi[2])
        }
    }

    private func assemble(
        _ sums: [Sum], _ planes: SlicePlanes, _ tiles: Windows?, channels: Int, on lattice: Lattice
    ) throws(InferenceError) -> [Float] {
        let (height, width) = (lattice.shape[1], lattice.shape[2])
        let size = height * width
        var result = [Float](repeating: 0, count: channels * lattice.count)
        let covered = tiles.map { Self.coverage($0) }
        for (slice, sum) in sums.enumerated() {
            let plane = try planes.plane(slice)
            var map = Plane(channels: channels, height: sum.shape[1], width: sum.shape[2], values: sum.values)
            if let tiles, let covered {
                for c in 0..<channels { for i in covered.indices { map.values[c * covered.count + i] /= covered[i] } }
                map = map.cropped(
                    top: tiles.before[1], left: tiles.before[2], height: plane.height, width: plane.width)
            }
            if !decision.activatesAfterRestore {
                let count = map.pixels
                map.values.withUnsafeMutableBufferPointer {
                    guard let start = $0.baseAddress else { return }
                    activate(start, channels: channels, stride: count, count: count, decision.activation)
                }
            }
            // Maps may be coarser than the image: they cover the same extent.
            map.rows = plane.rows.then(.resized(from: plane.height, to: map.height))
            map.columns = plane.columns.then(.resized(from: plane.width, to: map.width))
            for c in 0..<channels {
                let restored = map.restored(
                    channel: c, height: height, width: width, isNearest: decision.restore == .nearest,
                    outside: c == 0 && decision.rule == .argmax ? 1 : 0)
                let start = (c * lattice.shape[0] + slice) * size
                result.replaceSubrange(start..<start + size, with: restored)
            }
        }
        return result
    }

    /// What the windows weigh together on each pixel of the padded slice.
    private static func coverage(_ tiles: Windows) -> [Float] {
        var sum = Sum(
            shape: [1] + tiles.size.dropFirst(), values: [Float](repeating: 0, count: tiles.size.reduce(1, *)))
        let ones = [Float](repeating: 1, count: tiles.roi.reduce(1, *))
        ones.withUnsafeBufferPointer { ones in
            for start in tiles.starts {
                sum.add(ones, [1] + tiles.roi.dropFirst(), weights: tiles.weights, share: 1, at: start)
            }
        }
        return sum.values
    }
}

extension SliceMaps.Sum {
    mutating func add(
        _ source: UnsafeBufferPointer<Float>, _ size: [Int], weights: [Float]?, share: Float, at start: [Int]
    ) {
        for c in 0..<size[0] {
            for h in 0..<size[1] {
                let from = (c * size[1] + h) * size[2]
                let to = (c * shape[1] + h + start[1]) * shape[2] + start[2]
                for w in 0..<size[2] {
                    values[to + w] += source[from + w] * share * (weights?[h * size[2] + w] ?? 1)
                }
            }
        }
    }
}

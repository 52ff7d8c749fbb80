// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

extension Resampling {
    /// Cubic along each dimension. On a half-pixel grid values stay within those of the channel, or of the slice where
    /// slices are resampled each by itself (`clip` of scikit-image's `resize`); elsewhere they may overshoot, as in scipy.
    func cubic(
        _ source: UnsafePointer<Float>, channels: Int, stored: Lattice, lattice: Lattice, target: Lattice
    ) throws(InferenceError) -> [Float] {
        let map = stored.map(from: target)
        guard let followed = map.axes else {
            throw .refused(["slices are sheared against each other, and the package's cubic resampling is not for that"]
            )
        }
        let separate = separateDimension(of: lattice)
        var axes: [AxisStep] = []
        for (dimension, axis) in followed.enumerated() {
            let count = stored.shape[dimension]
            let isForward = map.matrix[dimension][axis] > 0
            let coordinates = (0..<target.shape[axis]).map { index -> Double in
                guard let zoom else { return map.offset[dimension] + map.matrix[dimension][axis] * Double(index) }
                let x = zoom.coordinate(index, of: target.shape[axis], in: count)
                return isForward ? x : Double(count - 1) - x
            }
            axes.append(
                AxisStep(
                    dimension: dimension, coordinates: coordinates, count: count, isForward: isForward,
                    border: zoom == .endpoint ? .mirrored : .replicated,
                    interpolation: axis == separate ? step.separateAxis?.interpolation ?? .nearest : .cubic))
        }
        let isSeparate = followed.map { $0 == separate }
        // What shrinks the block most goes first; the separate dimension is last, after the slices are clipped.
        let order = axes.filter { !$0.isIdentity }.sorted { $0.growth < $1.growth }
        return [Float](unsafeUninitializedCapacity: channels * target.count) { buffer, initialized in
            for c in 0..<channels {
                let channel = source + c * stored.count
                var block = Block(shape: stored.shape, values: nil)
                for axis in order where !isSeparate[axis.dimension] { block.apply(axis, channel) }
                if zoom == .halfPixel, block.values != nil {
                    block.clip(Limits(channel, stored.shape, along: isSeparate.firstIndex(of: true)))
                }
                for axis in order where isSeparate[axis.dimension] { block.apply(axis, channel) }
                block.write(to: buffer.baseAddress! + c * target.count, followed: followed, channel)
            }
            initialized = channels * target.count
        }
    }
}

/// One dimension's share of a resampling.
private struct AxisStep {
    /// Of the stored block.
    var dimension: Int
    var coordinates: [Double]
    var count: Int
    /// The stored index grows with the target's.
    var isForward: Bool
    var border: CubicSpline.Border
    var interpolation: Manifest.Interpolation

    var growth: Double { Double(coordinates.count) / Double(count) }
    var isIdentity: Bool {
        coordinates.count == count && coordinates.indices.allSatisfy { abs(coordinates[$0] - Double($0)) < 1e-9 }
    }

    /// The two samples beside a coordinate and the weight of the second. Nearest is half up as the target counts, as
    /// scipy's `map_coordinates` with order 0.
    func neighbours(_ coordinate: Double) -> (Int, Int, Float) {
        let last = count - 1
        let x = min(max(isForward ? coordinate : Double(last) - coordinate, 0), Double(last))
        let low = Int((interpolation == .nearest ? x + 0.5 : x).rounded(.down))
        let high = interpolation == .nearest ? low : min(low + 1, last)
        return isForward
            ? (low, high, Float(x - Double(low))) : (last - low, last - high, Float(x - Double(low)))
    }
}

/// A block of voxels on its way; without values it is still the source.
private struct Block {
    var shape: [Int]
    var values: [Float]?

    mutating func apply(_ step: AxisStep, _ source: UnsafePointer<Float>) {
        let outer = shape[..<step.dimension].reduce(1, *)
        let inner = shape[(step.dimension + 1)...].reduce(1, *)
        values = withValues(source) { values in
            if step.interpolation == .cubic {
                return CubicSpline(coordinates: step.coordinates, count: step.count, border: step.border)
                    .apply(values, outer: outer, inner: inner)
            }
            var result: [Float] = []
            result.reserveCapacity(outer * step.coordinates.count * inner)
            let pairs = step.coordinates.map(step.neighbours)
            for o in 0..<outer {
                for (low, high, weight) in pairs {
                    let a = values + (o * step.count + low) * inner
                    let b = values + (o * step.count + high) * inner
                    if low == high {
                        result.append(contentsOf: UnsafeBufferPointer(start: a, count: inner))
                    } else {
                        for i in 0..<inner { result.append(a[i] + (b[i] - a[i]) * weight) }
                    }
                }
            }
            return result
        }
        shape[step.dimension] = step.coordinates.count
    }

    mutating func clip(_ limits: Limits) {
        guard var clipped = values else { return }
        values = nil
        let inner = limits.dimension.map { shape[($0 + 1)...].reduce(1, *) } ?? clipped.count
        for start in stride(from: 0, to: clipped.count, by: inner) {
            let range = limits.ranges[start / inner % limits.ranges.count]
            for i in start..<start + inner { clipped[i] = min(max(clipped[i], range.lower), range.upper) }
        }
        values = clipped
    }

    /// In the order of the target's dimensions.
    func write(to output: UnsafeMutablePointer<Float>, followed: [Int], _ source: UnsafePointer<Float>) {
        let strides = [shape[1] * shape[2], shape[2], 1]
        let at = (0..<3).map { axis in followed.firstIndex(of: axis)! }
        withValues(source) { values in
            var index = 0
            for d in 0..<shape[at[0]] {
                for h in 0..<shape[at[1]] {
                    let line = values + (d * strides[at[0]] + h * strides[at[1]])
                    for w in 0..<shape[at[2]] {
                        output[index] = line[w * strides[at[2]]]
                        index += 1
                    }
                }
            }
        }
    }

    private func withValues<Result>(
        _ source: UnsafePointer<Float>, _ body: (UnsafePointer<Float>) -> Result
    ) -> Result {
        guard let values else { return body(source) }
        return values.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
}

/// Least and greatest value of a block, or of each of its slices.
private struct Limits {
    var dimension: Int?
    var ranges: [(lower: Float, upper: Float)]

    init(_ values: UnsafePointer<Float>, _ shape: [Int], along dimension: Int?) {
        self.dimension = dimension
        let count = shape.reduce(1, *)
        ranges = .init(repeating: (.infinity, -.infinity), count: dimension.map { shape[$0] } ?? 1)
        let inner = dimension.map { shape[($0 + 1)...].reduce(1, *) } ?? count
        for start in stride(from: 0, to: count, by: inner) {
            var range = ranges[start / inner % ranges.count]
            for i in start..<start + inner { range = (min(range.lower, values[i]), max(range.upper, values[i])) }
            ranges[start / inner % ranges.count] = range
        }
    }
}

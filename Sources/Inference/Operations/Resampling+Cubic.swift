// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Resampling {
    /// Cubic along each dimension. On a half-pixel grid values stay within those of the channel, or of the slice where
    /// slices are resampled one by one (`clip` of scikit-image's `resize`); elsewhere they may overshoot, as in scipy.
    func cubic(
        _ source: UnsafePointer<Float>, channels: Int, stored: Lattice, lattice: Lattice, target: Lattice
    ) throws(InferenceError) -> [Float] {
        let map = stored.map(from: target)
        guard let followed = map.axes else {
            throw .refused(["the slices are sheared or turned against the grid, and `cubic` needs parallel axes"])
        }
        let separate = separateDimension(of: lattice)
        var steps: [Step] = []
        for (dimension, axis) in followed.enumerated() {
            let count = stored.shape[dimension]
            let isForward = map.matrix[dimension][axis] > 0
            let coordinates = (0..<target.shape[axis]).map { index -> Double in
                switch grid {
                case .affine: return map.offset[dimension] + map.matrix[dimension][axis] * Double(index)
                case .zoom(let zoom):
                    let x = zoom.coordinate(index, of: target.shape[axis], in: count)
                    return isForward ? x : Double(count - 1) - x
                }
            }
            steps.append(
                Step(
                    dimension: dimension, coordinates: coordinates, count: count, isNearest: axis == separate,
                    isForward: isForward))
        }
        let isClipped = grid == .zoom(.halfPixel)
        // What shrinks the block most goes first; slices are chosen after they are resampled, as they are clipped.
        let order = steps.sorted { ($0.isNearest ? 1 : 0, $0.growth) < ($1.isNearest ? 1 : 0, $1.growth) }
        var values: [Float] = []
        values.reserveCapacity(channels * target.count)
        for c in 0..<channels {
            let channel = source + c * stored.count
            let slices = followed.firstIndex { $0 == separate }
            let limits = isClipped ? Limits(channel, stored.shape, along: slices) : nil
            var block = Block(shape: stored.shape, values: nil)
            for step in order where !step.isNearest && !step.isIdentity { block.apply(step, channel) }
            if let limits, let changed = block.values {
                block.values = limits.clip(changed, block.shape)
            }
            for step in order where step.isNearest && !step.isIdentity { block.apply(step, channel) }
            values += block.reordered(followed, channel)
        }
        return values
    }
}

/// One dimension's share of a resampling.
private struct Step {
    /// Of the stored block.
    var dimension: Int
    var coordinates: [Double]
    var count: Int
    var isNearest: Bool
    var isForward: Bool

    var growth: Double { Double(coordinates.count) / Double(count) }
    var isIdentity: Bool {
        coordinates.count == count
            && coordinates.enumerated().allSatisfy { abs($0.element - Double($0.offset)) < 1e-9 }
    }
}

/// A block of voxels on its way; nil as long as it is the source itself.
private struct Block {
    var shape: [Int]
    var values: [Float]?

    mutating func apply(_ step: Step, _ source: UnsafePointer<Float>) {
        let outer = shape[..<step.dimension].reduce(1, *)
        let inner = shape[(step.dimension + 1)...].reduce(1, *)
        let result = withValues(source) { values in
            if step.isNearest {
                return gather(values, step, outer: outer, inner: inner)
            }
            return CubicSpline(coordinates: step.coordinates, count: step.count)
                .apply(values, outer: outer, inner: inner)
        }
        values = result
        shape[step.dimension] = step.coordinates.count
    }

    /// In the order of the target's dimensions.
    func reordered(_ followed: [Int], _ source: UnsafePointer<Float>) -> [Float] {
        if followed == [0, 1, 2], let values { return values }
        let strides = [shape[1] * shape[2], shape[2], 1]
        let at = (0..<3).map { axis in followed.firstIndex(of: axis)! }
        return withValues(source) { values in
            var result: [Float] = []
            result.reserveCapacity(shape[0] * shape[1] * shape[2])
            for d in 0..<shape[at[0]] {
                for h in 0..<shape[at[1]] {
                    let line = d * strides[at[0]] + h * strides[at[1]]
                    for w in 0..<shape[at[2]] { result.append(values[line + w * strides[at[2]]]) }
                }
            }
            return result
        }
    }

    private func withValues(_ source: UnsafePointer<Float>, _ body: (UnsafePointer<Float>) -> [Float]) -> [Float] {
        guard let values else { return body(source) }
        return values.withUnsafeBufferPointer { body($0.baseAddress!) }
    }

    /// Half up on the axis as the target counts it, as scipy's `map_coordinates` with order 0.
    private func gather(_ values: UnsafePointer<Float>, _ step: Step, outer: Int, inner: Int) -> [Float] {
        let last = step.count - 1
        let indices = step.coordinates.map { x -> Int in
            let forward = min(max(step.isForward ? x : Double(last) - x, 0), Double(last))
            let index = Int((forward + 0.5).rounded(.down))
            return step.isForward ? index : last - index
        }
        var result: [Float] = []
        result.reserveCapacity(outer * indices.count * inner)
        for o in 0..<outer {
            for index in indices {
                let start = values + (o * step.count + index) * inner
                result.append(contentsOf: UnsafeBufferPointer(start: start, count: inner))
            }
        }
        return result
    }
}

/// Least and greatest value of a block, or of each of its slices.
private struct Limits {
    var dimension: Int?
    var ranges: [(Float, Float)]

    init(_ values: UnsafePointer<Float>, _ shape: [Int], along dimension: Int?) {
        self.dimension = dimension
        ranges = .init(repeating: (.infinity, -.infinity), count: dimension.map { shape[$0] } ?? 1)
        let inner = dimension.map { shape[($0 + 1)...].reduce(1, *) } ?? 1
        for i in 0..<shape.reduce(1, *) {
            let slice = dimension == nil ? 0 : i / inner % ranges.count
            ranges[slice] = (min(ranges[slice].0, values[i]), max(ranges[slice].1, values[i]))
        }
    }

    func clip(_ values: consuming [Float], _ shape: [Int]) -> [Float] {
        var values = values
        let inner = dimension.map { shape[($0 + 1)...].reduce(1, *) } ?? 1
        for i in values.indices {
            let range = ranges[dimension == nil ? 0 : i / inner % ranges.count]
            values[i] = min(max(values[i], range.0), range.1)
        }
        return values
    }
}

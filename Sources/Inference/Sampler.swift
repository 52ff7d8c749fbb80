// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Models

/// Values of one lattice read at the voxels of another, whole or slab by slab.
///
/// Coordinates are clamped to `border`, in voxels of the source (by default all of it: the border value holds outside, as
/// MONAI `Spacing` with padding_mode "border"). What of `border` the source does not have counts as 0, and so does every
/// target voxel outside `within`. Weights are computed in double precision.
struct Sampler {
    /// What stands between the voxels of the source, along one of its dimensions.
    enum Rule: Equatable {
        case linear
        /// Half to even, as torch's grid_sample.
        case nearest
        /// Half up, as scipy, with the coordinates that scipy.ndimage.zoom computes: they decide where halves are.
        case nearestZoomed(ZoomGrid)
    }

    /// The two voxels beside a coordinate, as offsets or indices, and what each weighs.
    struct Taps {
        var lower: Int
        var upper: Int
        var lowerWeight: Float
        var upperWeight: Float
    }

    /// One dimension of the source.
    struct Axis {
        var rule: Rule
        /// Of the border.
        var first: Int
        var last: Int
        /// The last index that the source has.
        var limit: Int

        func taps(_ coordinate: Double) -> Taps {
            // Noise of the last digits must not move a voxel that lies on a source voxel.
            let near = coordinate.rounded(.toNearestOrEven)
            let x = min(max(abs(coordinate - near) < 1e-7 ? near : coordinate, Double(first)), Double(last))
            let index: Int
            switch rule {
            case .nearest: index = Int(x.rounded(.toNearestOrEven))
            case .nearestZoomed: index = Int((x + 0.5).rounded(.down))
            case .linear:
                let lower = Int(x.rounded(.down))
                let upper = min(lower + 1, last)
                let share = Float(x - Double(lower))
                return Taps(
                    lower: inside(lower), upper: inside(upper), lowerWeight: has(lower) ? 1 - share : 0,
                    upperWeight: has(upper) ? share : 0)
            }
            return Taps(lower: inside(index), upper: inside(index), lowerWeight: has(index) ? 1 : 0, upperWeight: 0)
        }

        private func has(_ index: Int) -> Bool { index >= 0 && index <= limit }
        private func inside(_ index: Int) -> Int { min(max(index, 0), limit) }
    }

    let target: [Int]
    let within: Box
    /// Values from one voxel of the source to the next along each of its dimensions.
    private(set) var strides: [Int]
    /// The dimension of the source that it comes in slabs of.
    private(set) var cut = 0
    let map: IndexMap
    /// Which target dimension each source dimension follows, where they are parallel.
    let followed: [Int]?
    /// By target dimension, offsets; where the axes are parallel.
    private(set) var tables: [[Taps]]
    let axes: [Axis]
    let isNearest: Bool
    /// Every weight pair sums to 1: nothing lies outside the source.
    let isWhole: Bool

    /// - Parameter rules: along D, H and W of the source.
    init(source: Lattice, target: Lattice, rules: [Rule], border: Box? = nil, within: Box? = nil) {
        let border = border ?? Box(shape: source.shape)
        let within = (within ?? Box(shape: target.shape)).intersection(Box(shape: target.shape))
        let axes = (0..<3).map {
            Axis(rule: rules[$0], first: border.lower[$0], last: border.upper[$0] - 1, limit: source.shape[$0] - 1)
        }
        let strides = [source.shape[1] * source.shape[2], source.shape[2], 1]
        let map = source.map(from: target)
        let followed = map.axes
        var tables: [[Taps]] = [[], [], []]
        for (dimension, axis) in (followed ?? []).enumerated() {
            let range = within.lower[axis]..<max(within.lower[axis], within.upper[axis])
            let step = map.matrix[dimension][axis]
            tables[axis] = (0..<target.shape[axis]).map { index in
                guard range.contains(index) else { return Taps(lower: 0, upper: 0, lowerWeight: 0, upperWeight: 0) }
                var x = map.offset[dimension] + step * Double(index)
                if case .nearestZoomed(let grid) = rules[dimension] {
                    let place = step > 0 ? index - range.lowerBound : range.upperBound - 1 - index
                    x = grid.coordinate(place, of: range.count, in: source.shape[dimension])
                }
                var taps = axes[dimension].taps(x)
                taps.lower *= strides[dimension]
                taps.upper *= strides[dimension]
                return taps
            }
        }
        self.target = target.shape
        self.within = within
        self.axes = axes
        self.strides = strides
        self.map = map
        self.followed = followed
        self.tables = tables
        isNearest = rules.allSatisfy { $0 != .linear }
        isWhole = Box(shape: source.shape).contains(border) && within == Box(shape: target.shape)
    }

    init(source: Lattice, target: Lattice, interpolation: Manifest.Interpolation) {
        let rule: Rule = interpolation == .nearest ? .nearest : .linear
        self.init(source: source, target: target, rules: [rule, rule, rule])
    }

    /// The same where memory holds so many voxels along each dimension of the source, and slabs are cut along `cut`.
    /// For axes that are parallel.
    func laid(_ extents: [Int], cut: Int) -> Sampler {
        var result = self
        result.strides = [extents[1] * extents[2], extents[2], 1]
        result.cut = cut
        for (dimension, axis) in (followed ?? []).enumerated() {
            let (old, new) = (strides[dimension], result.strides[dimension])
            for index in tables[axis].indices {
                result.tables[axis][index].lower = tables[axis][index].lower / old * new
                result.tables[axis][index].upper = tables[axis][index].upper / old * new
            }
        }
        return result
    }

    /// One row of the target, from W = `range.lowerBound`, into `row`.
    /// - Parameters:
    ///   - slab: the source's voxels from plane `firstPlane` along `cut` on; the row reads no plane that is not there.
    func read(
        _ slab: UnsafePointer<Float>, firstPlane: Int = 0, d: Int, h: Int, range: Range<Int>,
        into row: UnsafeMutablePointer<Float>
    ) {
        let source = slab - firstPlane * strides[cut]
        guard let followed else { return readOblique(source, d: d, h: h, range: range, into: row) }
        readLine(
            source, tables[0][d], tables[1][h], along: 2, isContiguous: followed[2] == 2, range: range, into: row)
    }

    private func readOblique(
        _ source: UnsafePointer<Float>, d: Int, h: Int, range: Range<Int>, into row: UnsafeMutablePointer<Float>
    ) {
        let rowIsInside =
            d >= within.lower[0] && d < within.upper[0] && h >= within.lower[1] && h < within.upper[1]
        let lines = (line(0, d: d, h: h), line(1, d: d, h: h), line(2, d: d, h: h))
        for w in range {
            guard rowIsInside, w >= within.lower[2], w < within.upper[2] else {
                row[w - range.lowerBound] = 0
                continue
            }
            let atD = lines.0.axis.taps(lines.0.start + lines.0.step * Double(w))
            let atH = lines.1.axis.taps(lines.1.start + lines.1.step * Double(w))
            let atW = lines.2.axis.taps(lines.2.start + lines.2.step * Double(w))
            let a = source + (atD.lower * strides[0] + atH.lower * strides[1])
            let b = source + (atD.lower * strides[0] + atH.upper * strides[1])
            let c = source + (atD.upper * strides[0] + atH.lower * strides[1])
            let e = source + (atD.upper * strides[0] + atH.upper * strides[1])
            let (l, u) = (atW.lower, atW.upper)
            let (lw, uw) = (atW.lowerWeight, atW.upperWeight)
            let near = (a[l] * lw + a[u] * uw) * atH.lowerWeight + (b[l] * lw + b[u] * uw) * atH.upperWeight
            let far = (c[l] * lw + c[u] * uw) * atH.lowerWeight + (e[l] * lw + e[u] * uw) * atH.upperWeight
            row[w - range.lowerBound] = near * atD.lowerWeight + far * atD.upperWeight
        }
    }

    /// Along one source dimension: the coordinate at W = 0 of a target row, and its growth per W.
    func line(_ dimension: Int, d: Int, h: Int) -> (axis: Axis, start: Double, step: Double) {
        let m = map.matrix[dimension]
        return (axes[dimension], map.offset[dimension] + m[0] * Double(d) + m[1] * Double(h), m[2])
    }

    /// All of the target, one channel.
    func resample(_ source: UnsafePointer<Float>) -> [Float] {
        let count = target[0] * target[1] * target[2]
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            resample(source, into: buffer.baseAddress!)
            initialized = count
        }
    }
}

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
    let strides: [Int]
    let map: IndexMap
    /// Which target dimension each source dimension follows, where they are parallel.
    let followed: [Int]?
    /// By target dimension, offsets; where the axes are parallel.
    let tables: [[Taps]]
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

    /// One row of the target, from W = `range.lowerBound`, into `row`.
    /// - Parameters:
    ///   - slab: the source's voxels from plane `firstPlane` along D on; the row reads no plane that is not there.
    func read(
        _ slab: UnsafePointer<Float>, firstPlane: Int = 0, d: Int, h: Int, range: Range<Int>,
        into row: UnsafeMutablePointer<Float>
    ) {
        let source = slab - firstPlane * strides[0]
        guard followed != nil else { return readOblique(source, d: d, h: h, range: range, into: row) }
        let (atD, atH) = (tables[0][d], tables[1][h])
        tables[2].withUnsafeBufferPointer { taps in
            if isNearest {
                let line = source + (atD.lower + atH.lower)
                if isWhole {
                    for w in range { row[w - range.lowerBound] = line[taps[w].lower] }
                    return
                }
                let weight = atD.lowerWeight * atH.lowerWeight
                for w in range {
                    // Not a product: 0 × infinity would be NaN.
                    row[w - range.lowerBound] = weight * taps[w].lowerWeight == 0 ? 0 : line[taps[w].lower]
                }
                return
            }
            let (a, b) = (source + (atD.lower + atH.lower), source + (atD.lower + atH.upper))
            let (c, e) = (source + (atD.upper + atH.lower), source + (atD.upper + atH.upper))
            let wa = atD.lowerWeight * atH.lowerWeight
            let wb = atD.lowerWeight * atH.upperWeight
            let wc = atD.upperWeight * atH.lowerWeight
            let we = atD.upperWeight * atH.upperWeight
            if isWhole {
                for w in range {
                    let (l, u) = (taps[w].lower, taps[w].upper)
                    let low = a[l] * wa + b[l] * wb + c[l] * wc + e[l] * we
                    let high = a[u] * wa + b[u] * wb + c[u] * wc + e[u] * we
                    row[w - range.lowerBound] = low + (high - low) * taps[w].upperWeight
                }
            } else {
                for w in range {
                    let (l, u) = (taps[w].lower, taps[w].upper)
                    let low = a[l] * wa + b[l] * wb + c[l] * wc + e[l] * we
                    let high = a[u] * wa + b[u] * wb + c[u] * wc + e[u] * we
                    row[w - range.lowerBound] = low * taps[w].lowerWeight + high * taps[w].upperWeight
                }
            }
        }
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

    func resample(_ source: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        let (depth, height, width) = (target[0], target[1], target[2])
        // Each D writes its own part of the buffer.
        nonisolated(unsafe) let output = output
        nonisolated(unsafe) let input = source
        DispatchQueue.concurrentPerform(iterations: depth) { d in
            for h in 0..<height {
                read(input, d: d, h: h, range: 0..<width, into: output + (d * height + h) * width)
            }
        }
    }
}

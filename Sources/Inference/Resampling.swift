// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Models

/// Values of one lattice read at the voxels of another. Outside the source its border value holds (MONAI `Spacing`,
/// padding_mode "border"); weights are computed in double precision. Nearest rounds half to even, as torch does.
struct Sampler {
    /// One target dimension's share of the source offset, where the axes are parallel.
    private struct Table {
        var lower: [Int]
        var upper: [Int]
        /// Of `upper`.
        var weight: [Float]
    }

    let target: [Int]
    private let sourceShape: [Int]
    private let strides: [Int]
    private let map: IndexMap
    private let tables: [Table]?
    private let interpolation: Manifest.Interpolation

    init(source: Lattice, target: Lattice, interpolation: Manifest.Interpolation) {
        self.target = target.shape
        self.interpolation = interpolation
        sourceShape = source.shape
        strides = [source.shape[1] * source.shape[2], source.shape[2], 1]
        map = source.map(from: target)
        guard let axes = map.axes else {
            tables = nil
            return
        }
        var tables = [Table](repeating: Table(lower: [], upper: [], weight: []), count: 3)
        for (dimension, axis) in axes.enumerated() {
            let limit = source.shape[dimension] - 1
            let stride = strides[dimension]
            for index in 0..<target.shape[axis] {
                let x = map.offset[dimension] + map.matrix[dimension][axis] * Double(index)
                let (lower, upper, weight) = Self.taps(x, limit, interpolation)
                tables[axis].lower.append(lower * stride)
                tables[axis].upper.append(upper * stride)
                tables[axis].weight.append(weight)
            }
        }
        self.tables = tables
    }

    /// The two neighbours of a coordinate, and the weight of the upper.
    private static func taps(
        _ coordinate: Double, _ limit: Int, _ interpolation: Manifest.Interpolation
    ) -> (Int, Int, Float) {
        // Noise of the last digits must not move a voxel that lies on a source voxel.
        let near = coordinate.rounded(.toNearestOrEven)
        let x = min(max(abs(coordinate - near) < 1e-7 ? near : coordinate, 0), Double(limit))
        if interpolation == .nearest {
            let index = Int(x.rounded(.toNearestOrEven))
            return (index, index, 0)
        }
        let lower = Int(x.rounded(.down))
        return (lower, min(lower + 1, limit), Float(x - Double(lower)))
    }

    /// One row of the target, from W = `range.lowerBound`, into `row`.
    func read(
        _ source: UnsafePointer<Float>, d: Int, h: Int, range: Range<Int>, into row: UnsafeMutablePointer<Float>
    ) {
        guard let tables else { return readOblique(source, d: d, h: h, range: range, into: row) }
        let (d0, d1, dw) = (tables[0].lower[d], tables[0].upper[d], tables[0].weight[d])
        let (h0, h1, hw) = (tables[1].lower[h], tables[1].upper[h], tables[1].weight[h])
        tables[2].lower.withUnsafeBufferPointer { lower in
            tables[2].upper.withUnsafeBufferPointer { upper in
                tables[2].weight.withUnsafeBufferPointer { weight in
                    if interpolation == .nearest {
                        let line = source + (d0 + h0)
                        for w in range { row[w - range.lowerBound] = line[lower[w]] }
                        return
                    }
                    let (a, b, c, e) = (source + (d0 + h0), source + (d0 + h1), source + (d1 + h0), source + (d1 + h1))
                    let wa = (1 - dw) * (1 - hw)
                    let wb = (1 - dw) * hw
                    let wc = dw * (1 - hw)
                    let we = dw * hw
                    for w in range {
                        let l = lower[w]
                        let u = upper[w]
                        let k = weight[w]
                        let low = a[l] * wa + b[l] * wb + c[l] * wc + e[l] * we
                        let high = a[u] * wa + b[u] * wb + c[u] * wc + e[u] * we
                        row[w - range.lowerBound] = low + (high - low) * k
                    }
                }
            }
        }
    }

    private func readOblique(
        _ source: UnsafePointer<Float>, d: Int, h: Int, range: Range<Int>, into row: UnsafeMutablePointer<Float>
    ) {
        /// Along one source dimension: the coordinate at W = 0, its growth per W, the last index and the stride.
        func line(_ i: Int) -> (start: Double, step: Double, limit: Int, stride: Int) {
            let m = map.matrix[i]
            return (map.offset[i] + m[0] * Double(d) + m[1] * Double(h), m[2], sourceShape[i] - 1, strides[i])
        }
        let lines = (line(0), line(1), line(2))
        for w in range {
            let x = Double(w)
            let (d0, d1, dw) = Self.taps(lines.0.start + lines.0.step * x, lines.0.limit, interpolation)
            let (h0, h1, hw) = Self.taps(lines.1.start + lines.1.step * x, lines.1.limit, interpolation)
            let (w0, w1, ww) = Self.taps(lines.2.start + lines.2.step * x, lines.2.limit, interpolation)
            let a = source + (d0 * lines.0.stride + h0 * lines.1.stride)
            let b = source + (d0 * lines.0.stride + h1 * lines.1.stride)
            let c = source + (d1 * lines.0.stride + h0 * lines.1.stride)
            let e = source + (d1 * lines.0.stride + h1 * lines.1.stride)
            let near = (a[w0] + (a[w1] - a[w0]) * ww) * (1 - hw) + (b[w0] + (b[w1] - b[w0]) * ww) * hw
            let far = (c[w0] + (c[w1] - c[w0]) * ww) * (1 - hw) + (e[w0] + (e[w1] - e[w0]) * ww) * hw
            row[w - range.lowerBound] = near + (far - near) * dw
        }
    }

    /// A block of the target outside of which no voxel reads a source voxel inside `box`.
    func targets(of box: Box) -> Box {
        guard !box.isEmpty else { return Box(lower: [0, 0, 0], upper: [0, 0, 0]) }
        // Readers lie less than one source voxel away; at the border of the source, everything beyond reads it too.
        let ends = (0..<3).map { i -> [Double] in
            let reach = 1e7
            return [
                box.lower[i] == 0 ? -reach : Double(box.lower[i]) - 1,
                box.upper[i] == sourceShape[i] ? reach : Double(box.upper[i]),
            ]
        }
        let inverse = map.inverse
        var result = Box(shape: target)
        for i in 0..<3 {
            var lower = inverse.offset[i]
            var upper = inverse.offset[i]
            for j in 0..<3 where abs(inverse.matrix[i][j]) > 1e-9 {
                let a = inverse.matrix[i][j] * ends[j][0]
                let b = inverse.matrix[i][j] * ends[j][1]
                lower += min(a, b)
                upper += max(a, b)
            }
            result.lower[i] = Int(min(max(lower.rounded(.down) - 1, 0), Double(target[i])))
            result.upper[i] = Int(min(max(upper.rounded(.up) + 2, 0), Double(target[i])))
        }
        return result
    }

    /// All of the target.
    func resample(_ source: UnsafePointer<Float>) -> [Float] {
        let (depth, height, width) = (target[0], target[1], target[2])
        return [Float](unsafeUninitializedCapacity: depth * height * width) { buffer, count in
            // Each D writes its own part of the buffer.
            nonisolated(unsafe) let output = buffer.baseAddress!
            nonisolated(unsafe) let input = source
            DispatchQueue.concurrentPerform(iterations: depth) { d in
                for h in 0..<height {
                    read(input, d: d, h: h, range: 0..<width, into: output + (d * height + h) * width)
                }
            }
            count = depth * height * width
        }
    }
}

/// A block of voxels, `lower` up to but not including `upper`, along D, H, W.
struct Box: Equatable {
    var lower: [Int]
    var upper: [Int]

    init(shape: [Int]) {
        lower = [0, 0, 0]
        upper = shape
    }
    init(lower: [Int], upper: [Int]) {
        self.lower = lower
        self.upper = upper
    }

    var isEmpty: Bool { (0..<3).contains { lower[$0] >= upper[$0] } }
    var shape: [Int] { (0..<3).map { max(0, upper[$0] - lower[$0]) } }
    func expanded(by margin: [Int], within shape: [Int]) -> Box {
        Box(
            lower: (0..<3).map { max(0, lower[$0] - margin[$0]) },
            upper: (0..<3).map { min(shape[$0], upper[$0] + margin[$0]) })
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Glibc

extension Field {
    /// The smallest block that holds each voxel with a channel for which `isWanted` is true.
    func box(where isWanted: @escaping @Sendable (Float) -> Bool) -> Box {
        let (depth, height, width) = (lattice.shape[0], lattice.shape[1], lattice.shape[2])
        var found = [Box](repeating: Box(lower: [0, 0, 0], upper: [0, 0, 0]), count: depth)
        values.withUnsafeBufferPointer { values in
            found.withUnsafeMutableBufferPointer { found in
                // Each plane writes its own box.
                nonisolated(unsafe) let found = found
                nonisolated(unsafe) let values = values.baseAddress!
                let (channels, plane) = (channels, height * width)
                DispatchQueue.concurrentPerform(iterations: depth) { d in
                    var (top, bottom, left, right) = (height, -1, width, -1)
                    for c in 0..<channels {
                        for h in 0..<height {
                            let row = values + (c * depth + d) * plane + h * width
                            guard let first = (0..<width).first(where: { isWanted(row[$0]) }) else { continue }
                            var last = width - 1
                            while !isWanted(row[last]) { last -= 1 }
                            (top, bottom) = (min(top, h), max(bottom, h))
                            (left, right) = (min(left, first), max(right, last))
                        }
                    }
                    if bottom >= 0 { found[d] = Box(lower: [d, top, left], upper: [d + 1, bottom + 1, right + 1]) }
                }
            }
        }
        return found.reduce(Box(lower: [0, 0, 0], upper: [0, 0, 0])) { $0.union($1) }
    }
}

extension Box {
    /// The smallest block that holds both.
    func union(_ other: Box) -> Box {
        if isEmpty { return other }
        if other.isEmpty { return self }
        return Box(
            lower: zip(lower, other.lower).map { min($0, $1) }, upper: zip(upper, other.upper).map { max($0, $1) })
    }

    /// The same block in the indices of another lattice whose axes are parallel; else nil.
    func moved(from lattice: Lattice, to other: Lattice) -> Box? {
        let map = other.map(from: lattice)
        guard let axes = map.axes else { return nil }
        var result = self
        for (dimension, axis) in axes.enumerated() {
            let ends = [lower[axis], upper[axis] - 1].map { index in
                Int((map.offset[dimension] + map.matrix[dimension][axis] * Double(index)).rounded())
            }
            result.lower[dimension] = ends.min()!
            result.upper[dimension] = ends.max()! + 1
        }
        return result
    }
}

extension Lattice {
    /// A block of its voxels, which may reach beyond it.
    func cropped(to box: Box) -> Lattice {
        Lattice(shape: box.shape, origin: point(box.lower.map { Double($0) }), steps: steps)
    }

    /// Dimension `order[i]` becomes dimension i.
    func transposed(_ order: [Int]) -> Lattice {
        Lattice(shape: order.map { shape[$0] }, origin: origin, steps: order.map { steps[$0] })
    }

    /// Whole voxels within so many mm, rounded down, as TotalSegmentator's `crop_to_mask` counts its margin.
    func voxels(within margin: Double) -> [Int] { spacing.map { Int((margin / $0).rounded(.down)) } }
}

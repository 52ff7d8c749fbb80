// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch

/// How smoothly neighbouring slices follow each other. A patient who moves between two slices leaves one difference
/// that stands out; one who moves in an interleaved acquisition makes neighbours differ more than next but one.
package struct MotionFacts: Sendable, Equatable {
    /// Mean absolute difference between slice i and the next, in the volume's unit.
    package var differences: [Double]
    /// The largest of (difference − median of its neighbours) / their spread, where neighbours are up to three
    /// differences to each side, and spread is 1.4826 × their median deviation, at least a twentieth of the median.
    package var largestScore: Double
    /// From 0: the slice after which it lies.
    package var slice: Int
    /// Median over slices of the difference to the next over the difference to the next but one: below 1 where anatomy
    /// moves on evenly, 1 in pure noise, above 1 where every other slice is displaced.
    package var alternation: Double

    /// nil below eight slices, or where the slices are no stack in a patient.
    init?(_ volume: VoxelVolume) {
        let grid = volume.grid
        guard volume.hasPatientGeometry, grid.slices >= 8 else { return nil }
        let size = grid.columns * grid.rows
        var next = [Double](repeating: 0, count: grid.slices)
        var nextButOne = next
        volume.voxels.withUnsafeBufferPointer { voxels in
            next.withUnsafeMutableBufferPointer { one in
                nextButOne.withUnsafeMutableBufferPointer { two in
                    // Each iteration writes its own two numbers.
                    nonisolated(unsafe) let (source, first, second) = (voxels, one, two)
                    DispatchQueue.concurrentPerform(iterations: grid.slices - 1) { slice in
                        let isLast = slice + 2 >= grid.slices
                        let start = slice * size
                        var (a, b) = (0.0, 0.0)
                        for index in start..<start + size {
                            let value = source[index]
                            // What is no number is no motion.
                            let one = abs(source[index + size] - value)
                            if one.isFinite { a += Double(one) }
                            guard !isLast else { continue }
                            let two = abs(source[index + 2 * size] - value)
                            if two.isFinite { b += Double(two) }
                        }
                        (first[slice], second[slice]) = (a / Double(size), b / Double(size))
                    }
                }
            }
        }
        differences = Array(next.dropLast())
        (largestScore, slice) = MotionFacts.largestScore(differences)
        let ratios = zip(next, nextButOne).prefix(grid.slices - 2).filter { $1 > 0 }.map { $0 / $1 }
        alternation = ratios.isEmpty ? 1 : median(ratios)
    }

    static func largestScore(_ differences: [Double]) -> (score: Double, index: Int) {
        var best = (score: 0.0, index: 0)
        for (index, difference) in differences.enumerated() {
            let reach = max(0, index - 3)...min(differences.count - 1, index + 3)
            let neighbours = reach.filter { $0 != index }.map { differences[$0] }
            let middle = median(neighbours)
            let spread = max(1.4826 * median(neighbours.map { abs($0 - middle) }), middle / 20)
            guard spread > 0 else { continue }
            let score = (difference - middle) / spread
            if score > best.score { best = (score, index) }
        }
        return best
    }
}

func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    guard let last = sorted.last else { return 0 }
    let middle = sorted.count / 2
    if sorted.count == 1 { return last }
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}

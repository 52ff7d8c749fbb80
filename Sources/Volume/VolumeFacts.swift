// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch

/// What the voxels themselves show, for quality gates to judge: numbers, no opinion. Of a colour image, the facts are
/// of its first channel. Thread: blocks, and measures on all cores.
package struct VolumeFacts: Sendable, Equatable {
    package var geometry: GeometryFacts?
    package var values: ValueFacts
    package var motion: MotionFacts?
    package var border: BorderFacts

    package init(_ volume: VoxelVolume) {
        geometry = GeometryFacts(volume)
        values = ValueFacts(volume)
        motion = MotionFacts(volume)
        border = BorderFacts(volume, ninetyNinth: values.ninetyNinth)
    }
}

/// Values, in the volume's unit.
package struct ValueFacts: Sendable, Equatable {
    package var minimum: Float = 0
    package var maximum: Float = 0
    package var mean = 0.0
    package var deviation = 0.0
    /// To within 1/65,536 of the range.
    package var firstPercentile: Float = 0
    package var ninetyNinth: Float = 0
    /// Share of voxels below −900 HU, finite ones; nil unless the unit is the Hounsfield unit.
    package var airShare: Double?
    /// Share of voxels at the largest value that the stored bits can express; nil where that is unknown.
    package var saturatedShare: Double?
    /// Share of voxels that are no number.
    package var nonFiniteShare = 0.0
    /// From 0: slices in which all voxels are equal.
    package var blankSlices: [Int] = []
    package var bitsStored: Int?

    init(_ volume: VoxelVolume) {
        let grid = volume.grid
        let size = grid.columns * grid.rows
        bitsStored = volume.declared.bitsStored
        let top = volume.declared.valueRange?.upperBound
        let slices = volume.forEachSlice { SliceSums($0, top: top) }
        let finite = slices.reduce(0) { $0 + $1.finite }
        nonFiniteShare = 1 - Double(finite) / Double(grid.count)
        guard finite > 0 else { return }
        minimum = slices.reduce(.infinity) { min($0, $1.minimum) }
        maximum = slices.reduce(-.infinity) { max($0, $1.maximum) }
        mean = slices.reduce(0) { $0 + $1.sum } / Double(finite)
        let squares = slices.reduce(0) { $0 + $1.squares } / Double(finite)
        deviation = max(0, squares - mean * mean).squareRoot()
        if volume.unit == VoxelVolume.hounsfieldUnit {
            airShare = Double(slices.reduce(0) { $0 + $1.air }) / Double(grid.count)
        }
        if top != nil { saturatedShare = Double(slices.reduce(0) { $0 + $1.saturated }) / Double(grid.count) }
        blankSlices = slices.indices.filter { slices[$0].finite == size && slices[$0].minimum == slices[$0].maximum }
        (firstPercentile, ninetyNinth) = percentiles(volume, finite: finite)
    }

    private func percentiles(_ volume: VoxelVolume, finite: Int) -> (Float, Float) {
        guard maximum > minimum else { return (minimum, minimum) }
        // In double precision: the range of two finite values may be no finite Float.
        let (least, scale) = (Double(minimum), 65_535 / (Double(maximum) - Double(minimum)))
        let partial = volume.forEachSlice(share: 16) { voxels in
            var counts = [Int](repeating: 0, count: 65_536)
            for value in voxels where value.isFinite {
                counts[min(65_535, Int((Double(value) - least) * scale + 0.5))] += 1
            }
            return counts
        }
        var counts = [Int](repeating: 0, count: 65_536)
        for part in partial { for bin in counts.indices { counts[bin] += part[bin] } }
        func percentile(_ share: Double) -> Float {
            let rank = share * Double(finite - 1)
            var seen = 0
            for bin in counts.indices {
                seen += counts[bin]
                if Double(seen) > rank { return Float(least + Double(bin) / scale) }
            }
            return maximum
        }
        return (percentile(0.01), percentile(0.99))
    }
}

private struct SliceSums {
    var minimum = Float.infinity
    var maximum = -Float.infinity
    var (sum, squares) = (0.0, 0.0)
    var (finite, air, saturated) = (0, 0, 0)

    init(_ voxels: UnsafeBufferPointer<Float>, top: Float?) {
        let top = top ?? .infinity
        for value in voxels where value.isFinite {
            finite += 1
            if value < minimum { minimum = value }
            if value > maximum { maximum = value }
            sum += Double(value)
            squares += Double(value) * Double(value)
            if value < -900 { air += 1 }
            if value >= top { saturated += 1 }
        }
    }
}

extension VoxelVolume {
    /// What `body` gives for each slice of the first channel, or for each run of slices where `share` runs are asked
    /// for; on all cores.
    func forEachSlice<R: Sendable>(share: Int? = nil, _ body: @Sendable (UnsafeBufferPointer<Float>) -> R) -> [R] {
        let size = grid.columns * grid.rows
        let run = share.map { max(1, (grid.slices + $0 - 1) / $0) } ?? 1
        let count = (grid.slices + run - 1) / run
        var results = [R?](repeating: nil, count: count)
        voxels.withUnsafeBufferPointer { voxels in
            results.withUnsafeMutableBufferPointer { slots in
                // Each iteration reads its own slices and writes its own slot.
                nonisolated(unsafe) let (source, target) = (voxels, slots)
                DispatchQueue.concurrentPerform(iterations: count) { number in
                    let end = min((number + 1) * run, grid.slices)
                    target[number] = body(UnsafeBufferPointer(rebasing: source[number * run * size..<end * size]))
                }
            }
        }
        return results.compactMap { $0 }
    }
}

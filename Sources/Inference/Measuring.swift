// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Models
import Volume

/// What is measured on a mask, on the source grid.
struct Measuring {
    let grid: Grid

    /// Size, (103339001, SCT, "Long Axis"), (103340004, SCT, "Short Axis"), the number of separate parts, and for CT mean
    /// and standard deviation of the (112031, DCM, "Attenuation Coefficient"). The size is the (118565006, SCT, "Volume") in
    /// mL and mm³; of an image that has no place in the patient the (42798000, SCT, "Area").
    func measurements(of marking: Marking, longAxis: AnalysisResult.LongAxis, volume: VoxelVolume) -> [Measurement] {
        let count = Double(marking.count())
        let (parts, statistics) = partsAndStatistics(of: marking, volume)
        let pixel = Code("{pixels}", "UCUM", "pixels")
        let length = volume.placement == .pixels ? pixel : Code("mm", "UCUM", "millimeter")
        var measurements: [Measurement] = []
        switch volume.placement {
        case .patient:
            let concept = Code("118565006", "SCT", "Volume")
            let cubicMillimetres = count * grid.voxelVolume
            measurements = [
                Measurement(concept: concept, value: cubicMillimetres / 1000, unit: Code("mL", "UCUM", "milliliter")),
                Measurement(concept: concept, value: cubicMillimetres, unit: Code("mm3", "UCUM", "cubic millimeter")),
            ]
        case .image, .pixels:
            let unit = volume.placement == .pixels ? pixel : Code("mm2", "UCUM", "square millimeter")
            let area = count * grid.columnStep.cross(grid.rowStep).length
            measurements = [Measurement(concept: Code("42798000", "SCT", "Area"), value: area, unit: unit)]
        }
        measurements += [
            Measurement(concept: Code("103339001", "SCT", "Long Axis"), value: longAxis.length, unit: length),
            Measurement(concept: Code("103340004", "SCT", "Short Axis"), value: longAxis.across, unit: length),
            Measurement(
                concept: Code("246205007", "SCT", "Quantity"), value: Double(parts),
                unit: Code("1", "UCUM", "no units")),
        ]
        if let (mean, deviation) = statistics {
            for (value, derivation) in [
                (mean, Code("373098007", "SCT", "Mean")),
                (deviation, Code("386136009", "SCT", "Standard Deviation")),
            ] {
                measurements.append(
                    Measurement(
                        concept: Code("112031", "DCM", "Attenuation Coefficient"), value: value,
                        unit: Code("[hnsf'U]", "UCUM", "Hounsfield unit"), derivation: derivation))
            }
        }
        return measurements
    }

    /// Both at once, as each takes as long as the other.
    private func partsAndStatistics(
        of marking: Marking, _ volume: VoxelVolume
    ) -> (parts: Int, statistics: (mean: Double, deviation: Double)?) {
        // Each is written by one iteration.
        nonisolated(unsafe) var parts = 0
        nonisolated(unsafe) var statistics: (mean: Double, deviation: Double)?
        DispatchQueue.concurrentPerform(iterations: 2) { task in
            if task == 0 {
                parts =
                    Components(of: marking, value: 1, in: marking.box, connectivity: .twentySix).sizes.count
            } else if isHounsfield(volume.unit) {
                statistics = self.statistics(of: marking, volume)
            }
        }
        return (parts, statistics)
    }

    /// Of the voxels themselves, not of a population that they stand for.
    private func statistics(of marking: Marking, _ volume: VoxelVolume) -> (mean: Double, deviation: Double) {
        var (count, sum, squares) = (0, 0.0, 0.0)
        // Against a value that is near the mean, so that squares do not outgrow their differences.
        var origin: Double?
        marking.voxels.withUnsafeBufferPointer { marked in
            volume.voxels.withUnsafeBufferPointer { values in
                marking.forEachRow(of: marking.box) { start, length in
                    for i in start..<start + length where marked[i] != 0 {
                        let zero = origin ?? Double(values[i])
                        origin = zero
                        let difference = Double(values[i]) - zero
                        count += 1
                        sum += difference
                        squares += difference * difference
                    }
                }
            }
        }
        guard let origin else { return (0, 0) }
        let mean = sum / Double(count)
        return (origin + mean, max(0, squares / Double(count) - mean * mean).squareRoot())
    }

    /// The slice with the most voxels, the first of equals.
    func keySlice(of marking: Marking) -> Int {
        let box = marking.box
        var best = (slice: box.lower[0], count: -1)
        for slice in box.lower[0]..<box.upper[0] {
            var count = 0
            let part = Box(lower: [slice, box.lower[1], box.lower[2]], upper: [slice + 1, box.upper[1], box.upper[2]])
            marking.forEachRow(of: part) { start, length in
                for i in start..<start + length { count += Int(marking.voxels[i]) }
            }
            if count > best.count { best = (slice, count) }
        }
        return best.slice
    }

    /// The farthest pair of voxel centres within one slice, over all slices, and the widest chord across it.
    func longAxis(of marking: Marking) -> AnalysisResult.LongAxis {
        let box = marking.box
        let pixel = (grid.columnStep.length + grid.rowStep.length) / 2
        var best = AnalysisResult.LongAxis(slice: box.lower[0], from: [0, 0], to: [0, 0], length: -1, across: -1)
        var widest: [(column: Int, row: Int)] = []
        for slice in box.lower[0]..<box.upper[0] {
            let hull = hull(of: marking, slice: slice)
            for (i, a) in hull.enumerated() {
                for b in hull[i...] {
                    let length = offset(from: b, to: a).length + pixel
                    if length > best.length {
                        best = .init(
                            slice: slice, from: [a.column, a.row], to: [b.column, b.row], length: length, across: pixel)
                        widest = hull
                    }
                }
            }
        }
        best.across += chord(of: widest, across: best)
        return best
    }

    private typealias Pixel = (column: Int, row: Int)

    private func offset(from a: Pixel, to b: Pixel) -> Vector3 {
        grid.columnStep * Double(b.column - a.column) + grid.rowStep * Double(b.row - a.row)
    }

    /// Only the convex hull can hold the farthest pair, and only the ends of rows can lie on the hull.
    private func hull(of marking: Marking, slice: Int) -> [Pixel] {
        let box = marking.box
        var ends: [Pixel] = []
        for row in box.lower[1]..<box.upper[1] {
            let line = grid.index(column: 0, row: row, slice: slice)
            guard let first = (box.lower[2]..<box.upper[2]).first(where: { marking.voxels[line + $0] != 0 }) else {
                continue
            }
            var last = box.upper[2] - 1
            while marking.voxels[line + last] == 0 { last -= 1 }
            ends.append((first, row))
            if last != first { ends.append((last, row)) }
        }
        return convexHull(ends)
    }

    /// mm of the longest chord of a convex polygon that is perpendicular to the axis: it passes through a corner.
    private func chord(of hull: [Pixel], across axis: AnalysisResult.LongAxis) -> Double {
        let from = (column: axis.from[0], row: axis.from[1])
        let along = offset(from: from, to: (axis.to[0], axis.to[1]))
        guard hull.count > 2, along.length > 0 else { return 0 }
        let u = along * (1 / along.length)
        let normal = grid.columnStep.cross(grid.rowStep)
        let v = normal.cross(u) * (1 / normal.length)
        let corners = hull.map { corner in
            let offset = offset(from: from, to: corner)
            return (s: offset.dot(u), t: offset.dot(v))
        }
        var longest = 0.0
        for corner in corners {
            // Where the polygon's other side is at this place along the axis.
            for (a, b) in zip(corners, corners.dropFirst() + corners.prefix(1)) {
                guard min(a.s, b.s) <= corner.s, corner.s <= max(a.s, b.s), a.s != b.s else { continue }
                let t = a.t + (b.t - a.t) * (corner.s - a.s) / (b.s - a.s)
                longest = max(longest, abs(t - corner.t))
            }
        }
        return longest
    }
}

func isHounsfield(_ unit: Code) -> Bool { ["[hnsf'U]", "hnsf'U"].contains(unit.value) }

/// Andrew's monotone chain.
private func convexHull(_ points: [(column: Int, row: Int)]) -> [(column: Int, row: Int)] {
    let sorted = points.sorted { ($0.column, $0.row) < ($1.column, $1.row) }
    guard sorted.count > 2 else { return sorted }
    func half(_ points: some Sequence<(column: Int, row: Int)>) -> [(column: Int, row: Int)] {
        var chain: [(column: Int, row: Int)] = []
        for p in points {
            while chain.count > 1 {
                let a = chain[chain.count - 2]
                let b = chain[chain.count - 1]
                let turn = (b.column - a.column) * (p.row - a.row) - (b.row - a.row) * (p.column - a.column)
                if turn > 0 { break }
                chain.removeLast()
            }
            chain.append(p)
        }
        return chain.dropLast()
    }
    return half(sorted) + half(sorted.reversed())
}

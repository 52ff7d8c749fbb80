// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// What is measured on a mask, on the source grid.
struct Measuring {
    let grid: Grid

    /// (118565006, SCT, "Volume") in mm³ and mL, (103339001, SCT, "Long Axis") in mm, and for CT the mean attenuation,
    /// (112031, DCM, "Attenuation Coefficient") with derivation (373098007, SCT, "Mean").
    func measurements(of marking: Marking, longAxis: AnalysisResult.LongAxis, volume: VoxelVolume) -> [Measurement] {
        let count = marking.count()
        let cubicMillimetres = Double(count) * grid.voxelVolume
        let concept = Code("118565006", "SCT", "Volume")
        var measurements = [
            Measurement(concept: concept, value: cubicMillimetres / 1000, unit: Code("mL", "UCUM", "milliliter")),
            Measurement(concept: concept, value: cubicMillimetres, unit: Code("mm3", "UCUM", "cubic millimeter")),
            Measurement(
                concept: Code("103339001", "SCT", "Long Axis"), value: longAxis.length,
                unit: Code("mm", "UCUM", "millimeter")),
        ]
        if isHounsfield(volume.unit) {
            var sum = 0.0
            marking.forEachRow(of: marking.box) { start, length in
                for i in start..<start + length where marking.voxels[i] != 0 { sum += Double(volume.voxels[i]) }
            }
            measurements.append(
                Measurement(
                    concept: Code("112031", "DCM", "Attenuation Coefficient"), value: sum / Double(max(1, count)),
                    unit: Code("[hnsf'U]", "UCUM", "Hounsfield unit"), derivation: Code("373098007", "SCT", "Mean")))
        }
        return measurements
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

    /// The farthest pair of voxel centres within one slice, over all slices: only the convex hull can hold it, and only
    /// the ends of rows can lie on the hull.
    func longAxis(of marking: Marking) -> AnalysisResult.LongAxis {
        let box = marking.box
        let pixel = (grid.columnStep.length + grid.rowStep.length) / 2
        var best = AnalysisResult.LongAxis(slice: box.lower[0], from: [0, 0], to: [0, 0], length: -1)
        for slice in box.lower[0]..<box.upper[0] {
            var ends: [(column: Int, row: Int)] = []
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
            let hull = convexHull(ends)
            for (i, a) in hull.enumerated() {
                for b in hull[i...] {
                    let length =
                        (grid.columnStep * Double(a.column - b.column) + grid.rowStep * Double(a.row - b.row)).length
                        + pixel
                    if length > best.length {
                        best = .init(slice: slice, from: [a.column, a.row], to: [b.column, b.row], length: length)
                    }
                }
            }
        }
        return best
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

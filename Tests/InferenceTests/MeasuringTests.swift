// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Inference

@Suite struct MeasuringTests {
    private let grid = Grid(
        origin: Vector3(0, 0, 0), columnStep: Vector3(0.5, 0, 0), rowStep: Vector3(0, 0.8, 0),
        sliceStep: Vector3(0, 0.5, 3),
        columns: 14, rows: 12, slices: 4)

    private func marking(_ belongs: (_ slice: Int, _ row: Int, _ column: Int) -> Bool) -> Marking {
        var voxels = [UInt8](repeating: 0, count: grid.count)
        for s in 0..<grid.slices {
            for r in 0..<grid.rows {
                for c in 0..<grid.columns where belongs(s, r, c) { voxels[grid.index(column: c, row: r, slice: s)] = 1 }
            }
        }
        return Marking(shape: [grid.slices, grid.rows, grid.columns], voxels: voxels)
    }

    @Test("The long axis is that of every pair of voxels within a slice", arguments: 0..<20)
    func longAxis(_ seed: Int) {
        var state = UInt64(seed + 1) &* 0x9E37_79B9_7F4A_7C15
        let mask = marking { _, _, _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return state >> 60 == 0
        }
        let points = mask.voxels.indices.filter { mask.voxels[$0] == 1 }.map { i in
            (slice: i / 168, row: i / 14 % 12, column: i % 14)
        }
        var longest = 0.0
        for a in points {
            for b in points where a.slice == b.slice {
                let distance = (grid.columnStep * Double(a.column - b.column) + grid.rowStep * Double(a.row - b.row))
                    .length
                longest = max(longest, distance)
            }
        }
        let axis = Measuring(grid: grid).longAxis(of: mask)
        #expect(abs(axis.length - longest - 0.65) < 1e-9)
        // Its ends are voxels of the mask.
        for end in [axis.from, axis.to] {
            #expect(mask.voxels[grid.index(column: end[0], row: end[1], slice: axis.slice)] == 1)
        }
    }

    @Test("Volume counts the parallelepiped of a tilted grid, and attenuation is the mean of the source voxels")
    func volume() throws {
        let mask = marking { s, r, c in (1...2).contains(s) && (2...5).contains(r) && (3...7).contains(c) }
        let values = mask.voxels.map { $0 == 1 ? Float(70) : 10 }
        let volume = Fixtures.volume(
            values, shape: [4, 12, 14], steps: [grid.sliceStep, grid.rowStep, grid.columnStep])
        let measuring = Measuring(grid: grid)
        let measurements = measuring.measurements(of: mask, longAxis: measuring.longAxis(of: mask), volume: volume)
        // 40 voxels of 0.5 · 0.8 · 3 mm³: the shear changes nothing.
        #expect(abs(measurements[0].value - 0.048) < 1e-9 && measurements[0].unit.value == "mL")
        #expect(abs(measurements[1].value - 48) < 1e-9 && measurements[1].unit.value == "mm3")
        #expect(measurements[0].concept.value == "118565006")
        #expect(measurements[2].concept == Code("103339001", "SCT", "Long Axis"))
        #expect(measurements[5].value == 70 && measurements[5].derivation?.value == "373098007")
        #expect(measurements[5].unit.value == "[hnsf'U]")
    }

    @Test("The key slice is the one with most voxels, the first of equals")
    func keySlice() {
        let mask = marking { s, r, c in s == 1 && c < 3 && r < 2 || s == 2 && c < 3 && r < 4 || s == 3 && c < 4 && r < 3
        }
        #expect(Measuring(grid: grid).keySlice(of: mask) == 2)
    }
}

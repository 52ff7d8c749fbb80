// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Results

@Suite struct MaskTests {
    /// 3 × 4 × 5 with five voxels set, as a whole and cut to its block.
    private let voxels: [UInt8] = {
        var voxels = [UInt8](repeating: 0, count: 60)
        for (column, row, slice) in [(1, 1, 2), (2, 1, 2), (1, 2, 3), (2, 3, 4), (1, 1, 4)] {
            voxels[(slice * 4 + row) * 3 + column] = 1
        }
        return voxels
    }()
    private var whole: Mask { Mask(columns: 3, rows: 4, slices: 5, voxels: voxels) }
    private var cut: Mask {
        var block: [UInt8] = []
        for slice in 2..<5 {
            for row in 1..<4 { for column in 1..<3 { block.append(voxels[(slice * 4 + row) * 3 + column]) } }
        }
        return Mask(
            columns: 3, rows: 4, slices: 5, blockColumns: 1..<3, blockRows: 1..<4, blockSlices: 2..<5, block: block)
    }

    @Test("A mask that is kept for its block is the same mask")
    func sameMask() {
        #expect(cut.voxels == voxels && cut == whole)
        #expect((0..<5).map { cut.isEmpty(slice: $0) } == [true, true, false, false, false])
        #expect((0..<5).map { whole.isEmpty(slice: $0) } == [true, true, false, false, false])
        for slice in 0..<5 { #expect(cut.plane(slice) == Array(voxels[slice * 12..<(slice + 1) * 12])) }
        var other = voxels
        other[0] = 1
        #expect(cut != Mask(columns: 3, rows: 4, slices: 5, voxels: other))
    }

    @Test(
        "A row is the same whether it is taken from the mask or from its voxels, and a mask can be set into a larger grid"
    )
    func rowsAndPlace() {
        for (row, slice) in [(1, 2), (2, 3), (3, 4), (1, 4), (2, 2)] {
            let start = (slice * 4 + row) * 3
            #expect(Array(cut.line(row: row, slice: slice)) == Array(voxels[start + 1..<start + 3]))
            #expect(Array(whole.line(row: row, slice: slice)) == Array(voxels[start..<start + 3]))
        }
        let placed = cut.placed(column: 2, row: 1, slice: 3, columns: 6, rows: 5, slices: 9)
        var expected = [UInt8](repeating: 0, count: 6 * 5 * 9)
        for i in voxels.indices where voxels[i] != 0 {
            expected[((i / 12 + 3) * 5 + i / 3 % 4 + 1) * 6 + i % 3 + 2] = 1
        }
        #expect(placed.voxels == expected)
    }

    @Test("Frames packed from a block are those of the whole")
    func packing() {
        for form in SegmentationForm.allCases {
            let values: [[[UInt8]]] =
                form == .fractional ? [whole, cut].map { [[UInt8](repeating: 77, count: $0.blockCount)] } : [[], []]
            let a = SegmentFrames([whole], probabilities: values[0], form: form)
            let b = SegmentFrames([cut], probabilities: values[1], form: form)
            #expect(a.form == form)
            #expect(a.frames == b.frames && a.regions == b.regions && a.pixelData == b.pixelData)
            #expect(a.regions[0].counts == [2, 1, 2])
        }
    }
}

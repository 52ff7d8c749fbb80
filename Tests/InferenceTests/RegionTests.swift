// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing
import Volume

@testable import Inference

@Suite("The box around a region") struct RegionTests {
    private let grid = Grid(
        origin: Vector3(10, 20, 30), columnStep: Vector3(0, 2, 0), rowStep: Vector3(1, 0, 0),
        sliceStep: Vector3(0, 0, -4), columns: 7, rows: 6, slices: 5)

    private func mask(_ marked: [(Int, Int, Int)]) -> Mask {
        var voxels = [UInt8](repeating: 0, count: 210)
        for (column, row, slice) in marked { voxels[grid.index(column: column, row: row, slice: slice)] = 1 }
        return Mask(columns: 7, rows: 6, slices: 5, voxels: voxels)
    }

    @Test("The margin is counted in mm along each axis, and ends at the volume's edges")
    func margin() throws {
        let masks = [mask([(3, 2, 1)]), mask([(4, 3, 1)])]
        let tight = try #require(VoxelBox(around: masks, margin: 0, in: grid))
        #expect(tight.columns == 3..<5 && tight.rows == 2..<4 && tight.slices == 1..<2)
        // 3 mm: two columns of 2 mm, three rows of 1 mm, one slice of 4 mm.
        let wide = try #require(VoxelBox(around: masks, margin: 3, in: grid))
        #expect(wide.columns == 1..<7 && wide.rows == 0..<6 && wide.slices == 0..<3)
        #expect(VoxelBox(around: [mask([])], margin: 100, in: grid) == nil)
        #expect(VoxelBox(around: [], margin: 100, in: grid) == nil)
    }

    @Test("Of another grid the voxels are kept that lie around the box, and none where it lies elsewhere")
    func otherGrid() throws {
        let box = try #require(VoxelBox(around: [mask([(3, 2, 1)]), mask([(4, 3, 1)])], margin: 0, in: grid))
        let volume = VoxelVolume(
            grid: grid, voxels: [Float](repeating: 0, count: 210), unit: VoxelVolume.hounsfieldUnit,
            frames: Fixtures.frames(5))
        let cut = volume.cut(to: box).grid
        var flipped = grid
        flipped.origin = grid.point(column: 0, row: 0, slice: 4)
        flipped.sliceStep = Vector3(0, 0, 4)
        let read = try #require(VoxelBox(readBy: cut, in: flipped))
        #expect(read.columns == 2..<6 && read.rows == 1..<5 && read.slices == 2..<5)
        flipped.origin = Vector3(1000, 0, 0)
        #expect(VoxelBox(readBy: cut, in: flipped) == nil)
    }

    @Test("What is cut out stays where it is, and a mask of it goes back to its place")
    func thereAndBack() throws {
        let volume = VoxelVolume(
            grid: grid, voxels: (0..<210).map { Float($0) }, unit: VoxelVolume.hounsfieldUnit,
            frames: (0..<5).map {
                SourceFrame(
                    sopClassUID: UID(literal: "1.2"), sopInstanceUID: UID("1.3.\($0)") ?? UID(literal: "1.3"),
                    frameNumber: nil)
            })
        let marked = [(2, 1, 1), (5, 4, 3)]
        let box = try #require(VoxelBox(around: [mask(marked)], margin: 0, in: grid))
        let cut = volume.cut(to: box)
        #expect(cut.grid.columns == 4 && cut.grid.rows == 4 && cut.grid.slices == 3)
        #expect(cut.frames == Array(volume.frames[1..<4]))
        for (column, row, slice) in marked {
            let inside = (column - 2, row - 1, slice - 1)
            #expect(
                cut.voxels[cut.grid.index(column: inside.0, row: inside.1, slice: inside.2)]
                    == volume.voxels[grid.index(column: column, row: row, slice: slice)])
            #expect(
                cut.grid.point(column: Double(inside.0), row: Double(inside.1), slice: Double(inside.2))
                    == grid.point(column: Double(column), row: Double(row), slice: Double(slice)))
        }
        var voxels = [UInt8](repeating: 0, count: 48)
        voxels[0] = 1
        voxels[47] = 1
        let small = Mask(columns: 4, rows: 4, slices: 3, voxels: voxels)
        #expect(box.restore(small, to: grid).voxels == mask(marked).voxels)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Phantoms
import Testing

@testable import Volume

@Suite struct VolumeFactsTests {
    private func volume(
        _ columns: Int, _ rows: Int, _ slices: Int, unit: Code = VoxelVolume.hounsfieldUnit,
        placement: VoxelVolume.Placement = .patient, range: ClosedRange<Float>? = nil,
        _ value: (_ column: Int, _ row: Int, _ slice: Int) -> Float
    ) -> VoxelVolume {
        var voxels: [Float] = []
        for slice in 0..<slices {
            for row in 0..<rows { for column in 0..<columns { voxels.append(value(column, row, slice)) } }
        }
        var declared = DeclaredFacts()
        (declared.valueRange, declared.bitsStored) = (range, 12)
        return VoxelVolume(
            grid: Grid(
                origin: Vector3(0, 0, 0), columnStep: Vector3(1, 0, 0), rowStep: Vector3(0, 1, 0),
                sliceStep: Vector3(0, 0, 1), columns: columns, rows: rows, slices: slices),
            voxels: voxels, unit: unit,
            frames: Array(
                repeating: SourceFrame(
                    sopClassUID: UID(literal: "1.2"), sopInstanceUID: UID(literal: "1.2"), frameNumber: nil),
                count: slices),
            placement: placement, declared: declared)
    }

    @Test("values are counted, each of them") func values() {
        let facts = ValueFacts(
            volume(10, 10, 10, range: -1024...3071) { column, row, slice in
                slice == 3 ? 5 : slice == 4 && row < 5 ? -1000 : slice == 5 && row == 0 ? 3071 : Float(column)
            })
        #expect(facts.minimum == -1000 && facts.maximum == 3071 && facts.bitsStored == 12)
        #expect(facts.airShare == 0.05 && facts.saturatedShare == 0.01)
        #expect(facts.blankSlices == [3] && facts.nonFiniteShare == 0)
        #expect(facts.firstPercentile == -1000)
        #expect(abs(facts.ninetyNinth - 9) <= 4071.0 / 65_535)
        #expect(abs(facts.mean - (-50_000 + 30_710 + 840 * 4.5 + 500) / 1000) < 1e-9)
    }

    @Test("percentiles are right to 1/65,536 of the range") func percentiles() {
        let facts = ValueFacts(
            volume(100, 100, 1, unit: VoxelVolume.arbitraryUnit) { column, row, _ in
                Float(row * 100 + column)
            })
        #expect(abs(facts.firstPercentile - 100) <= 1 && abs(facts.ninetyNinth - 9899) <= 1)
        #expect(abs(facts.deviation - 2886.751) < 0.01)
        #expect(facts.airShare == nil && facts.saturatedShare == nil)
    }

    @Test("what is no number is counted, and does not end the process") func nonFinite() {
        let facts = VolumeFacts(
            volume(4, 4, 2) { column, _, slice in slice == 0 ? (column == 0 ? .nan : .infinity) : 7 })
        #expect(facts.values.nonFiniteShare == 0.5 && facts.values.maximum == 7 && facts.values.blankSlices == [1])
        #expect(ValueFacts(volume(2, 2, 1) { _, _, _ in .nan }).nonFiniteShare == 1)
        let extreme = VolumeFacts(
            volume(4, 4, 9) { column, row, _ in
                column == 0 ? -3e38 : column == 1 ? 3e38 : row == 0 ? .infinity : .nan
            })
        #expect(extreme.values.firstPercentile == -3e38 && extreme.values.ninetyNinth == 3e38)
        #expect(extreme.motion?.largestScore == 0)
    }

    /// A ball that grows and shrinks along the stack, with a shift of some slices.
    private func ball(_ shift: (Int) -> Int) -> VoxelVolume {
        volume(40, 40, 20) { column, row, slice in
            let (x, y, z) = (Double(column + shift(slice)) - 20, Double(row) - 20, Double(slice) - 9.5)
            return x * x + y * y + 2 * z * z < 240 ? 40 : -1000
        }
    }

    @Test("a jump between two slices stands out, and where it is") func jump() throws {
        let still = try #require(MotionFacts(ball { _ in 0 }))
        let moved = try #require(MotionFacts(ball { $0 > 9 ? 4 : 0 }))
        #expect(moved.slice == 9 && moved.largestScore > 10 && moved.differences.count == 19)
        #expect(still.largestScore < 5, "\(still)")
    }

    @Test("every other slice displaced shows in the alternation") func interleaved() throws {
        let still = try #require(MotionFacts(ball { _ in 0 }))
        let moved = try #require(MotionFacts(ball { $0 % 2 == 0 ? 3 : 0 }))
        #expect(still.alternation < 0.8 && moved.alternation > 1.2, "\(still.alternation) \(moved.alternation)")
    }

    @Test("a phantom that lies still scores low, and one with a missing slice's jump is found") func phantom() throws {
        let volume = try Phantom { ($0.slices, $0.noise) = (24, 5) }.volume()
        let facts = VolumeFacts(volume)
        let motion = try #require(facts.motion)
        #expect(motion.alternation < 1)
        var moved = volume
        let size = 37 * 29
        for slice in 12..<24 {
            for index in 0..<size - 5 { moved.voxels[slice * size + index] = volume.voxels[slice * size + index + 5] }
        }
        let jump = try #require(MotionFacts(moved))
        #expect(jump.slice == 11 && jump.largestScore > 2 * motion.largestScore)
        #expect(facts.values.airShare.map { $0 > 0.2 } == true && facts.values.blankSlices == [])
    }

    @Test("few slices, and images without a place, have no motion") func none() {
        #expect(MotionFacts(volume(4, 4, 7) { _, _, _ in 1 }) == nil)
        #expect(MotionFacts(volume(4, 4, 9, placement: .pixels) { _, _, _ in 1 }) == nil)
        #expect(MotionFacts(volume(4, 4, 9) { _, _, _ in 1 })?.largestScore == 0)
    }

    @Test("the border says which side the body reaches") func border() {
        let inside = VolumeFacts(
            volume(20, 10, 4) { column, row, _ in (5..<15).contains(column) && (2..<8).contains(row) ? 40 : -1000 })
        #expect(inside.border.largest == 0 && inside.border.touchingSlices == [])
        let cut = VolumeFacts(
            volume(20, 10, 4) { column, row, slice in slice == 2 && column >= 10 && row >= 5 ? 40 : -1000 }
        ).border
        #expect(cut.lastColumn == 0.125 && cut.lastRow == 0.125 && cut.firstColumn == 0 && cut.firstRow == 0)
        #expect(cut.touchingSlices == [2] && cut.share == 15.0 / 240)
        let mr = VolumeFacts(
            volume(20, 10, 4, unit: VoxelVolume.arbitraryUnit) { column, _, _ in column == 0 ? 90 : column > 9 ? 800 : 5
            }
        ).border
        #expect(mr.firstColumn == 1 && mr.lastColumn == 1 && mr.firstRow == 0.55)
        #expect(
            VolumeFacts(
                volume(20, 10, 4, unit: VoxelVolume.arbitraryUnit) { column, _, _ in
                    column == 0 ? 70 : column > 9 ? 800 : 5
                }
            ).border.firstColumn == 0)
    }

    @Test("a stack's tilt and its least even step are measured") func geometry() throws {
        let even = try #require(VolumeFacts(Phantom { ($0.slices, $0.sliceSpacing) = (12, 5) }.volume()).geometry)
        #expect(even.tilt < 1e-5 && even.unevenSpacing < 1e-9 && abs(even.sliceSpacing - 5) < 1e-9)
        let phantom = try Phantom { ($0.slices, $0.sliceSpacing, $0.tilt) = (12, 5, 12) }
        let tilted = try #require(VolumeFacts(phantom.volume()).geometry)
        #expect(abs(tilted.tilt - 12) < 1e-4 && abs(tilted.sliceSpacing - 5 * 0.9781476) < 1e-4)
        let uneven = try Phantom { ($0.slices, $0.sliceSpacing, $0.pixelSpacing) = (12, 5, 2) }
        try uneven.edit(5) { (item) throws(DCMTKError) in try item.set(Tag(0x0020, 0x0032), "-36\\-28\\-2.45") }
        #expect(abs((try #require(VolumeFacts(uneven.volume()).geometry)).unevenSpacing - 0.01) < 1e-9)
        #expect(GeometryFacts(volume(4, 4, 1) { _, _, _ in 1 }) == nil)
        #expect(GeometryFacts(volume(4, 4, 9, placement: .image) { _, _, _ in 1 }) == nil)
    }

    @Test("facts of colour are of its first channel") func colour() {
        var colour = volume(3, 3, 1, unit: VoxelVolume.arbitraryUnit, placement: .pixels) { column, _, _ in
            Float(column)
        }
        colour.voxels += Array(repeating: 99, count: 18)
        colour.channels = 3
        #expect(VolumeFacts(colour).values.maximum == 2)
    }
}

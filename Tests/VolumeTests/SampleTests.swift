// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

@Suite struct SampleTests {
    private static let mrImageStorage = "1.2.840.10008.5.1.4.1.1.4"

    @Test("bits beyond Bits Stored are masked and signs extended")
    func bits() {
        let twelve = SampleTransform(bitsStored: 12, highBit: 11, isSigned: true, slope: 1, intercept: 0)
        #expect(twelve.sample(0x0FFF) == -1 && twelve.sample(0xF801) == -2047 && twelve.sample(0x1005) == 5)
        let shifted = SampleTransform(bitsStored: 12, highBit: 15, isSigned: false, slope: 1, intercept: 0)
        #expect(shifted.sample(0xFFF7) == 0xFFF && shifted.sample(0x0017) == 1)
        let full = SampleTransform(bitsStored: 16, highBit: 15, isSigned: true, slope: 1, intercept: 0)
        #expect(full.sample(0x8000) == -32768 && full.sample(0x7FFF) == 32767)
    }

    @Test("padding becomes air", arguments: [PhantomTransferSyntax.explicitLittleEndian, .implicitLittleEndian])
    func padding(syntax: PhantomTransferSyntax) throws {
        let phantom = try Phantom { ($0.isSigned, $0.noise, $0.transferSyntax) = (true, 0, syntax) }
        let before = try phantom.volume()
        try phantom.editAll { (_, item) throws(DCMTKError) in
            // The phantom's air; only implicit VR leaves open whether the bits are signed.
            try item.set(Tag(0x0028, 0x0120), [Double(UInt16(bitPattern: -1000))])
        }
        let after = try phantom.volume()
        #expect(before.voxels.contains(-1000) && !after.voxels.contains(-1000))
        #expect(zip(before.voxels, after.voxels).allSatisfy { $0 == -1000 ? $1 == -1024 : $0 == $1 })
    }

    @Test("each slice is rescaled by its own slope and intercept") func rescale() throws {
        let phantom = try Phantom()
        let before = try phantom.volume()
        try phantom.editAll { (index, item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x1053), "\(index + 1)")
            try item.set(Tag(0x0028, 0x1052), "\(index)")
        }
        let after = try phantom.volume()
        let size = 37 * 29
        #expect(
            before.voxels.indices.allSatisfy { index in
                let slice = Float(index / size)
                return after.voxels[index] == (before.voxels[index] + 1024) * (slice + 1) + slice
            })
    }

    @Test("Hounsfield units do not depend on MONOCHROME1, MR's arbitrary ones would") func monochrome1() throws {
        let phantom = try Phantom()
        try phantom.editAll { (_, item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0004), "MONOCHROME1") }
        #expect(try phantom.largestDifference(phantom.volume()) == 0)
        try phantom.editAll { (_, item) throws(DCMTKError) in
            try item.set(Tag(0x0008, 0x0016), SampleTests.mrImageStorage)
        }
        #expect {
            try phantom.volume()
        } throws: {
            if case .unsupported("photometric interpretation MONOCHROME1", _) = $0 as? VolumeRefusal {
                true
            } else {
                false
            }
        }
    }

    @Test("MR needs no rescale and has arbitrary units") func mr() throws {
        let phantom = try Phantom { $0.defects = [.missingRescale] }
        try phantom.editAll { (_, item) throws(DCMTKError) in
            try item.set(Tag(0x0008, 0x0016), SampleTests.mrImageStorage)
        }
        let volume = try phantom.volume()
        #expect(volume.unit == VoxelVolume.arbitraryUnit)
        #expect(volume.voxels.min().map { (0...60).contains($0) } == true)
    }

    @Test("a tilt that the positions contradict is noted, and gaps between thin slices") func notes() throws {
        let phantom = try Phantom { ($0.slices, $0.sliceSpacing, $0.sliceThickness) = (7, 5, 1) }
        try phantom.editAll { (_, item) throws(DCMTKError) in try item.set(Tag(0x0018, 0x1120), "-12") }
        #expect(
            try phantom.volume().notes == [
                "GantryDetectorTilt says 12.0°, the positions say 0.0°; the positions are used",
                "slices of 1.0 mm every 5.0 mm: tissue between them was not imaged",
            ])
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

@Suite struct RoundTripTests {
    /// The largest difference in Hounsfield units that a transfer syntax may make in a phantom with noise.
    static let loss: [PhantomTransferSyntax: Float] = [
        .jpegBaseline: 150, .jpegExtended: 30, .jpegLSNearLossless: 2, .jpeg2000: 300,
    ]

    @Test(
        "a phantom's values come back from every transfer syntax", arguments: PhantomTransferSyntax.allCases,
        [false, true])
    func values(syntax: PhantomTransferSyntax, isMultiFrame: Bool) throws {
        // A multi-frame CT stores 12 or 16 bits, JPEG Baseline 8.
        guard !isMultiFrame || syntax != .jpegBaseline else { return }
        let phantom = try Phantom {
            $0.transferSyntax = syntax
            $0.isMultiFrame = isMultiFrame
            if syntax == .jpegBaseline { $0.bitsStored = 8 }
        }
        let volume = try phantom.volume()
        #expect((volume.grid.columns, volume.grid.rows, volume.grid.slices) == (37, 29, 7))
        #expect(volume.frames.map(\.sopInstanceUID) == phantom.uids(perSlice: 7))
        #expect(volume.frames.map(\.frameNumber) == (1...7).map { isMultiFrame ? $0 : nil })
        #expect(volume.unit == VoxelVolume.hounsfieldUnit)
        let limit = RoundTripTests.loss[syntax] ?? 0
        let (largest, mean) = try phantom.differences(volume)
        #expect(largest <= limit)
        // Noise of 5 HU is lost in part; a shifted row or a swapped byte would cost hundreds.
        #expect(mean <= min(limit, 40))
        #expect(volume.notes == (limit > 0 ? ["the images were compressed with loss"] : []))
    }

    @Test(
        "values come back whatever the storage",
        arguments: [
            { $0.isSigned = true }, { $0.bitsStored = 16 }, { $0.bitsStored = 8 },
            { ($0.columns, $0.rows) = (1, 9) }, { ($0.columns, $0.rows) = (64, 3) },
            { ($0.isSigned, $0.transferSyntax) = (true, .jpegLSLossless) },
            { ($0.isSigned, $0.transferSyntax) = (true, .jpegLosslessSV1) },
            { ($0.isSigned, $0.transferSyntax) = (true, .jpeg2000Lossless) },
            { ($0.isSigned, $0.transferSyntax) = (true, .rle) },
            { ($0.bitsStored, $0.transferSyntax) = (8, .rle) },
            { ($0.bitsStored, $0.transferSyntax) = (8, .jpegLossless) },
            { ($0.bitsStored, $0.transferSyntax) = (8, .jpeg2000Lossless) },
            { ($0.bitsStored, $0.transferSyntax) = (16, .jpegLSLossless) },
            { ($0.isMultiFrame, $0.functionalGroups) = (true, .perFrame) },
            { ($0.isMultiFrame, $0.slices, $0.transferSyntax) = (true, 13, .jpegLosslessSV1) },
        ] as [@Sendable (inout HeadCT) -> Void])
    func storage(change: @Sendable (inout HeadCT) -> Void) throws {
        let phantom = try Phantom(change)
        #expect(try phantom.largestDifference(phantom.volume()) == 0)
    }

    @Test("slices are sorted by geometry, whatever the order of files") func order() throws {
        let phantom = try Phantom { $0.slices = 20 }
        let volume = try VoxelVolume.read(paths: phantom.study.files.shuffled(), options: .trusting)
        #expect(volume.frames.map(\.sopInstanceUID) == phantom.study.sopInstanceUIDs)
        #expect(try phantom.largestDifference(volume) == 0)
    }

    @Test("the grid lies where the files say") func grid() throws {
        let phantom = try Phantom {
            ($0.pixelSpacing, $0.sliceSpacing, $0.slices) = (2, 5, 9)
        }
        let grid = try phantom.volume().grid
        #expect(grid.origin == Vector3(-36, -28, -20))
        #expect(grid.columnStep == Vector3(2, 0, 0) && grid.rowStep == Vector3(0, 2, 0))
        #expect(grid.sliceStep == Vector3(0, 0, 5))
    }

    @Test("Pixel Spacing is between rows first, then between columns") func spacing() throws {
        let phantom = try Phantom()
        try phantom.editAll { (_, item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0030), "2\\3") }
        let grid = try phantom.volume().grid
        #expect(grid.rowStep == Vector3(0, 2, 0) && grid.columnStep == Vector3(3, 0, 0))
    }

    @Test("coronal and sagittal stacks run along their normals")
    func reformatted() throws {
        let coronal = try Phantom { ($0.orientation, $0.sliceSpacing, $0.pixelSpacing) = (.coronal, 4, 2) }
        #expect(try coronal.volume().grid.sliceStep == Vector3(0, 4, 0))
        #expect(try coronal.volume().grid.rowStep == Vector3(0, 0, -2))
        #expect(try coronal.largestDifference(coronal.volume()) == 0)
        let sagittal = try Phantom { ($0.orientation, $0.sliceSpacing) = (.sagittal, 4) }
        #expect(try sagittal.volume().grid.sliceStep == Vector3(-4, 0, 0))
        #expect(try sagittal.largestDifference(sagittal.volume()) == 0)
    }

    @Test("a tilted stack keeps its shear and its voxel volume", arguments: [-20.0, 7.5, 30])
    func tilt(degrees: Double) throws {
        let phantom = try Phantom { ($0.tilt, $0.sliceSpacing, $0.pixelSpacing) = (degrees, 5, 2) }
        let volume = try phantom.volume()
        #expect(volume.grid.sliceStep == Vector3(0, 0, 5))
        #expect(abs(volume.grid.rowStep.dot(volume.grid.sliceStep) / 10 - sin(degrees * .pi / 180)) < 1e-6)
        #expect(abs(volume.grid.voxelVolume - 20 * cos(degrees * .pi / 180)) < 1e-4)
        #expect(volume.notes == ["gantry tilt of \(fixed(abs(degrees), 10))°: the slices are sheared"])
        #expect(try phantom.largestDifference(volume) == 0)
    }
}

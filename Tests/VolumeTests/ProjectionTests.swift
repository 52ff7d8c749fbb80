// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

@Suite struct ProjectionTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private func chest(_ change: (inout ChestXRay) -> Void = { _ in }) throws -> (ChestXRay, PhantomStudy) {
        var chest = ChestXRay(seed: 4, finding: .pneumothorax())
        (chest.columns, chest.rows) = (41, 35)
        change(&chest)
        return (chest, try chest.write(to: folder.path))
    }

    @Test(
        "a radiograph is one slice, bright where it is dense, whatever the storage",
        arguments: [
            { _ in }, { $0.isMonochrome1 = true }, { $0.isComputedRadiography = true }, { $0.bitsStored = 16 },
            { ($0.bitsStored, $0.isMonochrome1) = (8, true) }, { ($0.bitsStored, $0.isMonochrome1) = (10, true) },
            { ($0.isMonochrome1, $0.transferSyntax) = (true, .jpegLosslessSV1) },
            { ($0.isMonochrome1, $0.transferSyntax) = (true, .jpegLSLossless) },
            { ($0.isMonochrome1, $0.transferSyntax) = (true, .jpeg2000Lossless) },
            { ($0.isMonochrome1, $0.transferSyntax) = (true, .rle) },
            { ($0.isMonochrome1, $0.transferSyntax) = (true, .explicitBigEndian) },
        ] as [@Sendable (inout ChestXRay) -> Void])
    func values(change: @Sendable (inout ChestXRay) -> Void) throws {
        let (chest, study) = try chest(change)
        let volume = try folder.read(study.files, .projection())
        let maximum = Float(chest.maximum)
        let truth = try chest.truth(ofImage: 0).stored.map { chest.isMonochrome1 ? maximum - Float($0) : Float($0) }
        #expect(volume.voxels == truth)
        // The spine is denser than the air beside the neck.
        #expect(volume.voxels[30 * 41 + 20] > volume.voxels[30 * 41])
        #expect((volume.grid.columns, volume.grid.rows, volume.grid.slices) == (41, 35, 1))
        #expect(volume.unit == VoxelVolume.arbitraryUnit && volume.channels == 1)
        #expect(volume.declared.valueRange == 0...maximum && volume.declared.bitsStored == chest.bitsStored)
        #expect(
            volume.frames == [
                SourceFrame(
                    sopClassUID: chest.isComputedRadiography
                        ? ChestXRay.computedRadiographyImageStorage : ChestXRay.digitalXRayImageStorageForPresentation,
                    sopInstanceUID: study.sopInstanceUIDs[0], frameNumber: nil)
            ])
    }

    @Test("MONOCHROME1 and MONOCHROME2 of one chest are one image") func inversion() throws {
        let (_, plain) = try chest()
        let two = try folder.read(plain.files, .projection())
        let (_, inverted) = try chest { $0.isMonochrome1 = true }
        #expect(try folder.read(inverted.files, .projection()).voxels == two.voxels)
    }

    @Test("a rescale comes before the inversion", arguments: [(2, -5), (-3, 7), (1, 100)])
    func rescale(slope: Int, intercept: Int) throws {
        let (chest, study) = try chest {
            ($0.isComputedRadiography, $0.isMonochrome1, $0.slope, $0.intercept) = (true, true, slope, intercept)
        }
        let volume = try folder.read(study.files, .projection())
        let ends = [intercept, 4095 * slope + intercept].sorted()
        let truth = try chest.truth(ofImage: 0).stored.map {
            Float(ends[0] + ends[1] - (Int($0) * slope + intercept))
        }
        #expect(volume.voxels == truth)
        #expect(volume.declared.valueRange == Float(ends[0])...Float(ends[1]))
    }

    @Test("signed samples are inverted within their own range") func signed() throws {
        let (chest, study) = try chest { ($0.bitsStored, $0.isMonochrome1) = (16, true) }
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0103), 1) }
        let volume = try folder.read(study.files, .projection())
        let truth = try chest.truth(ofImage: 0).stored.map { -1 - Float(Int16(bitPattern: $0)) }
        #expect(volume.voxels == truth && volume.declared.valueRange == -32_768...32_767)
    }

    @Test("a Modality LUT is applied, and its ends hold beyond it") func lut() throws {
        let (chest, study) = try chest { $0.isComputedRadiography = true }
        let entries = (0..<1000).map { UInt16($0 * 4) }
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in
            try item.append(Tag(0x0028, 0x3000)) { (lut) throws(DCMTKError) in
                try lut.set(Tag(0x0028, 0x3002), [1000, 500, 12])
                try lut.set(Tag(0x0028, 0x3006), words: entries)
            }
        }
        let volume = try folder.read(study.files, .projection())
        let truth = try chest.truth(ofImage: 0).stored.map { Float(entries[min(max(Int($0) - 500, 0), 999)]) }
        #expect(volume.voxels == truth && Set(truth).count > 100)
        #expect(volume.declared.valueRange == 0...4095)
    }

    @Test(
        "a Modality LUT that contradicts itself is refused",
        arguments: [[1000.0, 0, 99], [1000, 0, 12], [0, 0, 12], [2, 0]])
    func badLUT(descriptor: [Double]) throws {
        let (_, study) = try chest { $0.isComputedRadiography = true }
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in
            try item.append(Tag(0x0028, 0x3000)) { (lut) throws(DCMTKError) in
                try lut.set(Tag(0x0028, 0x3002), descriptor)
                try lut.set(Tag(0x0028, 0x3006), words: [1, 2, 3])
            }
        }
        switch folder.refusal(study.files, .projection()) {
        case .invalidAttribute(let keyword, _): #expect(keyword.hasPrefix("LUT"))
        case let other: Issue.record("\(String(describing: other))")
        }
    }

    @Test("padding is black, whichever way round the image is", arguments: [false, true]) func padding(inverted: Bool)
        throws
    {
        let (_, study) = try chest { ($0.isMonochrome1, $0.collimation) = (inverted, 4) }
        let volume = try folder.read(study.files, .projection())
        let rim = (0..<35 * 41).filter { index in
            let (row, column) = (index / 41, index % 41)
            return min(min(row, 34 - row), min(column, 40 - column)) < 4
        }
        #expect(rim.allSatisfy { volume.voxels[$0] == 0 })
        #expect(volume.voxels[17 * 41 + 20] > 1000)
        // Were it not padding, white would stay white.
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0120), 77) }
        #expect(try folder.read(study.files, .projection()).voxels[0] == 0)
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0004), inverted ? "MONOCHROME2" : "MONOCHROME1")
        }
        #expect(try folder.read(study.files, .projection()).voxels[0] == 4095)
    }

    @Test("there is no place in the patient, and the notes say what the spacing is worth") func placement() throws {
        let (chest, study) = try chest()
        let file = study.files[0]
        var volume = try folder.read([file], .projection())
        #expect(volume.placement == .image && !volume.hasPatientGeometry)
        #expect(volume.grid.origin == Vector3(0, 0, 0))
        #expect(volume.grid.columnStep == Vector3(chest.pixelSpacing, 0, 0))
        #expect(volume.grid.rowStep == Vector3(0, chest.pixelSpacing, 0))
        #expect(volume.notes == ["ImagerPixelSpacing gives the scale at the detector; anatomy is smaller"])
        try folder.edit(file) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0030), "0.2\\0.1") }
        volume = try folder.read([file], .projection())
        #expect(volume.grid.columnStep.x == 0.1 && volume.grid.rowStep.y == 0.2)
        #expect(volume.notes == ["PixelSpacing is not calibrated; the scale is uncertain"])
        try folder.edit(file) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0A02), "FIDUCIAL") }
        #expect(
            try folder.read([file], .projection()).notes
                == ["PixelSpacing is calibrated (FIDUCIAL); the scale holds at one depth"])
        try folder.edit(file) { (item) in
            item.remove(Tag(0x0028, 0x0030))
            item.remove(Tag(0x0018, 0x1164))
        }
        volume = try folder.read([file], .projection())
        #expect(volume.placement == .pixels && volume.grid.columnStep == Vector3(1, 0, 0))
        #expect(volume.notes == ["no pixel spacing: lengths and areas are unknown"])
    }

    @Test("view, laterality and orientation are declared") func declared() throws {
        let (_, study) = try chest { $0.views = [.lateral] }
        var declared = try folder.read(study.files, .projection()).declared
        #expect(declared.viewPosition == "LL" && declared.patientOrientation == ["P", "F"])
        #expect(declared.laterality == "U" && declared.modality == "DX" && declared.bodyPartExamined == "CHEST")
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in
            item.remove(Tag(0x0018, 0x5101))
            try item.set(Tag(0x0020, 0x0062), "L")
            try item.set(Tag(0x0010, 0x1010), "045Y")
        }
        declared = try folder.read(study.files, .projection()).declared
        #expect(declared.viewPosition == "left lateral" && declared.laterality == "L")
        #expect(declared.patientAge == "045Y")
    }

    @Test("each radiograph of a series is an image of its own, in the order of Instance Number") func several() throws {
        let (chest, study) = try chest { $0.views = [.pa, .lateral, .ap] }
        #expect(folder.refusal(study.files, .projection()) == .severalImages(3))
        let volumes = try VoxelVolume.readImages(
            paths: study.files.reversed(), options: VolumeOptions(kind: .projection()) { _ in })
        #expect(volumes.map { $0.frames[0].sopInstanceUID } == study.sopInstanceUIDs)
        #expect(volumes.map(\.declared.viewPosition) == ["PA", "LL", "AP"])
        #expect(try volumes[1].voxels == chest.truth(ofImage: 1).stored.map { Float($0) })
        try folder.edit(study.files[2]) { (item) throws(DCMTKError) in try item.set(Tag(0x0020, 0x000E), "1.2.3") }
        #expect(folder.refusal(study.files, .projection()) == .mixedSeries)
    }

    @Test(
        "a radiograph that is none is refused by name",
        arguments: [
            (Tag(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.1.1.1", "a radiograph for processing is not supported"),
            (Tag(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.2", "SOP class 1.2.840.10008.5.1.4.1.1.2 is not supported"),
            (Tag(0x0028, 0x0004), "PALETTE COLOR", "photometric interpretation PALETTE COLOR is not supported"),
            (Tag(0x0028, 0x1053), "0", "RescaleSlope has no usable value"),
            (Tag(0x0028, 0x1052), "x", "RescaleIntercept has no usable value"),
        ])
    func refused(tag: Tag, value: String, reason: String) throws {
        let (_, study) = try chest()
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in try item.set(tag, value) }
        let words = try #require(folder.refusal(study.files, .projection())).description
        #expect(words.hasPrefix(reason), "\(words)")
    }

    @Test("images for processing are read where they are asked for") func processing() throws {
        let (_, study) = try chest()
        try folder.edit(study.files[0]) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.1.1.1")
        }
        #expect(folder.refusal(study.files, .projection(forProcessing: true)) == nil)
    }

    @Test("a radiograph is no stack, and a CT no radiograph") func kinds() throws {
        let (_, study) = try chest()
        guard case .unsupported? = folder.refusal(study.files, .stack) else {
            Issue.record("a radiograph was read as a stack")
            return
        }
        let head = try Phantom()
        guard case .unsupported? = folder.refusal(head.study.files, .projection()) else {
            Issue.record("a CT was read as a radiograph")
            return
        }
    }

    @Test(
        "a radiograph cut off anywhere is refused",
        arguments: [PhantomTransferSyntax.explicitLittleEndian, .jpegLSLossless])
    func truncated(syntax: PhantomTransferSyntax) throws {
        let (_, study) = try chest { $0.transferSyntax = syntax }
        let url = URL(fileURLWithPath: study.files[0])
        let whole = try Data(contentsOf: url)
        for length in stride(from: whole.count - 2, to: 0, by: -max(1, whole.count / 20)) {
            try whole.prefix(length).write(to: url)
            #expect(folder.refusal(study.files, .projection()) != nil, "cut to \(length) of \(whole.count)")
        }
    }
}

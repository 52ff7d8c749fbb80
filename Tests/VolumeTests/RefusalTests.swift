// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

@Suite struct RefusalTests {
    private func refusal(_ phantom: Phantom) -> VolumeRefusal? {
        do {
            _ = try VoxelVolume.read(paths: phantom.study.files.reversed(), options: .trusting)
            return nil
        } catch {
            return error
        }
    }

    @Test("each defect is refused with its reason", arguments: HeadCT.Defect.allCases, [false, true])
    func defects(defect: HeadCT.Defect, isMultiFrame: Bool) throws {
        let phantom = try Phantom {
            ($0.slices, $0.sliceSpacing, $0.defects, $0.isMultiFrame) = (20, 5, [defect], isMultiFrame)
        }
        let files = phantom.study.files
        let words = refusal(phantom)?.description
        switch defect {
        case .gap: #expect(words == "gap of 10.0 mm after slice 11 of 19 (expected 5.0 mm)")
        case .duplicate: #expect(words == "slice 12 of 21 lies where the slice before it lies")
        case .mixedSpacing: #expect(words == "the spacing between slices varies from 5.00 to 10.00 mm")
        case .mixedOrientation: #expect(words?.hasSuffix("of 20 is turned by 10.0° against the others") == true)
        case .missingPosition:
            #expect(words == "ImagePositionPatient is missing in instance \(phantom.uids(perSlice: 20)[10])")
        case .missingRescale:
            let last = phantom.uids(perSlice: 20)[19]
            #expect(words == "RescaleSlope and RescaleIntercept are missing in CT instance \(last)")
        }
        #expect(!files.isEmpty)
    }

    @Test("two gaps are counted, many are no gaps") func gaps() throws {
        func removing(_ missing: Set<Int>) throws -> String? {
            let phantom = try Phantom { ($0.slices, $0.sliceSpacing) = (40, 4) }
            let paths = phantom.study.files.enumerated().filter { !missing.contains($0.offset) }.map(\.element)
            do {
                _ = try VoxelVolume.read(paths: paths, options: .trusting)
                return nil
            } catch {
                return error.description
            }
        }
        #expect(try removing([]) == nil)
        // A slice that is missing at an end leaves an even stack.
        #expect(try removing([0, 39]) == nil)
        #expect(try removing([10, 11, 30]) == "gap of 12.0 mm after slice 10 of 37 (expected 4.0 mm) and 1 more")
        #expect(try removing([3, 8, 13, 18, 23, 28, 33]) == "the spacing between slices varies from 4.00 to 8.00 mm")
    }

    @Test(
        "instances that do not belong together are refused",
        arguments: [
            (Tag(0x0020, 0x000E), "1.2.3", VolumeRefusal.mixedSeries),
            (Tag(0x0020, 0x0052), "1.2.3", .mixedFrameOfReference),
            (Tag(0x0028, 0x0030), "1\\1", .mixedPixelSpacing),
            (Tag(0x0008, 0x0016), "1.2.840.10008.5.1.4.1.1.4", .mixedSOPClass),
        ])
    func mixed(tag: Tag, value: String, reason: VolumeRefusal) throws {
        let phantom = try Phantom()
        try phantom.edit(3) { (item) throws(DCMTKError) in try item.set(tag, value) }
        #expect(refusal(phantom) == reason)
    }

    @Test("slices of another size are refused") func size() throws {
        let phantom = try Phantom()
        try phantom.edit(3) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 37)
            try item.set(Tag(0x0028, 0x0011), 29)
        }
        #expect(refusal(phantom) == .mixedSize)
    }

    @Test(
        "a missing or senseless attribute is named",
        arguments: [
            (Tag(0x0028, 0x0030), "PixelSpacing", ""), (Tag(0x0020, 0x0037), "ImageOrientationPatient", ""),
            (Tag(0x0020, 0x0052), "FrameOfReferenceUID", ""), (Tag(0x0028, 0x0004), "PhotometricInterpretation", ""),
            (Tag(0x0028, 0x0030), "PixelSpacing", "0\\1"), (Tag(0x0028, 0x0030), "PixelSpacing", "1"),
            (Tag(0x0020, 0x0037), "ImageOrientationPatient", "1\\0\\0\\1\\0\\0"),
            (Tag(0x0020, 0x0037), "ImageOrientationPatient", "1\\0\\0\\0\\nan\\0"),
            (Tag(0x0020, 0x0032), "ImagePositionPatient", "1\\2\\1e300"),
            (Tag(0x0028, 0x1053), "RescaleSlope", "0"), (Tag(0x0028, 0x1052), "RescaleIntercept", "x"),
        ])
    func attribute(tag: Tag, keyword: String, value: String) throws {
        let phantom = try Phantom()
        try phantom.editAll { (_, item) throws(DCMTKError) in
            if value.isEmpty { try item.setEmpty(tag) } else { try item.set(tag, value) }
        }
        switch refusal(phantom) {
        case .missingAttribute(let named, _): #expect(named == keyword && value.isEmpty)
        case .invalidAttribute(let named, _): #expect(named == keyword && !value.isEmpty)
        case let other: Issue.record("\(keyword) \(value): \(String(describing: other))")
        }
    }

    @Test("values that are not Hounsfield units are refused") func units() throws {
        let phantom = try Phantom()
        try phantom.edit(2) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x1054), "US") }
        #expect(refusal(phantom) == .notHounsfield("US", phantom.study.sopInstanceUIDs[2]))
    }

    @Test("a slice that slid sideways is refused") func crooked() throws {
        let phantom = try Phantom { ($0.slices, $0.pixelSpacing, $0.sliceSpacing) = (12, 2, 5) }
        try phantom.edit(5) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0020, 0x0032), "-33\\-28\\-2.5")
        }
        #expect(refusal(phantom)?.description == "slice 6 of 12 lies 3.00 mm off the line through the others")
    }

    @Test("a stack that leans more than a gantry can is refused") func oblique() throws {
        let phantom = try Phantom { ($0.slices, $0.pixelSpacing, $0.sliceSpacing) = (8, 2, 5) }
        try phantom.editAll { (index, item) throws(DCMTKError) in
            try item.set(Tag(0x0020, 0x0032), "0\\\(index * 10)\\\(index * 5)")
        }
        #expect(refusal(phantom) == .tooOblique(degrees: 63.43494882292201))
    }

    @Test("one slice is no volume, and no file is none") func few() throws {
        let phantom = try Phantom { $0.slices = 1 }
        #expect(refusal(phantom) == .tooFewSlices(count: 1, needed: 2))
        #expect(throws: VolumeRefusal.empty) { try VoxelVolume.read(paths: [], options: .trusting) }
    }

    @Test("more voxels than the limit are refused before they are decoded") func limit() throws {
        let phantom = try Phantom()
        var options = VolumeOptions.trusting
        options.maximumVoxels = 37 * 29 * 7 - 1
        #expect(throws: VolumeRefusal.tooLarge(voxels: 37 * 29 * 7, limit: 37 * 29 * 7 - 1)) {
            try VoxelVolume.read(paths: phantom.study.files, options: options)
        }
        options.maximumVoxels += 1
        #expect(try VoxelVolume.read(paths: phantom.study.files, options: options).voxels.count == 37 * 29 * 7)
    }

    @Test("a file that the scan does not admit is never parsed") func admission() throws {
        struct Nested: Error, CustomStringConvertible { let description = "nested too deep" }
        let phantom = try Phantom()
        let poisoned = phantom.study.files[4]
        // Were it parsed before it is admitted, it would be refused as no DICOM file.
        try Data("not DICOM".utf8).write(to: URL(fileURLWithPath: poisoned))
        let options = VolumeOptions { if $0 == poisoned { throw Nested() } }
        #expect(throws: VolumeRefusal.unreadable(path: poisoned, reason: "nested too deep")) {
            try VoxelVolume.read(paths: phantom.study.files, options: options)
        }
    }
}

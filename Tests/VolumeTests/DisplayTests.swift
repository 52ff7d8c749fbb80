// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Testing

@testable import Volume

/// What a display would show of an image (PS3.3 C.11.2), for packages that were trained on that.
@Suite struct DisplayTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    private static let values = [0, 1, 1023, 1024, 2047, 4095]

    private func image(
        inverted: Bool = false, _ change: (Item) throws(DCMTKError) -> Void
    ) throws -> VoxelVolume {
        var image = SmallImage()
        (image.bits, image.photometric) = (12, inverted ? "MONOCHROME1" : "MONOCHROME2")
        image.frames = [Self.values.flatMap { [UInt8($0 & 255), UInt8($0 >> 8)] }]
        var options = VolumeOptions(kind: .frames()) { _ in }
        options.isDisplayed = true
        return try VoxelVolume.read(paths: [image.write(folder, change)], options: options)
    }

    private func window(
        _ center: String, _ width: String, _ function: String? = nil
    ) -> (Item) throws(DCMTKError) -> Void {
        { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x1050), center)
            try item.set(Tag(0x0028, 0x1051), width)
            if let function { try item.set(Tag(0x0028, 0x1056), function) }
        }
    }

    private func isNear(_ a: [Float], _ b: [Double]) -> Bool {
        a.count == b.count && zip(a, b).allSatisfy { abs(Double($0) - $1) < 1e-3 }
    }

    @Test("A window maps its ends to black and white as its function says", arguments: [false, true])
    func windows(inverted: Bool) throws {
        let turned = { (values: [Double]) in inverted ? values.map { 255 - $0 } : values }
        // (x − 1023.5)/2047 + 0.5 for LINEAR; (x − 1024)/2048 + 0.5 exactly; the logistic with slope 4/width.
        let linear = try image(inverted: inverted, window("1024", "2048"))
        #expect(
            isNear(linear.voxels, turned(Self.values.map { min(max((Double($0) - 1023.5) / 2047 + 0.5, 0), 1) * 255 })))
        #expect(linear.declared.valueRange == 0...255)
        let exact = try image(inverted: inverted, window("1024\\40", "2048\\80", "LINEAR_EXACT"))
        #expect(
            isNear(exact.voxels, turned(Self.values.map { min(max((Double($0) - 1024) / 2048 + 0.5, 0), 1) * 255 })))
        #expect(exact.voxels != linear.voxels)
        let sigmoid = try image(inverted: inverted, window("1024", "2048", "SIGMOID"))
        #expect(isNear(sigmoid.voxels, turned(Self.values.map { 255 / (1 + exp(-4 * (Double($0) - 1024) / 2048)) })))
        let step = try image(inverted: inverted, window("1024", "1"))
        #expect(isNear(step.voxels, turned([0, 0, 0, 255, 255, 255])))
    }

    @Test("Without window and LUT the range of the stored bits is shown; a rescale comes first")
    func range() throws {
        #expect(isNear(try image { _ in }.voxels, Self.values.map { Double($0) / 4095 * 255 }))
        let rescaled = try image { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x1053), "2")
            try item.set(Tag(0x0028, 0x1052), "-1000")
            try window("1000", "1001")(item)
        }
        #expect(
            isNear(
                rescaled.voxels,
                Self.values.map { min(max((Double($0) * 2 - 1000 - 999.5) / 1000 + 0.5, 0), 1) * 255 }))
    }

    @Test("A VOI LUT goes before a window, and its ends hold beyond it")
    func lookUp() throws {
        let entries = (0..<1024).map { UInt16(1023 - $0) }
        let shown = try image { (item) throws(DCMTKError) in
            try item.append(Tag(0x0028, 0x3010)) { (lut) throws(DCMTKError) in
                try lut.set(Tag(0x0028, 0x3002), [1024, 1000, 10])
                try lut.set(Tag(0x0028, 0x3006), words: entries)
            }
            try window("1024", "2048")(item)
        }
        #expect(
            isNear(shown.voxels, Self.values.map { Double(entries[min(max($0 - 1000, 0), 1023)]) / 1023 * 255 }))
    }

    @Test(
        "A window that means nothing is refused by its attribute",
        arguments: [
            ("40", "0.5", "LINEAR", "WindowWidth"), ("40", "0", "LINEAR_EXACT", "WindowWidth"),
            ("x", "80", "LINEAR", "WindowCenter"), ("40", "80", "CUBIC", "VOILUTFunction"),
        ])
    func refused(center: String, width: String, function: String, keyword: String) {
        let error = #expect(throws: VolumeRefusal.self) { try image(window(center, width, function)) }
        guard case .invalidAttribute(keyword, _)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }

    @Test("Padding is black, and colours are as they are")
    func others() throws {
        let padded = try image(inverted: true) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0120), 0)
            try window("1024", "2048")(item)
        }
        #expect(padded.voxels[0] == 0 && padded.voxels[1] > 200)
        var image = SmallImage()
        (image.samples, image.photometric, image.frames) = (3, "RGB", [FrameImageTests.byPixel])
        var options = VolumeOptions(kind: .frames()) { _ in }
        options.isDisplayed = true
        let path = try image.write(folder, window("10", "20"))
        #expect(try VoxelVolume.read(paths: [path], options: options).voxels == FrameImageTests.luminance)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Phantoms
import Testing

@testable import Volume

/// Ultrasound and secondary capture.
@Suite struct FrameImageTests {
    let folder: TestFolder

    init() throws { folder = try TestFolder() }

    /// Six pixels: red, green, blue, and mixtures.
    static let colours: [[UInt8]] = [
        [255, 0, 0], [0, 255, 0], [0, 0, 255], [10, 20, 30], [200, 100, 50], [254, 255, 253],
    ]
    static let byPixel: [UInt8] = colours.flatMap { $0 }
    static let byPlane: [UInt8] = (0..<3).flatMap { sample in colours.map { $0[sample] } }
    /// As Pillow 13.0.0 converts them to "L".
    static let luminance: [Float] = [76, 150, 29, 18, 124, 254]

    private func colour(_ change: (inout SmallImage) -> Void = { _ in }) throws -> String {
        var image = SmallImage()
        (image.samples, image.photometric, image.frames) = (3, "RGB", [FrameImageTests.byPixel])
        change(&image)
        return try image.write(folder)
    }

    @Test("8 and 16-bit grey comes as it is, MONOCHROME1 turned round", arguments: [8, 12, 16], [false, true])
    func grey(bits: Int, isInverted: Bool) throws {
        let values = [0, 1, 100, 128, 200, 255]
        var image = SmallImage()
        (image.bits, image.photometric) = (bits, isInverted ? "MONOCHROME1" : "MONOCHROME2")
        image.frames = [values.flatMap { bits == 8 ? [UInt8($0)] : [UInt8($0), 0] }]
        let volume = try folder.read([image.write(folder)], .frames())
        #expect(volume.voxels == values.map { Float(isInverted ? (1 << bits) - 1 - $0 : $0) })
        #expect(volume.placement == .pixels && volume.channels == 1)
    }

    @Test("colour becomes luminance as Pillow has it, or three channels", arguments: [0, 1])
    func rgb(planarConfiguration: Int) throws {
        let path = try colour {
            $0.planarConfiguration = planarConfiguration
            if planarConfiguration == 1 { $0.frames = [FrameImageTests.byPlane] }
        }
        #expect(try folder.read([path], .frames()).voxels == FrameImageTests.luminance)
        let volume = try folder.read([path], .frames(.all, .rgb))
        #expect(volume.channels == 3 && volume.voxels == FrameImageTests.byPlane.map { Float($0) })
        #expect(volume.grid.count == 6 && volume.declared.photometricInterpretation == "RGB")
    }

    @Test(
        "colour comes back from every lossless transfer syntax, whatever the planar configuration says",
        arguments: [PhantomTransferSyntax.rle, .jpegLosslessSV1, .jpegLossless, .jpegLSLossless], [0, 1])
    func lossless(syntax: PhantomTransferSyntax, planarConfiguration: Int) throws {
        let path = try colour { ($0.transferSyntax, $0.sopClassUID) = (syntax, "1.2.840.10008.5.1.4.1.1.6.1") }
        try folder.edit(path) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0006), planarConfiguration)
        }
        let volume = try folder.read([path], .frames(.all, .rgb))
        #expect(volume.voxels == FrameImageTests.byPlane.map { Float($0) })
    }

    @Test("lossy JPEG of luminance and colour differences gives colour again", arguments: ["YBR_FULL", "YBR_FULL_422"])
    func lossy(photometric: String) throws {
        // Large patches, so that the loss is small.
        let pixels = (0..<64 * 48).map { index -> [UInt8] in
            let (row, column) = index.quotientAndRemainder(dividingBy: 64)
            return FrameImageTests.colours[column / 16 + row / 24 * 2]
        }
        let path = try colour {
            ($0.columns, $0.rows, $0.transferSyntax) = (64, 48, .jpegBaseline)
            ($0.photometric, $0.encodedPhotometric) = (photometric, "RGB")
            $0.frames = [pixels.flatMap { $0 }]
        }
        try folder.edit(path) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x2110), "01") }
        let volume = try folder.read([path], .frames(.all, .rgb))
        for channel in 0..<3 {
            // The colour of neighbouring patches is mixed where they meet.
            for (index, pixel) in pixels.enumerated() where (2..<14).contains(index % 16) {
                let difference = abs(volume.voxels[channel * pixels.count + index] - Float(pixel[channel]))
                #expect(difference <= 12, "channel \(channel), pixel \(index)")
            }
        }
        #expect(volume.notes.last == "the images were compressed with loss")
    }

    @Test(
        "luminance and colour differences without JPEG are converted here, as DCMTK does for JPEG",
        arguments: [PhantomTransferSyntax.explicitLittleEndian, .rle, .jpegLSLossless, .jpegLosslessSV1])
    func ybr(syntax: PhantomTransferSyntax) throws {
        // PS3.3 C.7.6.3.1.2, forwards.
        var stored: [UInt8] = []
        for pixel in FrameImageTests.colours {
            let (r, g, b) = (Double(pixel[0]), Double(pixel[1]), Double(pixel[2]))
            let y: Double = 0.299 * r + 0.587 * g + 0.114 * b
            let cb: Double = -0.1687 * r - 0.3313 * g + 0.5 * b + 128
            let cr: Double = 0.5 * r - 0.4187 * g - 0.0813 * b + 128
            for value in [y, cb, cr] { stored.append(UInt8(min(max(value.rounded(), 0), 255))) }
        }
        let path = try colour {
            ($0.photometric, $0.encodedPhotometric) = ("YBR_FULL", "RGB")
            ($0.frames, $0.transferSyntax) = ([stored], syntax)
        }
        let volume = try folder.read([path], .frames(.all, .rgb))
        for (index, value) in FrameImageTests.byPlane.enumerated() {
            #expect(abs(volume.voxels[index] - Float(value)) <= 2, "\(index)")
        }
    }

    @Test("grey is repeated where three channels are asked for") func repeated() throws {
        let volume = try folder.read([SmallImage().write(folder)], .frames(.all, .rgb))
        #expect(volume.channels == 3 && volume.voxels == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 6])
    }

    private func movie() throws -> String {
        var image = SmallImage()
        image.sopClassUID = "1.2.840.10008.5.1.4.1.1.3.1"
        image.frames = (0..<5).map { frame in (0..<6).map { UInt8(10 * frame + $0) } }
        return try image.write(folder)
    }

    @Test(
        "frames are all, the middle one, or those that are named",
        arguments: [
            (.all, [1, 2, 3, 4, 5]), (.middle, [3]), (.numbers([5, 1]), [5, 1]),
        ] as [(VolumeOptions.FrameSelection, [Int])])
    func selection(selection: VolumeOptions.FrameSelection, expected: [Int]) throws {
        let path = try movie()
        let volume = try folder.read([path], .frames(selection))
        #expect(volume.frames.map(\.frameNumber) == expected && volume.grid.slices == expected.count)
        #expect(volume.voxels == expected.flatMap { frame in (0..<6).map { Float(10 * (frame - 1) + $0) } })
        let images = try VoxelVolume.readImages(
            paths: [path], options: VolumeOptions(kind: .frames(selection)) { _ in })
        #expect(images.map { $0.frames[0].frameNumber } == expected && images.allSatisfy { $0.grid.slices == 1 })
    }

    @Test("colour frames lie by channel, then by frame") func colourFrames() throws {
        let path = try colour {
            $0.sopClassUID = "1.2.840.10008.5.1.4.1.1.7.4"
            $0.frames = [FrameImageTests.byPixel, FrameImageTests.byPixel.reversed()]
        }
        let volume = try folder.read([path], .frames(.all, .rgb))
        let first = FrameImageTests.byPlane.map { Float($0) }
        #expect(Array(volume.voxels[0..<6]) == Array(first[0..<6]))
        #expect(Array(volume.voxels[12..<18]) == Array(first[6..<12]))
        #expect(Array(volume.voxels[6..<12]) == first[12..<18].reversed())
    }

    @Test("a frame that is not there is refused", arguments: [0, 6]) func missing(number: Int) throws {
        let path = try movie()
        #expect(
            folder.refusal([path], .frames(.numbers([number])))
                == .noSuchFrame("frame \(number) is asked for; there are 5"))
    }

    @Test("single frames become one stack in the order of Instance Number; sizes must agree") func series() throws {
        var paths: [String] = []
        for number in [2, 1, 3] {
            var image = SmallImage()
            (image.instanceNumber, image.sopInstanceUID) = (number, "1.2.3.\(9 - number)")
            image.frames = [(0..<6).map { UInt8(number * 10 + $0) }]
            paths.append(try image.write(folder))
        }
        #expect(
            try folder.read(paths, .frames()).voxels.map { Int($0) / 10 }
                == [1, 2, 3].flatMap { Array(repeating: $0, count: 6) })
        var other = SmallImage()
        (other.columns, other.rows, other.sopInstanceUID) = (2, 3, "1.2.3.99")
        #expect(folder.refusal(paths + [try other.write(folder)], .frames()) == .mixedSize)
    }

    /// What a file says that makes it no plain picture.
    struct Odd: Sendable {
        var photometric = "MONOCHROME2"
        var samples = 1
        var bits = 8
        var sopClassUID = "1.2.840.10008.5.1.4.1.1.7"
        var what: String
    }

    @Test(
        "what is no plain picture is refused by name",
        arguments: [
            Odd(photometric: "PALETTE COLOR", what: "photometric interpretation PALETTE COLOR"),
            Odd(
                photometric: "YBR_FULL_422", samples: 3,
                what: "photometric interpretation YBR_FULL_422 without compression"),
            Odd(photometric: "HSV", samples: 3, what: "photometric interpretation HSV"),
            Odd(photometric: "RGB", samples: 3, bits: 16, what: "colour of 16 bits"),
            Odd(sopClassUID: "1.2.840.10008.5.1.4.1.1.77.1.4", what: "SOP class 1.2.840.10008.5.1.4.1.1.77.1.4"),
        ])
    func refused(odd: Odd) throws {
        var image = SmallImage()
        (image.photometric, image.samples, image.bits) = (odd.photometric, odd.samples, odd.bits)
        image.sopClassUID = odd.sopClassUID
        image.frames = [[UInt8](repeating: 1, count: 6 * odd.samples * odd.bits / 8)]
        #expect(folder.refusal([try image.write(folder)], .frames()) == .unsupported(odd.what, UID(literal: "1.2.3.4")))
    }

    @Test("Pixel Data of fewer frames than the header says is refused") func short() throws {
        let path = try movie()
        try folder.edit(path) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0008), "6") }
        #expect(folder.refusal([path], .frames()) == .shortPixelData(UID(literal: "1.2.3.4")))
    }

    @Test("more pixels than the limit are refused before they are decoded") func limit() throws {
        let path = try movie()
        var options = VolumeOptions(kind: .frames(.all, .rgb)) { _ in }
        options.maximumVoxels = 89
        #expect(throws: VolumeRefusal.tooLarge(voxels: 90, limit: 89)) {
            try VoxelVolume.read(paths: [path], options: options)
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Whether two files hold the same picture, however it is encoded.
package enum PixelComparison {
    /// True where both decode to the same samples in every frame. Files that cannot be decoded throw; photometric
    /// interpretations that differ once decoded are not the same picture. Thread: blocks.
    package static func samePixels(
        _ pathA: String, _ pathB: String, admit: (String) throws -> Void
    ) throws(VolumeRefusal) -> Bool {
        for path in [pathA, pathB] {
            do { try admit(path) } catch { throw .unreadable(path: path, reason: "\(error)") }
        }
        let a = try PixelSource(path: pathA)
        let b = try PixelSource(path: pathB)
        guard a.image.isComparable(with: b.image) else { return false }
        for frame in 0..<a.image.frames {
            guard try a.samples(frame: frame) == b.samples(frame: frame) else { return false }
        }
        return true
    }
}

extension ImageDescription {
    fileprivate func isComparable(with other: ImageDescription) -> Bool {
        format.rows == other.format.rows && format.columns == other.format.columns && frames == other.frames
            && format.samplesPerPixel == other.format.samplesPerPixel && format.bitsStored == other.format.bitsStored
            && format.isSigned == other.format.isSigned && decodedPhotometric == other.decodedPhotometric
    }

    /// The photometric interpretation once decoded: JPEG and JPEG 2000 give red, green and blue whatever the stream has.
    private var decodedPhotometric: String {
        switch (format.photometricInterpretation, transferSyntaxUID.string) {
        case ("YBR_RCT", _), ("YBR_ICT", _): "RGB"
        case ("YBR_FULL", "1.2.840.10008.1.2.4.50"), ("YBR_FULL_422", "1.2.840.10008.1.2.4.50"): "RGB"
        default: format.photometricInterpretation
        }
    }
}

extension PixelSource {
    /// The samples of a frame, by pixel, without unused bits.
    fileprivate borrowing func samples(frame: Int) throws(VolumeRefusal) -> [UInt16] {
        let image = image
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: image.frameLength, alignment: 8)
        defer { buffer.deallocate() }
        let width = try decode(frame: frame, into: buffer)
        let components = image.format.samplesPerPixel
        let pixels = image.format.rows * image.format.columns
        // Decoders give colour by pixel; native Pixel Data has it as Planar Configuration says.
        let isByPlane = components > 1 && image.format.planarConfiguration == 1 && image.isNative
        let shift = image.highBit + 1 - image.format.bitsStored
        let mask = UInt16((1 << image.format.bitsStored) - 1)
        let words = buffer.bindMemory(to: UInt16.self)
        return [UInt16](unsafeUninitializedCapacity: pixels * components) { samples, count in
            for index in 0..<pixels * components {
                let (pixel, component) = index.quotientAndRemainder(dividingBy: components)
                let at = isByPlane ? component * pixels + pixel : index
                samples[index] = (width == 8 ? UInt16(buffer[at]) : words[at]) >> shift & mask
            }
            count = pixels * components
        }
    }
}

extension ImageDescription {
    fileprivate var isNative: Bool {
        if case .native = layout { true } else { false }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// How three samples of 8 bits become luminance or red, green and blue.
struct ColourTransform: Hashable, Sendable {
    /// Luminance and colour differences, as decoded.
    var isYBR: Bool
    /// All of one sample, then all of the next.
    var isByPlane: Bool

    init(of image: ImageDescription) throws(VolumeRefusal) {
        let uid = image.sopInstanceUID
        guard image.format.bitsAllocated == 8, image.format.bitsStored == 8, !image.format.isSigned else {
            throw .unsupported("colour of \(image.format.bitsStored) bits", uid)
        }
        var isNative = false
        if case .native = image.layout { isNative = true }
        isByPlane = isNative && image.format.planarConfiguration == 1
        switch image.format.photometricInterpretation {
        case "RGB": isYBR = false
        // The transforms of JPEG 2000, undone by its decoder.
        case "YBR_RCT", "YBR_ICT": isYBR = false
        case "YBR_FULL", "YBR_FULL_422":
            // DCMTK's JPEG decoders give red, green and blue for these; all others leave them.
            isYBR = ![
                "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57",
                "1.2.840.10008.1.2.4.70",
            ].contains(image.transferSyntaxUID.string)
        case let other: throw .unsupported("photometric interpretation \(other)", uid)
        }
    }

    /// Values 0 to 255 into one channel of luminance or three of red, green and blue.
    func write(
        _ bytes: UnsafeRawBufferPointer, pixels: Int, channels: Int,
        target: (Int) -> UnsafeMutableBufferPointer<Float>
    ) {
        let planes = (0..<channels).map(target)
        let (stride, step) = isByPlane ? (1, pixels) : (3, 1)
        for pixel in 0..<pixels {
            let at = pixel * stride
            var (r, g, b) = (Int(bytes[at]), Int(bytes[at + step]), Int(bytes[at + 2 * step]))
            if isYBR { (r, g, b) = ColourTransform.rgb(y: r, cb: g, cr: b) }
            if channels == 3 {
                (planes[0][pixel], planes[1][pixel], planes[2][pixel]) = (Float(r), Float(g), Float(b))
            } else {
                planes[0][pixel] = Float(ColourTransform.luminance(r, g, b))
            }
        }
    }

    /// BT.601 in 16-bit fixed point, rounded, as Pillow's convert("L") has it (Convert.c, L24).
    static func luminance(_ r: Int, _ g: Int, _ b: Int) -> Int { (r * 19_595 + g * 38_470 + b * 7_471 + 0x8000) >> 16 }

    /// The inverse of YBR_FULL (PS3.3 C.7.6.3.1.2), rounded and cut to 0 … 255.
    static func rgb(y: Int, cb: Int, cr: Int) -> (Int, Int, Int) {
        let (y, u, v) = (Double(y), Double(cb - 128), Double(cr - 128))
        func byte(_ value: Double) -> Int { Int(min(max(value.rounded(), 0), 255)) }
        return (byte(y + 1.402 * v), byte(y - 0.344136 * u - 0.714136 * v), byte(y + 1.772 * u))
    }
}

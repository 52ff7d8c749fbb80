// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One encoded frame to native samples. Each stream's own header is compared with the data set before a library sees
/// the stream, so that no size from outside is believed twice.
enum FrameDecoder {
    /// Gives the width of the samples in `buffer`, 8 or 16 bits.
    static func decode(
        _ stream: [UInt8], of image: ImageDescription, into buffer: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        guard stream.count > 4 else { throw FrameDefect("the frame is empty") }
        switch image.transferSyntaxUID.string {
        case "1.2.840.10008.1.2.5":
            try RLEFrame.decode(stream, format: image.format, into: buffer)
            return image.format.bitsAllocated
        case "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70":
            return try decodeWithDCMTK(stream, header: JPEGHeader(stream), isJPEGLS: false, image, into: buffer)
        case "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81":
            return try decodeWithDCMTK(stream, header: JPEGHeader(stream), isJPEGLS: true, image, into: buffer)
        case "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91":
            try JPEG2000Frame.decode(stream, format: image.format, into: buffer)
            return image.format.bitsAllocated
        default:
            throw FrameDefect("transfer syntax \(image.transferSyntaxUID) has no decoder here")
        }
    }

    private static func decodeWithDCMTK(
        _ stream: [UInt8], header: JPEGHeader, isJPEGLS: Bool, _ image: ImageDescription,
        into buffer: UnsafeMutableRawBufferPointer
    ) throws -> Int {
        guard (header.process == .jpegLS) == isJPEGLS else {
            throw FrameDefect("the stream is of another process than the transfer syntax")
        }
        guard header.rows == image.format.rows, header.columns == image.format.columns,
            header.components == image.format.samplesPerPixel
        else { throw FrameDefect("the stream has another size than the data set says") }
        var format = image.format
        format.bitsAllocated = header.precision > 8 ? 16 : 8
        format.bitsStored = header.precision
        // Colour by pixel, whatever the data set says: DCMTK's JPEG decoders would follow it, its others do not.
        format.planarConfiguration = 0
        guard let length = format.byteCount, length <= buffer.count else {
            throw FrameDefect("the stream has \(header.precision) bits a sample, more than BitsAllocated")
        }
        let warnings = try stream.withUnsafeBytes { bytes in
            try FrameCodec.decode(
                bytes, transferSyntaxUID: image.transferSyntaxUID, format: format,
                into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<length]))
        }
        guard warnings == 0 else { throw FrameDefect("the stream is damaged") }
        return format.bitsAllocated
    }
}

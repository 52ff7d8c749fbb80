// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK
import DICOM
import Glibc

/// What a codec must know of a frame (PS3.3 C.7.6.3).
package struct FrameFormat: Hashable, Sendable {
    package var rows: Int
    package var columns: Int
    package var samplesPerPixel: Int
    /// 8 or 16.
    package var bitsAllocated: Int
    package var bitsStored: Int
    package var isSigned: Bool
    package var planarConfiguration: Int
    package var photometricInterpretation: String

    package init(
        rows: Int, columns: Int, samplesPerPixel: Int = 1, bitsAllocated: Int, bitsStored: Int, isSigned: Bool,
        planarConfiguration: Int = 0, photometricInterpretation: String = "MONOCHROME2"
    ) {
        self.rows = rows
        self.columns = columns
        self.samplesPerPixel = samplesPerPixel
        self.bitsAllocated = bitsAllocated
        self.bitsStored = bitsStored
        self.isSigned = isSigned
        self.planarConfiguration = planarConfiguration
        self.photometricInterpretation = photometricInterpretation
    }

    /// Bytes of one native frame; nil where the product does not fit or a part of it is not positive.
    package var byteCount: Int? {
        guard rows > 0, columns > 0, samplesPerPixel > 0, bitsAllocated == 8 || bitsAllocated == 16 else { return nil }
        var product = bitsAllocated / 8
        for factor in [rows, columns, samplesPerPixel] {
            let (next, overflow) = product.multipliedReportingOverflow(by: factor)
            guard !overflow else { return nil }
            product = next
        }
        return product
    }

    func withC<R>(_ body: (cdcmtk_frame_format) -> R) -> R {
        photometricInterpretation.withCString { photometric in
            body(
                cdcmtk_frame_format(
                    rows: UInt16(clamping: rows), columns: UInt16(clamping: columns),
                    samples_per_pixel: UInt16(clamping: samplesPerPixel),
                    bits_allocated: UInt16(clamping: bitsAllocated),
                    bits_stored: UInt16(clamping: bitsStored), pixel_representation: isSigned ? 1 : 0,
                    planar_configuration: UInt16(clamping: planarConfiguration), photometric_interpretation: photometric
                ))
        }
    }
}

/// DCMTK's codecs as functions from bytes to bytes. Thread: any, several at once.
package enum FrameCodec {
    /// Decodes one frame of a JPEG or JPEG-LS transfer syntax into `frame`, which has exactly the native size.
    /// The caller has compared the stream's own header with `format`.
    /// Gives the number of defects that the decoder went on over.
    package static func decode(
        _ stream: UnsafeRawBufferPointer, transferSyntaxUID: UID, format: FrameFormat,
        into frame: UnsafeMutableRawBufferPointer
    ) throws(DCMTKError) -> Int {
        guard let source = stream.bindMemory(to: UInt8.self).baseAddress,
            let target = frame.bindMemory(to: UInt8.self).baseAddress
        else { preconditionFailure("empty buffers are refused before decoding") }
        var warnings: UInt32 = 0
        let condition = format.withC {
            cdcmtk_frame_decode(
                transferSyntaxUID.string, $0, source, stream.count, target, frame.count, &warnings)
        }
        try DCMTKError.check(condition, "decoding a frame of \(transferSyntaxUID)")
        return Int(warnings)
    }

    /// Encodes one native frame in an RLE, JPEG or JPEG-LS transfer syntax.
    package static func encode(
        _ native: [UInt8], transferSyntaxUID: UID, format: FrameFormat
    ) throws(DCMTKError) -> [UInt8] {
        var stream: UnsafeMutablePointer<UInt8>?
        var length = 0
        let condition = format.withC {
            cdcmtk_frame_encode(transferSyntaxUID.string, $0, native, native.count, &stream, &length)
        }
        try DCMTKError.check(condition, "encoding a frame of \(transferSyntaxUID)")
        guard let stream else { preconditionFailure("a good condition comes with a stream") }
        defer { free(stream) }
        return Array(UnsafeBufferPointer(start: stream, count: length))
    }
}

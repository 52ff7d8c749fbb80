// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Puts frames into Pixel Data, encoded as the transfer syntax asks.
struct PhantomEncoder {
    var transferSyntax: PhantomTransferSyntax
    var format: FrameFormat

    /// One native frame, encoded; the frame itself where the transfer syntax is native.
    func encode(_ native: [UInt8]) throws(PhantomError) -> [UInt8] {
        do {
            switch transferSyntax {
            case .implicitLittleEndian, .explicitLittleEndian, .explicitBigEndian, .deflated: return native
            case .jpeg2000Lossless: return try JPEG2000Encoder.encode(native, format: format, ratio: nil)
            case .jpeg2000: return try JPEG2000Encoder.encode(native, format: format, ratio: 4)
            case .rle, .jpegBaseline, .jpegExtended, .jpegLossless, .jpegLosslessSV1, .jpegLSLossless,
                .jpegLSNearLossless:
                return try FrameCodec.encode(native, transferSyntaxUID: transferSyntax.uid, format: format)
            }
        } catch let error as PhantomError {
            throw error
        } catch {
            throw .encoding("\(error)")
        }
    }

    /// Sets Pixel Data and what says how it was compressed (PS3.3 C.7.6.1).
    func set(_ frames: [[UInt8]], on item: Item) throws(DCMTKError) {
        if transferSyntax.isEncapsulated {
            try item.setPixelFrames(frames, transferSyntaxUID: transferSyntax.uid)
        } else if format.bitsAllocated == 8 {
            try item.set(.pixelData, bytes: frames.flatMap { $0 })
        } else {
            var words: [UInt16] = []
            words.reserveCapacity(frames.reduce(0) { $0 + $1.count } / 2)
            for frame in frames { frame.withUnsafeBytes { words += $0.bindMemory(to: UInt16.self) } }
            try item.set(.pixelData, words: words)
        }
        guard let method = transferSyntax.lossyMethod else { return try item.set(.lossyImageCompression, "00") }
        let native = frames.count * (format.byteCount ?? 0)
        let encoded = frames.reduce(0) { $0 + $1.count }
        try item.set(.lossyImageCompression, "01")
        try item.set(.lossyImageCompressionRatio, decimal((Double(native) / Double(encoded) * 100).rounded() / 100))
        try item.set(.lossyImageCompressionMethod, method)
    }
}

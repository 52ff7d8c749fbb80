// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import COpenJPEG
import DCMTK

/// JPEG 2000 code streams (PS3.5 A.4.4), through OpenJPEG.
enum JPEG2000Frame {
    /// Decodes into interleaved little endian samples. `buffer` has exactly the native size.
    static func decode(
        _ stream: [UInt8], format: FrameFormat, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FrameDefect) {
        let stream = try JPEG2000Structure.checked(stream, format: format)
        guard let codec = opj_create_decompress(OPJ_CODEC_J2K) else { throw FrameDefect("no memory") }
        defer { opj_destroy_codec(codec) }
        var parameters = opj_dparameters_t()
        opj_set_default_decoder_parameters(&parameters)
        guard opj_setup_decoder(codec, &parameters) == 1, opj_decoder_set_strict_mode(codec, 1) == 1 else {
            throw FrameDefect("OpenJPEG does not start")
        }
        let source = ByteSource(stream)
        guard let input = opj_stream_create(1 << 16, 1) else { throw FrameDefect("no memory") }
        defer { opj_stream_destroy(input) }
        // The stream holds no reference; `source` is kept alive around its use below.
        opj_stream_set_user_data(input, Unmanaged.passUnretained(source).toOpaque(), nil)
        opj_stream_set_user_data_length(input, UInt64(stream.count))
        opj_stream_set_read_function(input) { target, count, user in
            guard let target, let user else { return OPJ_SIZE_T.max }
            return Unmanaged<ByteSource>.fromOpaque(user).takeUnretainedValue().read(target, Int(count))
        }
        opj_stream_set_skip_function(input) { count, user in
            guard let user else { return -1 }
            return Unmanaged<ByteSource>.fromOpaque(user).takeUnretainedValue().skip(Int(count))
        }
        opj_stream_set_seek_function(input) { position, user in
            guard let user else { return 0 }
            return Unmanaged<ByteSource>.fromOpaque(user).takeUnretainedValue().seek(Int(position)) ? 1 : 0
        }
        var image: UnsafeMutablePointer<opj_image_t>?
        defer { opj_image_destroy(image) }
        let isDecoded = withExtendedLifetime(source) {
            opj_read_header(input, codec, &image) == 1 && opj_decode(codec, input, image) == 1
                && opj_end_decompress(codec, input) == 1
        }
        guard isDecoded, let image else { throw FrameDefect("the JPEG 2000 stream is damaged") }
        try copy(image.pointee, format: format, into: buffer)
    }

    private static func copy(
        _ image: opj_image_t, format: FrameFormat, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FrameDefect) {
        let samples = format.samplesPerPixel
        let pixels = format.rows * format.columns
        guard Int(image.numcomps) == samples, let components = image.comps else {
            throw FrameDefect("the JPEG 2000 stream has \(image.numcomps) components")
        }
        for sample in 0..<samples {
            let component = components[sample]
            guard Int(component.w) == format.columns, Int(component.h) == format.rows, let data = component.data else {
                throw FrameDefect("a JPEG 2000 component has another size than the image")
            }
            if format.bitsAllocated == 8 {
                for pixel in 0..<pixels { buffer[pixel * samples + sample] = UInt8(truncatingIfNeeded: data[pixel]) }
            } else {
                for pixel in 0..<pixels {
                    buffer.storeBytes(
                        of: UInt16(truncatingIfNeeded: data[pixel]), toByteOffset: (pixel * samples + sample) * 2,
                        as: UInt16.self)
                }
            }
        }
    }
}

/// Bytes as the file that OpenJPEG reads.
private final class ByteSource {
    private let bytes: [UInt8]
    private var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func read(_ target: UnsafeMutableRawPointer, _ count: Int) -> OPJ_SIZE_T {
        let available = min(count, bytes.count - position)
        // OpenJPEG's sign for the end of the stream.
        guard available > 0 else { return OPJ_SIZE_T.max }
        bytes.withUnsafeBytes { target.copyMemory(from: $0.baseAddress! + position, byteCount: available) }
        position += available
        return OPJ_SIZE_T(available)
    }

    func skip(_ count: Int) -> OPJ_OFF_T {
        guard count >= 0, position < bytes.count else { return -1 }
        let skipped = min(count, bytes.count - position)
        position += skipped
        return OPJ_OFF_T(skipped)
    }

    func seek(_ target: Int) -> Bool {
        guard (0...bytes.count).contains(target) else { return false }
        position = target
        return true
    }
}

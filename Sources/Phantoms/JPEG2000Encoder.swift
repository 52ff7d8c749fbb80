// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import COpenJPEG
import DCMTK

/// Encodes single frames as JPEG 2000 code streams (PS3.5 A.4.4), which DCMTK cannot.
enum JPEG2000Encoder {
    /// Lossless where `ratio` is nil, else compressed to about one part in `ratio`.
    static func encode(_ native: [UInt8], format: FrameFormat, ratio: Float?) throws(PhantomError) -> [UInt8] {
        var component = opj_image_cmptparm_t()
        (component.dx, component.dy) = (1, 1)
        (component.w, component.h) = (UInt32(format.columns), UInt32(format.rows))
        (component.prec, component.bpp) = (UInt32(format.bitsStored), UInt32(format.bitsStored))
        component.sgnd = format.isSigned ? 1 : 0
        guard let image = opj_image_create(1, &component, OPJ_CLRSPC_GRAY) else { throw .encoding("no memory") }
        defer { opj_image_destroy(image) }
        (image.pointee.x1, image.pointee.y1) = (UInt32(format.columns), UInt32(format.rows))
        guard let samples = image.pointee.comps.pointee.data else { throw .encoding("no memory") }
        native.withUnsafeBytes { bytes in
            for index in 0..<format.columns * format.rows {
                if format.bitsAllocated == 8 {
                    samples[index] = Int32(bytes[index])
                } else {
                    let word = bytes.loadUnaligned(fromByteOffset: index * 2, as: UInt16.self)
                    samples[index] = format.isSigned ? Int32(Int16(bitPattern: word)) : Int32(word)
                }
            }
        }
        var parameters = opj_cparameters_t()
        opj_set_default_encoder_parameters(&parameters)
        parameters.tcp_numlayers = 1
        parameters.cp_disto_alloc = 1
        parameters.tcp_rates.0 = ratio ?? 0
        parameters.irreversible = ratio == nil ? 0 : 1
        // Each resolution halves the sides; a small frame has room for few.
        var resolutions: Int32 = 1
        while resolutions < 6, min(format.columns, format.rows) >> Int(resolutions) > 0 { resolutions += 1 }
        parameters.numresolution = resolutions
        guard let codec = opj_create_compress(OPJ_CODEC_J2K) else { throw .encoding("no memory") }
        defer { opj_destroy_codec(codec) }
        guard opj_setup_encoder(codec, &parameters, image) == 1 else { throw .encoding("JPEG 2000 refuses the frame") }

        let sink = ByteSink()
        guard let stream = opj_stream_create(1 << 20, 0) else { throw .encoding("no memory") }
        defer { opj_stream_destroy(stream) }
        // The stream holds no reference; `sink` outlives it in this scope.
        opj_stream_set_user_data(stream, Unmanaged.passUnretained(sink).toOpaque(), nil)
        opj_stream_set_write_function(stream) { bytes, count, user in
            guard let bytes, let user else { return OPJ_SIZE_T.max }
            Unmanaged<ByteSink>.fromOpaque(user).takeUnretainedValue().write(
                UnsafeRawBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        opj_stream_set_skip_function(stream) { count, user in
            guard let user, count >= 0 else { return -1 }
            Unmanaged<ByteSink>.fromOpaque(user).takeUnretainedValue().position += Int(count)
            return count
        }
        opj_stream_set_seek_function(stream) { position, user in
            guard let user, position >= 0 else { return 0 }
            Unmanaged<ByteSink>.fromOpaque(user).takeUnretainedValue().position = Int(position)
            return 1
        }
        let isDone = withExtendedLifetime(sink) {
            opj_start_compress(codec, image, stream) == 1 && opj_encode(codec, stream) == 1
                && opj_end_compress(codec, stream) == 1
        }
        guard isDone, !sink.bytes.isEmpty else { throw .encoding("JPEG 2000 failed") }
        return sink.bytes
    }
}

/// A growing file in memory.
private final class ByteSink {
    var bytes: [UInt8] = []
    var position = 0

    func write(_ chunk: UnsafeRawBufferPointer) {
        let end = position + chunk.count
        if end > bytes.count { bytes.append(contentsOf: repeatElement(0, count: end - bytes.count)) }
        bytes.replaceSubrange(position..<end, with: chunk)
        position = end
    }
}

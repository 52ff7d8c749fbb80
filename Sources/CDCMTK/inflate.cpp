// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "cdcmtk_inflate.h"

#include <algorithm>
#include <climits>
#include <new>
#include <zlib.h>

struct cdcmtk_inflater {
    z_stream stream{};
};

cdcmtk_inflater *cdcmtk_inflater_create(void) {
    auto *inflater = new (std::nothrow) cdcmtk_inflater;
    if (!inflater) return nullptr;
    // A negative window says that there is no zlib header.
    if (inflateInit2(&inflater->stream, -MAX_WBITS) == Z_OK) return inflater;
    delete inflater;
    return nullptr;
}

void cdcmtk_inflater_destroy(cdcmtk_inflater *inflater) {
    inflateEnd(&inflater->stream);
    delete inflater;
}

cdcmtk_inflate cdcmtk_inflater_run(
    cdcmtk_inflater *inflater, const uint8_t *input, size_t input_length, size_t *taken, uint8_t *output,
    size_t output_length, size_t *written) {
    z_stream &stream = inflater->stream;
    const uInt in = static_cast<uInt>(std::min<size_t>(input_length, UINT_MAX));
    const uInt out = static_cast<uInt>(std::min<size_t>(output_length, UINT_MAX));
    stream.next_in = const_cast<Bytef *>(input);
    stream.avail_in = in;
    stream.next_out = output;
    stream.avail_out = out;
    const int result = inflate(&stream, Z_NO_FLUSH);
    *taken = in - stream.avail_in;
    *written = out - stream.avail_out;
    stream.next_in = nullptr;
    stream.next_out = nullptr;
    switch (result) {
    case Z_STREAM_END: return CDCMTK_INFLATE_ENDED;
    case Z_OK:
        return stream.avail_out == 0 || *taken < input_length ? CDCMTK_INFLATE_NEEDS_ROOM : CDCMTK_INFLATE_NEEDS_INPUT;
    // No progress was possible, which is no error.
    case Z_BUF_ERROR: return stream.avail_out == 0 ? CDCMTK_INFLATE_NEEDS_ROOM : CDCMTK_INFLATE_NEEDS_INPUT;
    default: return CDCMTK_INFLATE_DAMAGED;
    }
}

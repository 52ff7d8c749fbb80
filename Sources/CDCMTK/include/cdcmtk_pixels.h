// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_condition.h"
#include "cdcmtk_dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/// What a codec must know of a frame. Samples are little endian.
typedef struct cdcmtk_frame_format {
    uint16_t rows;
    uint16_t columns;
    uint16_t samples_per_pixel;
    uint16_t bits_allocated;
    uint16_t bits_stored;
    uint16_t pixel_representation;
    uint16_t planar_configuration;
    const char *_Nonnull photometric_interpretation;
} cdcmtk_frame_format;

/// Decodes one frame, given as one bit stream, of a JPEG or JPEG-LS transfer syntax (a UID).
/// The caller has compared the stream's own header with `format`: its `bits_allocated` is the width that the stream
/// decodes to, and `capacity` must be rows × columns × samples × that width. `warnings` counts what the decoder found
/// wrong and went on over: such a frame is not trusted.
/// Thread: any, several at once.
cdcmtk_condition cdcmtk_frame_decode(
    const char *_Nonnull transfer_syntax, cdcmtk_frame_format format, const uint8_t *_Nonnull stream,
    size_t stream_length, uint8_t *_Nonnull buffer, size_t capacity, uint32_t *_Nonnull warnings);

/// Encodes one native frame in an RLE, JPEG or JPEG-LS transfer syntax (a UID).
/// Ownership: `*stream` is the caller's, for free(). Thread: any, several at once.
cdcmtk_condition cdcmtk_frame_encode(
    const char *_Nonnull transfer_syntax, cdcmtk_frame_format format, const uint8_t *_Nonnull native, size_t length,
    uint8_t *_Nullable *_Nonnull stream, size_t *_Nonnull stream_length);

/// What lies under Pixel Data.
typedef struct cdcmtk_pixel_layout {
    bool is_encapsulated;
    /// Bytes of native Pixel Data; 0 where encapsulated.
    uint64_t native_length;
    /// Items of the encapsulated form, the Basic Offset Table among them as number 0; 0 where native.
    size_t item_count;
} cdcmtk_pixel_layout;

/// False where there is no Pixel Data.
bool cdcmtk_pixels_layout(cdcmtk_item *_Nonnull item, cdcmtk_pixel_layout *_Nonnull layout);
/// Length of an item of the encapsulated form; 0 where there is none.
size_t cdcmtk_pixels_item_length(cdcmtk_item *_Nonnull item, size_t index);
cdcmtk_condition cdcmtk_pixels_copy_item(
    cdcmtk_item *_Nonnull item, size_t index, uint8_t *_Nonnull buffer, size_t length);
/// Copies part of native Pixel Data, in little endian byte order whatever the file has.
cdcmtk_condition cdcmtk_pixels_copy_native(
    cdcmtk_item *_Nonnull item, uint32_t offset, uint8_t *_Nonnull buffer, uint32_t length);

/// Sets encapsulated Pixel Data of `transfer_syntax`, one fragment a frame, with a Basic Offset Table.
/// Ownership: the streams are copied.
cdcmtk_condition cdcmtk_pixels_set_frames(
    cdcmtk_item *_Nonnull item, const char *_Nonnull transfer_syntax, const uint8_t *_Nonnull const *_Nonnull streams,
    const size_t *_Nonnull lengths, size_t count);

#ifdef __cplusplus
}
#endif

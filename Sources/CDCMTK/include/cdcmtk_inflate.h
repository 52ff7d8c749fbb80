// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Inflates one raw deflate stream (RFC 1951, PS3.5 A.5), as DCMTK's own input filter does.
typedef struct cdcmtk_inflater cdcmtk_inflater;

/// NULL where memory is short. Ownership: the caller's, for cdcmtk_inflater_destroy. Thread: any.
cdcmtk_inflater *_Nullable cdcmtk_inflater_create(void);
void cdcmtk_inflater_destroy(cdcmtk_inflater *_Nonnull inflater);

typedef enum cdcmtk_inflate {
    /// All input was taken and what it gave was written.
    CDCMTK_INFLATE_NEEDS_INPUT,
    /// The output is full; call again with the rest of the input.
    CDCMTK_INFLATE_NEEDS_ROOM,
    /// The stream ended; the rest of the input is none of it.
    CDCMTK_INFLATE_ENDED,
    CDCMTK_INFLATE_DAMAGED,
} cdcmtk_inflate;

/// Takes from `input` and writes to `output`; says how many bytes of each.
/// Ownership: both are the caller's and not kept. Thread: one at a time.
cdcmtk_inflate cdcmtk_inflater_run(
    cdcmtk_inflater *_Nonnull inflater, const uint8_t *_Nullable input, size_t input_length, size_t *_Nonnull taken,
    uint8_t *_Nonnull output, size_t output_length, size_t *_Nonnull written);

#ifdef __cplusplus
}
#endif

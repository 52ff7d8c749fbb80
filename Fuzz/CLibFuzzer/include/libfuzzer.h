// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stddef.h>
#include <stdint.h>

/// libFuzzer's own loop: takes its options and corpus directories from the arguments, and calls `run` with input after input.
/// Ownership: the arguments stay the caller's; the bytes are libFuzzer's, during the call. Thread: one.
int LLVMFuzzerRunDriver(
    int *_Nonnull argc, char *_Nullable *_Nonnull *_Nonnull argv,
    int (*_Nonnull run)(const uint8_t *_Nullable bytes, size_t count));

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// A copy of DCMTK's OFCondition, so that no C++ object crosses.
typedef struct cdcmtk_condition {
    bool good;
    uint16_t module;
    uint16_t code;
    /// Zero-terminated, cut to fit.
    char text[240];
} cdcmtk_condition;

#ifdef __cplusplus
}
#endif

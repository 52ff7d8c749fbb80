// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_dataset.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The item of a sequence after `previous`, the first one after NULL; NULL at the end. Unlike access by position, a walk
/// takes time in proportion to the number of items. The sequence must not change meanwhile.
/// Ownership: the data set's. Thread: one per data set.
cdcmtk_item *_Nullable cdcmtk_item_next_child(
    cdcmtk_item *_Nonnull item, uint16_t group, uint16_t element, cdcmtk_item *_Nullable previous);

#ifdef __cplusplus
}
#endif

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "cdcmtk_sequence.h"
#include "dataset.h"

cdcmtk_item *cdcmtk_item_next_child(cdcmtk_item *item, uint16_t group, uint16_t element, cdcmtk_item *previous) {
    DcmSequenceOfItems *sequence = nullptr;
    if (cdcmtk_unwrap(item).findAndGetSequence(DcmTagKey(group, element), sequence).bad() || !sequence) return nullptr;
    return cdcmtk_wrap(static_cast<DcmItem *>(
        sequence->nextInContainer(previous ? &cdcmtk_unwrap(previous) : nullptr)));
}

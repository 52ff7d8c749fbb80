// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_dataset.h"

#include "condition.h"

#include <dcmtk/dcmdata/dctk.h>

struct cdcmtk_dataset {
    DcmFileFormat file;
};

inline DcmItem &cdcmtk_unwrap(cdcmtk_item *item) { return *reinterpret_cast<DcmItem *>(item); }
inline cdcmtk_item *cdcmtk_wrap(DcmItem *item) { return reinterpret_cast<cdcmtk_item *>(item); }

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_condition.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/ofstd/ofcond.h>

#include <cstdio>
#include <exception>

inline cdcmtk_condition cdcmtk_good() { return cdcmtk_condition{true, 0, 0, {0}}; }

inline cdcmtk_condition cdcmtk_failed(const char *text) {
    cdcmtk_condition condition{false, 0xFFFF, 0, {0}};
    snprintf(condition.text, sizeof condition.text, "%s", text);
    return condition;
}

inline cdcmtk_condition cdcmtk_copy(const OFCondition &from) {
    cdcmtk_condition condition{from.good(), from.module(), from.code(), {0}};
    snprintf(condition.text, sizeof condition.text, "%s", from.text());
    return condition;
}

/// Runs `body`, which returns a cdcmtk_condition; no exception crosses into C.
template <typename Body> cdcmtk_condition cdcmtk_guard(Body body) {
    try {
        return body();
    } catch (const std::exception &error) {
        return cdcmtk_failed(error.what());
    } catch (...) {
        return cdcmtk_failed("unknown C++ exception");
    }
}

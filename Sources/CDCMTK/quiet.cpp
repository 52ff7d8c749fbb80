// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/oflog.h>

namespace {

/// DCMTK's own log goes nowhere, from the start of the program: it writes values of attributes, patient data among them
/// (decision 18). What matters comes back as conditions.
const bool is_quiet = [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    return true;
}();

} // namespace

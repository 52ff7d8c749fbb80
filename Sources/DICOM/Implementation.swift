// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// How this implementation names itself: in association negotiation (PS3.7 D.3.3.2) and in file meta information
/// (PS3.10 7.1).
package enum Implementation {
    /// Derived from a UUID (PS3.5 B.2), fixed once and for all.
    package static let classUID = UID(literal: "2.25.105626814504646185048732547599916131666")
    package static let versionName = "TRIAGED_0"
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What became of every field of upstream's description. Written beside the manifest, for machines and for people.
package struct ImportReport: Sendable, Equatable {
    package enum Fate: String, Sendable, CaseIterable {
        /// It is in the manifest, or checked against it.
        case used
        /// It has no effect on a result, or none here.
        case ignored
        /// Another value stands in its place: --set, or a rule that the reason names.
        case overridden
        /// The import failed because of it.
        case refused
        /// Upstream does not say it, and the importer had to choose.
        case assumed
    }

    package struct Field: Sendable, Equatable {
        package var file: String
        package var path: String
        package var fate: Fate
        package var value: String
        package var why: String
    }

    package struct Source: Sendable, Equatable {
        package var file: String
        package var sha256: String
    }

    package var kind: String
    package var title: String
    package var fields: [Field] = []
    package var warnings: [String] = []
    package var sources: [Source] = []

    package func count(_ fate: Fate) -> Int { fields.count { $0.fate == fate } }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// The schema's history. Files are only ever appended: what a released binary applied is never edited.
package enum Migrations {
    /// In the order in which they are applied; the position, from 1, is the database's `user_version`.
    package static var all: [String] {
        [
            PackageResources.v001_schema_sql,
            PackageResources.v002_search_sql,
            PackageResources.v003_query_sql,
            PackageResources.v004_commitment_sql,
            PackageResources.v005_procedure_step_sql,
            PackageResources.v006_retention_sql,
            PackageResources.v007_scale_sql,
            PackageResources.v008_scheduling_sql,
            PackageResources.v009_delivery_sql,
        ].map { String(decoding: $0, as: UTF8.self) }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models

/// What an importer made of upstream's description, before it is written.
package struct ImportedModel: Sendable {
    /// A file that goes into the package under a name of its own.
    package struct Copy: Sendable, Equatable {
        /// Absolute.
        package var source: String
        /// Path in the package.
        package var name: String
    }

    package var manifest: Manifest
    package var report: ImportReport
    /// Networks that are there.
    package var networks: [Copy]
    /// Description files, as they were read, to `upstream/`.
    package var descriptions: [ConfigFile]
    package var licence: UpstreamLicence
    /// What upstream says about the model, for the card.
    package var provenance: [String]
}

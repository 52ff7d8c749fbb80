// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Models: which model packages there are, and which of them a series is for.
/// Takes a package folder, or the facts of a series; gives validated packages, and a verdict with its reason per package.
/// Keeps nothing. Reads package folders only; it never loads a network, sees a voxel or writes a file.

/// What `manifest.yaml` says, checked. Every key is described in docs/model-packages.md.
package struct Manifest: Sendable, Equatable {
    package enum Use: String, Sendable, CaseIterable { case demonstration, research, clinical }

    package struct Licence: Sendable, Equatable {
        /// SPDX identifier, or LicenseRef-….
        package var spdx: String
        package var isNonCommercial: Bool
        /// Inside the package folder.
        package var file: String
    }

    package struct Budget: Sendable, Equatable {
        /// Bytes of voxels, tensors and masks, beside what the engine itself takes.
        package var memory: Int
        /// Seconds of wall clock for one series.
        package var time: Double
    }

    package var name: String
    package var version: String
    package var title: String
    package var manufacturer: String
    package var use: Use
    package var licence: Licence
    package var card: String
    package var intendedUse: String
    package var notFor: String?
    /// One for each role that the kind runs.
    package var networks: [Network]
    /// A series that breaks one of these is none of this package's business.
    package var claim: Rules
    /// A claimed series that breaks one of these is refused, visibly.
    package var require: Rules
    /// Several input series, in the order of the tensor's channels; the first is the one that the job belongs to. Empty: one.
    package var channels: [Channel]
    package var region: Region?
    package var images = Images()
    package var quality: Quality
    package var preprocess: [Preprocessing]
    package var inference: Inference
    package var decision: Decision
    package var outputs: [Output]
    /// What a classification or a detector reports.
    package var scores: [Score]
    package var explain: Explanation?
    package var budget: Budget

    /// Channels that the network has to give: one more than the highest that the manifest names.
    package var minimumChannels: Int {
        ((outputs.map(\.channel) + [quality.examined?.channel].compactMap(\.self)).max() ?? 0) + 1
    }
}

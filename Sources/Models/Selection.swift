// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which packages a series goes to, with the reason for each that it does not go to.
package struct Selection: Sendable {
    package enum Outcome: Sendable, Equatable {
        /// To be analysed by these, in the order given.
        case selected([ModelPackage])
        /// A package claims the series and a rule refuses it: not analysed, visibly.
        case refused(String)
        /// No package claims it: out of scope.
        case notClaimed(String)
    }

    package struct Verdict: Sendable, Equatable {
        package enum Kind: String, Sendable, Codable { case selected, refused, notClaimed }
        package var package: ModelPackage
        package var kind: Kind
        /// Every rule that broke, in plain words; empty where the package was selected.
        package var reasons: [String]
        /// What could not be judged by the header.
        package var notes: [String]
        package var reason: String { "\(package.identity.name): \(reasons.joined(separator: "; "))" }
    }

    package var verdicts: [Verdict]
    /// Attributes that differ between the slices of the series.
    package var disagreements: [String]

    package var outcome: Outcome {
        let selected = verdicts.filter { $0.kind == .selected }.map(\.package)
        if !selected.isEmpty { return .selected(selected) }
        let refused = verdicts.filter { $0.kind == .refused }
        if !refused.isEmpty { return .refused(refused.map(\.reason).joined(separator: "\n")) }
        if verdicts.isEmpty { return .notClaimed("there is no model package") }
        return .notClaimed(verdicts.map(\.reason).joined(separator: "\n"))
    }

    /// Pure. A package whose `claim` holds takes the series or refuses it; slices that disagree about a claim refuse it,
    /// because nobody knows whose they are.
    package static func choose(
        for facts: SeriesFacts, among packages: [ModelPackage], allowDemonstration: Bool
    ) -> Selection {
        Selection(
            verdicts: packages.map { verdict(on: facts, by: $0, allowDemonstration: allowDemonstration) },
            disagreements: facts.disagreements)
    }

    private static func verdict(
        on facts: SeriesFacts, by package: ModelPackage, allowDemonstration: Bool
    ) -> Verdict {
        var claim = package.manifest.claim.verdicts(on: facts)
        var unclaimed = claim.compactMap { if case .breaks(let reason) = $0 { reason } else { nil } }
        if let first = package.manifest.channels.first, unclaimed.isEmpty {
            // A run belongs to the series of the first channel; those of the others are read with it.
            let channel = first.claim.verdicts(on: facts)
            claim += channel
            unclaimed = channel.compactMap {
                if case .breaks(let reason) = $0 { "not the series of channel \(first.name): \(reason)" } else { nil }
            }
        }
        if !unclaimed.isEmpty || facts.instances == 0 {
            return Verdict(
                package: package, kind: .notClaimed,
                reasons: unclaimed.isEmpty ? ["the series has no instance"] : unclaimed,
                notes: [])
        }
        if package.identity.isDemonstration, !allowDemonstration {
            return Verdict(
                package: package, kind: .notClaimed,
                reasons: ["the package is for demonstration, and models.allowDemonstration is false"], notes: [])
        }
        if package.manifest.needsPrompt {
            return Verdict(
                package: package, kind: .notClaimed,
                reasons: ["marks what a person points at (`triaged model segment`), and no series by itself"], notes: []
            )
        }
        if let hindrance = package.hindrance {
            // Whoever installed it expects that such a series is looked at (decision 11).
            return Verdict(package: package, kind: .refused, reasons: [hindrance], notes: [])
        }
        let required = package.manifest.require.verdicts(on: facts)
        let reasons =
            claim.compactMap { if case .mixed(let reason) = $0 { reason } else { nil } }
            + required.compactMap {
                switch $0 {
                case .breaks(let reason), .mixed(let reason): reason
                case .holds, .unknown: nil
                }
            }
        let notes = (claim + required).compactMap { if case .unknown(let note) = $0 { note } else { nil } }
        return Verdict(package: package, kind: reasons.isEmpty ? .selected : .refused, reasons: reasons, notes: notes)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What one quality gate of a package said of the series.
package struct QualityGateResult: Sendable, Codable, Equatable {
    /// Blocked series have no results: what goes on has passed or warns.
    package enum Outcome: String, Sendable, Codable, CaseIterable { case pass, warn, block }

    /// As the manifest names it, such as "motion".
    package var name: String
    /// The output that a gate on what the network marked looks at.
    package var label: String?
    package var outcome: Outcome
    /// nil where the series does not give it; the gate then passes.
    package var value: Double?
    /// Of `value`, UCUM.
    package var unit: String
    /// What was measured and what is allowed, one sentence without its full stop.
    package var evidence: String

    package init(
        name: String, label: String? = nil, outcome: Outcome, value: Double?, unit: String, evidence: String
    ) {
        self.name = name
        self.label = label
        self.outcome = outcome
        self.value = value.flatMap { $0.isFinite ? $0 : nil }
        self.unit = unit
        self.evidence = evidence
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Triage: findings → priority → the order in which people read.
// Takes what the runs on a study's series found and what people acknowledged; gives state, priority, order and words.
// Keeps nothing.  Never lowers a priority because a model found nothing, and never reads a clock.

/// How far a study or a series has come. Stored and shown by its name.
package enum StudyState: String, Sendable, Codable, CaseIterable {
    case arriving, waiting, analysing, analysed
    /// A package claims it, and a rule or a quality gate refused it.
    case notAnalysed
    /// No package claims it.
    case outOfScope
    case failed

    /// Nothing more happens unless new instances come.
    package var isSettled: Bool {
        switch self {
        case .arriving, .waiting, .analysing: false
        case .analysed, .notAnalysed, .outOfScope, .failed: true
        }
    }

    /// The study's state from those of its series: what goes on in any of them first, then what went wrong, and
    /// `outOfScope` only if all are. A refused series beside an analysed one leaves the study analysed, with a warning.
    package static func of(study series: [StudyState]) -> StudyState {
        let order: [StudyState] = [.analysing, .waiting, .arriving, .failed, .analysed, .notAnalysed, .outOfScope]
        return order.first { series.contains($0) } ?? .arriving
    }
}

/// What a run was made of. Stored and shown by its name.
package enum RunKind: String, Sendable, Codable, CaseIterable {
    /// Before the series was known to be complete.
    case provisional
    case final
    /// Instances came after it, or a later run of the same package replaced it.
    case superseded
}

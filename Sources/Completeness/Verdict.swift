// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Whether a series has arrived. Times are monotonic seconds, as those that came in.
package enum Verdict: Sendable, Equatable {
    /// Ask again at `until`, or when something happens to the series.
    case incomplete(until: Double, waitingFor: String)
    /// Good enough to raise a priority on, not to write objects for: the ends may still be missing. Complete at `until` if
    /// nothing more comes.
    case provisional(evidence: String, until: Double)
    case complete(evidence: String)

    /// For the worklist and the index.
    package var words: String {
        switch self {
        case .incomplete(_, let words), .provisional(let words, _), .complete(let words): words
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Synchronization

/// Outcomes of provisional runs with their files, which a final run over the same instances takes over (decision 8). Shared by
/// the workers' loops.
final class ProvisionalOutcomes: Sendable {
    struct Outcome {
        var revision: Int64
        var directory: String
        var outcome: WorkerOutcome
    }

    private struct Key: Hashable {
        var series: SeriesID
        var model: ModelIdentity
    }

    private struct State {
        /// Each with its place in the order of their outcomes.
        var kept: [Key: (number: Int, outcome: Outcome)] = [:]
        var count = 0
    }

    private static let limit = 64
    private let state = Mutex(State())

    func keep(_ outcome: Outcome, of job: Job) {
        state.withLock { state in
            let key = Key(series: job.series, model: job.model)
            if let before = state.kept.removeValue(forKey: key)?.outcome, before.directory != outcome.directory {
                Self.remove(before.directory)
            }
            if state.kept.count >= Self.limit, let oldest = state.kept.min(by: { $0.value.number < $1.value.number }) {
                state.kept[oldest.key] = nil
                Self.remove(oldest.value.outcome.directory)
            }
            state.count += 1
            state.kept[key] = (state.count, outcome)
        }
    }

    /// What a final run takes over; nil where there is none over the same instances.
    func take(for job: Job) -> Outcome? {
        guard
            let kept = state.withLock({ $0.kept.removeValue(forKey: Key(series: job.series, model: job.model)) })?
                .outcome
        else { return nil }
        if kept.revision == job.revision { return kept }
        Self.remove(kept.directory)
        return nil
    }

    static func remove(_ directory: String) { try? FileManager.default.removeItem(atPath: directory) }
}

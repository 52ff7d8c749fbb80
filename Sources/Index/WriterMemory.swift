// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// What the writer would otherwise ask the database again for each instance. It holds nothing that is not in the database,
/// and is emptied when a transaction fails.
// Only touched on the pool's writer queue, which runs one block at a time.
final class WriterMemory: @unchecked Sendable {
    struct Study {
        var id: Int64
        var identity: PatientIdentity
        /// Keywords already warned of or blocked for; saves a write per instance.
        var notices: Set<String> = []
    }
    struct Series {
        var id: Int64
        var study: Int64
        var state: SeriesState
        var run: SeriesRun?
        var revision: Int64
        var instances: Int64
        var lastArrivalSequence: Int64
        var lastInstance: Moment
        /// Nil in a row of an earlier release.
        var sopClassUIDs: String?
        var isDirty = false
    }
    struct SeriesKey: Hashable {
        var study: Int64
        var seriesInstanceUID: UID
    }

    var identities: [PatientIdentity: Int64] = [:]
    var studies: [UID: Study] = [:]
    var series: [SeriesKey: Series] = [:]
    var arrivalSequence: Int64?
    var syncedEpoch: Int64?
    /// Wall clock less monotonic clock, ms, at the last instance.
    var wallOffset: Int64?

    func forget() {
        identities.removeAll(keepingCapacity: true)
        studies.removeAll(keepingCapacity: true)
        series.removeAll(keepingCapacity: true)
        arrivalSequence = nil
        syncedEpoch = nil
    }

    /// Keeps the memory small in a daemon that runs for months.
    func trim() {
        if identities.count + studies.count + series.count > 10_000 { forget() }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// A job that a worker may take, with what decides when.
package struct WaitingJob: Sendable, Equatable {
    package var id: JobID
    package var series: SeriesID
    package var run: RunKind
    package var model: ModelIdentity
    /// Of the study, by all that is known of it so far.
    package var priority: Priority
    /// Of the peer that sent the series' first instance.
    package var callingAETitle: String?
    /// Seconds in the queue, on the monotonic clock; since the start of the node where it was queued in another boot.
    package var waited: Double
}

extension StudyIndex {
    /// Jobs that may run now, in the order in which they were queued; the caller chooses, and hands one to a worker after
    /// `beginAttempt`.
    package func queue() throws(IndexError) -> [WaitingJob] {
        let now = clock()
        return try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT job.*, study.priority AS studyPriority,
                        (SELECT callingAETitle FROM instance WHERE instance.series = series.id LIMIT 1) AS callingAETitle
                    FROM job JOIN series ON series.id = job.series JOIN study ON study.id = series.study
                    WHERE job.state = 'queued' AND job.revision = series.revision
                        AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.study = series.study AND notice.kind = 'block')
                        AND NOT EXISTS (
                            SELECT 1 FROM instance WHERE instance.series = series.id AND instance.version = 'uncompared')
                        AND NOT EXISTS (SELECT 1 FROM \(Self.staleInput))
                    ORDER BY job.id
                    """
            ).map { row in
                let since: Int64 = row["queuedBoot"] == boot ? row["queuedMonotonic"] : openedAt.monotonic
                return WaitingJob(
                    id: JobID(rawValue: row["id"]), series: SeriesID(rawValue: row["series"]),
                    run: try row.stored("run"), model: Self.identity(of: row),
                    priority: try row.stored("studyPriority"),
                    callingAETitle: row["callingAETitle"], waited: Double(now.monotonic - since) / 1e9)
            }
        }
    }

    static func identity(of row: Row) -> ModelIdentity {
        ModelIdentity(
            name: row["modelName"], version: row["modelVersion"], manufacturer: row["modelManufacturer"],
            digest: row["modelDigest"], isDemonstration: row["isDemonstration"])
    }

    /// False where a running job should be stopped: its study is blocked, or its instances are no longer all and somebody
    /// waits for its worker. While nobody does it goes on, because what it finds may still raise the priority.
    package func isWanted(_ id: JobID) throws(IndexError) -> Bool {
        let isCurrent = try reading { db -> Bool? in
            let row = try JobRow(id, db)
            guard row.state == "running", try Notice.blocks(study: row.current.study, db).isEmpty else { return false }
            return try row.revision == row.current.revision && !Self.hasStaleInput(id, db) ? true : nil
        }
        if let isCurrent { return isCurrent }
        return try queue().isEmpty
    }

    /// The job has not run after all, through no fault of its own: no attempt is spent.
    ///
    /// - Parameter reason: what it waits for, where it is not merely its turn.
    package func returnToQueue(_ id: JobID, reason: String? = nil) throws(IndexError) {
        try durably { db in
            try db.execute(
                sql: """
                    UPDATE job SET state = 'queued', reason = ifnull(?, reason) WHERE id = ? AND state = 'running'
                    """, arguments: [reason, id.rawValue])
        }
        worklistChanged()
    }

    // MARK: Runs over several series

    /// Other series of the job that have changed since it was queued, or of which a copy waits to be compared.
    private static let staleInput = """
        jobInput JOIN series AS other ON other.id = jobInput.series
        WHERE jobInput.job = job.id AND (other.lastArrivalSequence <> jobInput.arrivalSequence
            OR EXISTS (SELECT 1 FROM instance WHERE instance.series = other.id AND instance.version = 'uncompared'))
        """

    static func hasStaleInput(_ id: JobID, _ db: Database) throws -> Bool {
        try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM job, \(staleInput) AND job.id = ?)", arguments: [id.rawValue])
            ?? false
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// Storage commitment in numbers, for metrics and `triaged status`.
package struct CommitmentCounts: Sendable, Equatable {
    /// By state: requested, checked, reported, failed.
    package var transactions: [String: Int] = [:]
    /// Files that are kept for ever.
    package var committedFiles = 0
    /// When the oldest report that is still to be brought was asked for, milliseconds since 1970.
    package var oldestOpen: Int64?
    /// Why reports of which peer have not arrived, the newest of each.
    package var troubles: [Trouble] = []

    package struct Trouble: Sendable, Equatable {
        package var callingAETitle: String
        package var transactionUID: String
        package var isGivenUp: Bool
        package var reason: String

        package init(callingAETitle: String, transactionUID: String, isGivenUp: Bool, reason: String) {
            self.callingAETitle = callingAETitle
            self.transactionUID = transactionUID
            self.isGivenUp = isGivenUp
            self.reason = reason
        }
    }
}

extension StudyIndex {
    /// Reports that are due, the oldest request first.
    package func dueReports(limit: Int) throws(IndexError) -> [DueReport] {
        let now = clock()
        return try reports(
            """
            WHERE state = 'checked' AND (boot <> ? OR nextAttemptMonotonic <= ?) ORDER BY id LIMIT ?
            """, [boot, now.monotonic, limit])
    }

    private func reports(_ condition: String, _ arguments: StatementArguments) throws(IndexError) -> [DueReport] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: "SELECT id, callingAETitle, transactionUID, attempts, receivedAt FROM commitment \(condition)",
                arguments: arguments
            ).compactMap { row in
                guard let peer = AETitle(row[1] as String) else { return nil }
                var report = CommitmentReport(transactionUID: try row.uid("transactionUID"), committed: [], failed: [])
                for item in try Row.fetchAll(
                    db,
                    sql: """
                        SELECT sopClassUID, sopInstanceUID, failureReason FROM commitmentItem WHERE commitment = ? ORDER BY position
                        """, arguments: [row[0] as Int64])
                {
                    let instance = SOPReference(
                        sopClassUID: try item.uid("sopClassUID"), sopInstanceUID: try item.uid("sopInstanceUID"))
                    let reason: Int = item[2]
                    if reason == 0 {
                        report.committed.append(instance)
                    } else {
                        report.failed.append(
                            .init(instance: instance, reason: Status(rawValue: UInt16(truncatingIfNeeded: reason))))
                    }
                }
                return DueReport(
                    id: CommitmentID(rawValue: row[0]), callingAETitle: peer, attempts: row[3], receivedAt: row[4],
                    report: report)
            }
        }
    }

    package func awaitsReport(_ id: CommitmentID) throws(IndexError) -> Bool {
        try reading { db in
            try Bool.fetchOne(
                db, sql: "SELECT state = 'checked' FROM commitment WHERE id = ?", arguments: [id.rawValue]) ?? false
        }
    }

    /// When the next report falls due, as a reading of the monotonic clock; nil where none waits.
    package func nextReportDue() throws(IndexError) -> Int64? {
        try reading { db in
            try Int64.fetchOne(
                db,
                sql:
                    "SELECT min(CASE WHEN boot = ? THEN nextAttemptMonotonic ELSE 0 END) FROM commitment WHERE state = 'checked'",
                arguments: [boot])
        }
    }

    /// The peer has taken the report.
    package func reported(_ id: CommitmentID) throws(IndexError) {
        let now = clock()
        try durably { db in
            try db.execute(
                sql: """
                    UPDATE commitment SET state = 'reported', attempts = attempts + 1, reason = '', endedAt = ?
                    WHERE id = ? AND state IN ('checked', 'failed')
                    """, arguments: [now.wall, id.rawValue])
        }
    }

    /// The peer has taken the report, on the association of its request.
    package func reported(_ transactionUID: UID, by peer: AETitle) throws(IndexError) {
        let id = try reading { db in
            try Int64.fetchOne(
                db, sql: "SELECT id FROM commitment WHERE callingAETitle = ? AND transactionUID = ?",
                arguments: [peer.string, transactionUID.string])
        }
        if let id { try reported(CommitmentID(rawValue: id)) }
    }

    /// The report did not arrive, or nobody knows.
    ///
    /// - Parameter delay: nil gives it up.
    package func notReported(_ id: CommitmentID, reason: String, retryAfter delay: Duration?) throws(IndexError) {
        let now = clock()
        let due = delay.map {
            now.monotonic + $0.components.seconds * 1_000_000_000 + $0.components.attoseconds / 1_000_000_000
        }
        try durably { db in
            try db.execute(
                sql: """
                    UPDATE commitment SET state = ?, attempts = attempts + 1, reason = ?, nextAttemptMonotonic = ?, boot = ?, endedAt = ?
                    WHERE id = ? AND state = 'checked'
                    """,
                arguments: [
                    due == nil ? "failed" : "checked", reason, due ?? 0, boot, due == nil ? now.wall : nil, id.rawValue,
                ])
        }
    }

    /// Forgets transactions that ended before a wall time. What they committed to stays so.
    package func forgetCommitments(endedBefore time: Int64, limit: Int = 20) throws(IndexError) {
        try durably { db in
            try db.execute(
                sql: """
                    DELETE FROM commitment WHERE id IN (SELECT id FROM commitment
                        WHERE state IN ('reported', 'failed') AND endedAt < ? ORDER BY id LIMIT ?)
                    """, arguments: [time, limit])
        }
    }

    package func commitmentCounts() throws(IndexError) -> CommitmentCounts {
        try reading { db in
            var counts = CommitmentCounts()
            for row in try Row.fetchAll(db, sql: "SELECT state, count(*) FROM commitment GROUP BY state") {
                counts.transactions[row[0]] = row[1]
            }
            counts.committedFiles = try Int.fetchOne(db, sql: "SELECT count(*) FROM committedInstance") ?? 0
            counts.oldestOpen = try Int64.fetchOne(
                db, sql: "SELECT min(receivedAt) FROM commitment WHERE state IN ('requested', 'checked')")
            counts.troubles = try Row.fetchAll(
                db,
                sql: """
                    SELECT callingAETitle, transactionUID, state = 'failed', reason FROM commitment WHERE id IN
                        (SELECT max(id) FROM commitment WHERE state IN ('checked', 'failed') AND reason <> '' GROUP BY callingAETitle)
                    ORDER BY callingAETitle
                    """
            ).map { .init(callingAETitle: $0[0], transactionUID: $0[1], isGivenUp: $0[2], reason: $0[3]) }
            return counts
        }
    }
}

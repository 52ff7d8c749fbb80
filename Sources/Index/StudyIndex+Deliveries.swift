// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

package enum DeliveryState: String, Sendable, Codable, CaseIterable {
    case pending, sending
    /// The destination answered the C-STORE with success; whether it keeps the object is not proven.
    case sent
    /// The destination holds it, by the best proof that it offers.
    case committed
    /// Parked: nothing happens until somebody asks for it.
    case failed
    /// Superseded before it was delivered.
    case withdrawn
}

/// What proves that a destination holds an object (decision 10).
package enum DeliveryProof: String, Sendable, Codable {
    case storageCommitment, query, status
}

/// One object on its way to one destination.
package struct Delivery: Sendable, Equatable {
    package var id: DeliveryID
    package var destination: String
    package var state: DeliveryState
    package var attempts: Int
    /// The destination may hold the object already: ask it, or send the same bytes again.
    package var responseUnseen: Bool
    package var studyInstanceUID: UID
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    /// Of the object itself, not of the analysed series.
    package var resultSeriesInstanceUID: UID
    package var transferSyntaxUID: UID
    /// Relative to the store.
    package var path: String
    package var size: Int64
    /// SHA-256 of the file, lower-case hex.
    package var digest: String
    package var isSuperseded: Bool
    package var lastStatus: String
    package var comment: String
    /// Attempts at a proof that the destination holds it.
    package var proofAttempts: Int
    /// Of the last request for storage commitment.
    package var transactionUID: UID?

    /// Of the object.
    package var modality: String { QueryRows.modality(ofResult: sopClassUID.string) }
}

extension StudyIndex {
    /// What should be sent to a destination now, oldest first. Nothing of a blocked study, of a series that will run again, or of a superseded run.
    package func dueDeliveries(to destination: String, limit: Int = 100) throws(IndexError) -> [Delivery] {
        let now = clock()
        return try deliveries(
            """
            WHERE delivery.destination = ? AND delivery.state = 'pending' AND (delivery.boot <> ? OR delivery.nextAttemptMonotonic <= ?)
                AND \(Self.isDeliverable)
            ORDER BY delivery.id LIMIT ?
            """, [destination, boot, now.monotonic, limit])
    }

    /// When the next pending delivery falls due, as a reading of the monotonic clock; nil where none is pending.
    package func nextDeliveryDue(to destination: String) throws(IndexError) -> Int64? {
        try reading { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT min(CASE WHEN delivery.boot = ? THEN delivery.nextAttemptMonotonic ELSE 0 END) FROM \(Self.joined)
                    WHERE delivery.destination = ? AND delivery.state = 'pending' AND \(Self.isDeliverable)
                    """, arguments: [boot, destination])
        }
    }

    /// Sent, and not yet proven to be kept. For storage commitment, or a query.
    package func sentDeliveries(to destination: String, limit: Int = 1000) throws(IndexError) -> [Delivery] {
        try deliveries(
            "WHERE delivery.state = 'sent' AND delivery.destination = ? ORDER BY delivery.id LIMIT ?",
            [destination, limit])
    }

    /// Superseded objects that a destination holds or may hold: to be retracted there.
    package func supersededDeliveries(limit: Int = 1000) throws(IndexError) -> [Delivery] {
        try deliveries(
            """
            WHERE result.isSuperseded = 1 AND (delivery.state IN ('sending', 'sent', 'committed') OR delivery.responseUnseen = 1)
            ORDER BY delivery.id LIMIT ?
            """, [limit])
    }

    static let joined = """
        delivery JOIN result ON result.id = delivery.result JOIN job ON job.id = result.job
            JOIN series ON series.id = job.series JOIN study ON study.id = series.study
        """

    private static let isDeliverable = """
        result.isSuperseded = 0
            AND (job.revision = series.revision OR result.id IN (SELECT result FROM retraction))
            AND NOT EXISTS (SELECT 1 FROM notice WHERE notice.study = study.id AND notice.kind = 'block')
            AND NOT EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id AND instance.version = 'uncompared')
        """

    /// Of rows of `result`: a destination holds the object, or may hold it.
    static let isDelivered = """
        id IN (SELECT result FROM delivery WHERE state IN ('sending', 'sent', 'committed') OR responseUnseen = 1)
        """

    func deliveries(_ condition: String, _ arguments: StatementArguments) throws(IndexError) -> [Delivery] {
        try reading { db in
            try Row.fetchAll(
                db,
                sql: """
                    SELECT delivery.id, delivery.destination, delivery.state, delivery.attempts, delivery.responseUnseen,
                        study.studyInstanceUID, result.sopClassUID, result.sopInstanceUID, result.seriesInstanceUID, result.transferSyntaxUID, result.path,
                        result.size, result.digest, result.isSuperseded, delivery.lastStatus, delivery.comment, delivery.proofAttempts,
                        delivery.transactionUID
                    FROM \(Self.joined) \(condition)
                    """, arguments: arguments
            ).map { row in
                Delivery(
                    id: DeliveryID(rawValue: row["id"]), destination: row["destination"],
                    state: try row.stored("state"),
                    attempts: row["attempts"], responseUnseen: row["responseUnseen"],
                    studyInstanceUID: try row.uid("studyInstanceUID"), sopClassUID: try row.uid("sopClassUID"),
                    sopInstanceUID: try row.uid("sopInstanceUID"),
                    resultSeriesInstanceUID: try row.uid("seriesInstanceUID"),
                    transferSyntaxUID: try row.uid("transferSyntaxUID"),
                    path: row["path"], size: row["size"], digest: row["digest"], isSuperseded: row["isSuperseded"],
                    lastStatus: row["lastStatus"], comment: row["comment"], proofAttempts: row["proofAttempts"],
                    transactionUID: (row["transactionUID"] as String?).flatMap { UID($0) })
            }
        }
    }

    /// Another of the destination's loops may have begun it meanwhile.
    package func isPending(_ id: DeliveryID) throws(IndexError) -> Bool {
        try reading { db in
            try Bool.fetchOne(
                db, sql: "SELECT state = 'pending' FROM delivery WHERE id = ?", arguments: [id.rawValue]) ?? false
        }
    }

    // MARK: Steps of a delivery

    /// On disk before the first byte goes out. False where it must not be sent (any more).
    package func beginSending(_ id: DeliveryID) throws(IndexError) -> Bool {
        try step(id, from: [.pending], only: Self.isDeliverable) { _, db in
            try db.execute(
                sql: "UPDATE delivery SET state = 'sending', attempts = attempts + 1 WHERE id = ?",
                arguments: [id.rawValue])
        }
    }

    /// The destination's C-STORE response was a success or a warning.
    ///
    /// - Parameter next: how it is to be proven that the destination keeps the object, and when; nil leaves it at the response.
    package func sent(
        _ id: DeliveryID, status: Status, comment: String = "", next: (proof: NextProof, after: Duration)? = nil
    ) throws(IndexError) {
        try step(id, from: [.sending, .pending]) { now, db in
            try db.execute(
                sql: """
                    UPDATE delivery SET state = 'sent', responseUnseen = 0, lastStatus = ?, comment = ?, deliveredAt = ?,
                        nextProof = ?, nextAttemptMonotonic = ?, boot = ?, proof = ?, proofComment = '' WHERE id = ?
                    """,
                arguments: [
                    status.description, comment, now.wall, next?.proof.rawValue ?? "",
                    next.map { now.later($0.after) } ?? 0, boot, next == nil ? DeliveryProof.status.rawValue : "",
                    id.rawValue,
                ])
            try ledger(id, .delivered, detail: "sent", at: now, db)
        }
    }

    /// The attempt failed and the destination did not take the object.
    ///
    /// - Parameter retryAfter: nil parks the delivery until `retry(_:)`.
    package func notSent(
        _ id: DeliveryID, status: Status?, comment: String, retryAfter: Duration?
    ) throws(IndexError) {
        try back(id, status: status, comment: comment, retryAfter: retryAfter, responseUnseen: false)
    }

    /// The object went out, wholly or in part, and no response came.
    package func responseUnseen(_ id: DeliveryID, comment: String, retryAfter: Duration?) throws(IndexError) {
        try back(id, status: nil, comment: comment, retryAfter: retryAfter, responseUnseen: true)
    }

    /// The destination turned out not to hold what it had accepted: it is sent once more.
    package func sendAgain(_ id: DeliveryID, comment: String, after delay: Duration) throws(IndexError) {
        try back(id, status: nil, comment: comment, retryAfter: delay, responseUnseen: false)
    }

    private func back(
        _ id: DeliveryID, status: Status?, comment: String, retryAfter: Duration?, responseUnseen: Bool
    ) throws(IndexError) {
        try step(id, from: [.pending, .sending, .sent]) { now, db in
            let due = retryAfter.map(now.later)
            try db.execute(
                sql: """
                    UPDATE delivery SET state = ?, nextAttemptMonotonic = ?, boot = ?, lastStatus = ?, comment = ?,
                        transactionUID = NULL, nextProof = '', responseUnseen = CASE WHEN ? THEN 1 WHEN ? THEN responseUnseen ELSE 0 END
                    WHERE id = ?
                    """,
                // An answer tells that the destination refused this attempt; not being reached tells nothing of earlier ones.
                arguments: [
                    due == nil ? "failed" : "pending", due ?? 0, boot, status?.description ?? "", comment,
                    responseUnseen,
                    status == nil, id.rawValue,
                ])
        }
    }

    @discardableResult
    func step(
        _ id: DeliveryID, from states: Set<DeliveryState>, only condition: String? = nil,
        _ body: (Moment, Database) throws -> Void
    ) throws(IndexError) -> Bool {
        let now = clock()
        let isDone = try durably { db -> Bool in
            guard
                let row = try Row.fetchOne(
                    db,
                    sql:
                        "SELECT delivery.state, \(condition ?? "1") AS holds FROM \(Self.joined) WHERE delivery.id = ?",
                    arguments: [id.rawValue])
            else { throw IndexError.noSuchRow(table: "delivery", id: id.rawValue) }
            guard states.contains(try row.stored("state")), row["holds"] else { return false }
            try body(now, db)
            return true
        }
        if isDone { worklistChanged() }
        return isDone
    }

    func ledger(_ id: DeliveryID, _ kind: LedgerKind, detail: String, at now: Moment, _ db: Database) throws {
        guard
            let row = try Row.fetchOne(
                db,
                sql: "SELECT series.study, series.id, delivery.destination FROM \(Self.joined) WHERE delivery.id = ?",
                arguments: [id.rawValue])
        else { return }
        try Ledger.write(
            kind, study: row[0], series: row[1], detail: "\(row[2] as String) \(detail)", at: now, boot: boot, db)
    }
}

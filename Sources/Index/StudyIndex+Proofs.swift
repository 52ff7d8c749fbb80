// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// What is done next to prove that a destination keeps what it took.
package enum NextProof: String, Sendable, Codable, CaseIterable {
    /// Ask for storage commitment.
    case commit
    /// Wait for the report on the last request for it.
    case report
    /// Ask whether the destination finds the object.
    case confirm
}

extension StudyIndex {
    /// Objects that a destination took and that wait for a proof which is due, oldest first. A wait for a report that is due is over.
    package func dueProofs(to destination: String, limit: Int = 256) throws(IndexError) -> [(Delivery, NextProof)] {
        let now = clock()
        var due: [(Delivery, NextProof)] = []
        for next in NextProof.allCases {
            due += try deliveries(
                """
                WHERE delivery.destination = ? AND delivery.state = 'sent' AND delivery.nextProof = ?
                    AND (delivery.boot <> ? OR delivery.nextAttemptMonotonic <= ?)
                ORDER BY delivery.id LIMIT ?
                """, [destination, next.rawValue, boot, now.monotonic, limit]
            ).map { ($0, next) }
        }
        return due
    }

    /// When the next proof falls due, as a reading of the monotonic clock; nil where none is outstanding.
    package func nextProofDue(to destination: String) throws(IndexError) -> Int64? {
        try reading { db in
            try Int64.fetchOne(
                db,
                sql: """
                    SELECT min(CASE WHEN boot = ? THEN nextAttemptMonotonic ELSE 0 END) FROM delivery
                    WHERE destination = ? AND state = 'sent' AND nextProof <> ''
                    """, arguments: [boot, destination])
        }
    }

    /// True while the destination owes a report on one of the requests.
    package func awaitsReport(from destination: String) throws(IndexError) -> Bool {
        try reading { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM delivery WHERE destination = ? AND state = 'sent' AND nextProof = 'report')
                    """, arguments: [destination]) ?? false
        }
    }

    /// A request for storage commitment names these deliveries; on disk before it goes out.
    ///
    /// - Parameter patience: until the report must have come.
    package func requestCommitment(
        _ ids: [DeliveryID], transactionUID: UID, patience: Duration = .seconds(300)
    ) throws(IndexError) {
        let now = clock()
        try durably { db in
            for id in ids {
                try db.execute(
                    sql: """
                        UPDATE delivery SET transactionUID = ?, nextProof = 'report', nextAttemptMonotonic = ?, boot = ?,
                            proofAttempts = proofAttempts + 1
                        WHERE id = ? AND state = 'sent'
                        """, arguments: [transactionUID.string, now.later(patience), boot, id.rawValue])
                guard db.changesCount > 0 else { continue }
                try db.execute(
                    sql: "INSERT INTO deliveryTransaction (transactionUID, delivery) VALUES (?, ?)",
                    arguments: [transactionUID.string, id.rawValue])
            }
        }
    }

    /// The deliveries of a request for storage commitment, also of one that was made again since.
    package func deliveries(inTransaction transactionUID: UID) throws(IndexError) -> [Delivery] {
        try deliveries(
            """
            WHERE delivery.id IN (SELECT delivery FROM deliveryTransaction WHERE transactionUID = ?) ORDER BY delivery.id
            """, [transactionUID.string])
    }

    /// The destination holds the object, by this proof. A stronger one takes the place of a weaker.
    package func committed(_ id: DeliveryID, by proof: DeliveryProof) throws(IndexError) {
        try step(id, from: [.pending, .sending, .sent, .failed, .committed]) { now, db in
            let before = try String.fetchOne(
                db, sql: "SELECT proof FROM delivery WHERE id = ?", arguments: [id.rawValue])
            guard before != DeliveryProof.storageCommitment.rawValue, before != proof.rawValue else { return }
            try db.execute(
                sql: """
                    UPDATE delivery SET state = 'committed', responseUnseen = 0, proof = ?, nextProof = '', proofComment = '',
                        deliveredAt = ifnull(deliveredAt, ?)
                    WHERE id = ?
                    """, arguments: [proof.rawValue, now.wall, id.rawValue])
            try ledger(id, .delivered, detail: proof.rawValue, at: now, db)
        }
    }

    /// An attempt at a proof came to nothing yet.
    ///
    /// - Parameters:
    ///   - next: nil leaves it at the status of the C-STORE response.
    ///   - counts: whether the attempt is still to be counted; a request for commitment was when it was made.
    package func notProven(
        _ id: DeliveryID, comment: String, next: (proof: NextProof, after: Duration)?, counts: Bool = true
    ) throws(IndexError) {
        try step(id, from: [.sent]) { now, db in
            try db.execute(
                sql: """
                    UPDATE delivery SET nextProof = ?, nextAttemptMonotonic = ?, boot = ?, proofComment = ?,
                        proofAttempts = proofAttempts + ?, proof = ?
                    WHERE id = ?
                    """,
                arguments: [
                    next?.proof.rawValue ?? "", next.map { now.later($0.after) } ?? 0, boot, comment, counts ? 1 : 0,
                    next == nil ? DeliveryProof.status.rawValue : "", id.rawValue,
                ])
        }
    }

    // MARK: What people ask for

    /// Somebody asks for a parked delivery.
    @discardableResult
    package func retry(_ id: DeliveryID) throws(IndexError) -> Bool {
        try step(id, from: [.failed]) { _, db in try Self.revive("id = ?", [id.rawValue], db) }
    }

    /// Somebody asks for all deliveries that are parked, or wait for their next attempt, of one study or of all; gives their number.
    /// Nil where there is no such study.
    package func retry(studyInstanceUID: UID?) throws(IndexError) -> Int? {
        let count = try durably { db -> Int? in
            if let studyInstanceUID {
                let isKnown = try Bool.fetchOne(
                    db, sql: "SELECT EXISTS (SELECT 1 FROM study WHERE studyInstanceUID = ?)",
                    arguments: [studyInstanceUID.string])
                guard isKnown == true else { return nil }
            }
            return try Self.revive(
                """
                (state = 'failed' OR (state = 'pending' AND nextAttemptMonotonic > 0)) AND (? IS NULL OR result IN (
                    SELECT result.id FROM result JOIN job ON job.id = result.job JOIN series ON series.id = job.series
                        JOIN study ON study.id = series.study WHERE study.studyInstanceUID = ?))
                """, [studyInstanceUID?.string, studyInstanceUID?.string], db)
        }
        if count ?? 0 > 0 { worklistChanged() }
        return count
    }

    /// The proofs are tried from the start, as if it had never been sent.
    @discardableResult
    private static func revive(_ condition: String, _ arguments: StatementArguments, _ db: Database) throws -> Int {
        try db.execute(
            sql: """
                UPDATE delivery SET state = 'pending', nextAttemptMonotonic = 0, proofAttempts = 0, proofComment = ''
                WHERE \(condition)
                """, arguments: arguments)
        return db.changesCount
    }
}

extension Moment {
    /// Of the monotonic clock.
    func later(_ duration: Duration) -> Int64 {
        monotonic + duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// A storage commitment transaction by its row.
package struct CommitmentID: Hashable, Sendable, Codable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

/// How a request was taken.
package enum CommitmentIntake: Sendable, Equatable {
    case new(CommitmentID)
    /// The same list came under this Transaction UID before: it is answered by the same report, once more.
    case again(CommitmentID)
    /// The peer uses the Transaction UID for another list (PS3.3 C.14, 0131).
    case duplicateTransactionUID
    /// So many requests of the peer wait already.
    case tooMany
}

/// A file of an instance that is to be checked.
package struct CommitmentFile: Sendable, Equatable {
    package var instance: Int64
    package var file: StoredFile
    package var transferSyntaxUID: UID
}

/// An item of a request that is to be checked, and what the index holds of it.
package struct CommitmentItem: Sendable {
    package var position: Int64
    package var instance: SOPReference
    /// Of the versions that are kept.
    package var sopClassUIDs: Set<String>
    /// Two objects came under one UID (decision 15).
    package var isInConflict: Bool
    package var files: [CommitmentFile]
}

/// What the check of an item gave.
package struct CommitmentVerdict: Sendable {
    package var item: CommitmentItem
    /// Nil where it is committed to.
    package var failure: Status?
    /// The file that is not what it was, if one is not.
    package var damage: Damage?

    package struct Damage: Sendable {
        package var instance: Int64
        /// In words, for the worklist.
        package var reason: String

        package init(instance: Int64, reason: String) {
            self.instance = instance
            self.reason = reason
        }
    }

    package init(item: CommitmentItem, failure: Status?, damage: Damage? = nil) {
        self.item = item
        self.failure = failure
        self.damage = damage
    }
}

/// A report that is to be brought.
package struct DueReport: Sendable, Equatable {
    package var id: CommitmentID
    package var callingAETitle: AETitle
    package var attempts: Int
    /// Milliseconds since 1970.
    package var receivedAt: Int64
    package var report: CommitmentReport
}

extension StudyIndex {
    /// Requests of one peer that may wait for their check or their report.
    package static let openCommitmentsPerPeer = 1000

    /// Writes a request down. On disk when this returns.
    package func requestCommitment(_ request: CommitmentRequest, by peer: AETitle) throws(IndexError)
        -> CommitmentIntake
    {
        let now = clock()
        return try durably { db in
            if let row = try Row.fetchOne(
                db, sql: "SELECT id, state FROM commitment WHERE callingAETitle = ? AND transactionUID = ?",
                arguments: [peer.string, request.transactionUID.string])
            {
                let id: Int64 = row[0]
                guard try Self.items(of: id, db).map(\.0) == request.instances else { return .duplicateTransactionUID }
                try db.execute(
                    sql: """
                        UPDATE commitment SET state = 'checked', attempts = 0, nextAttemptMonotonic = 0, reason = '', receivedAt = ?,
                            endedAt = NULL WHERE id = ? AND state <> 'requested'
                        """, arguments: [now.wall, id])
                return .again(CommitmentID(rawValue: id))
            }
            let open = try Int.fetchOne(
                db,
                sql: "SELECT count(*) FROM commitment WHERE state IN ('requested', 'checked') AND callingAETitle = ?",
                arguments: [peer.string])
            guard (open ?? 0) < Self.openCommitmentsPerPeer else { return .tooMany }
            try db.execute(
                sql: """
                    INSERT INTO commitment (callingAETitle, transactionUID, state, receivedAt) VALUES (?, ?, 'requested', ?)
                    """, arguments: [peer.string, request.transactionUID.string, now.wall])
            let id = db.lastInsertedRowID
            let statement = try db.cachedStatement(
                sql:
                    "INSERT INTO commitmentItem (commitment, position, sopClassUID, sopInstanceUID) VALUES (?, ?, ?, ?)"
            )
            for (position, instance) in request.instances.enumerated() {
                try statement.execute(arguments: [
                    id, position, instance.sopClassUID.string, instance.sopInstanceUID.string,
                ])
            }
            return .new(CommitmentID(rawValue: id))
        }
    }

    private static func items(of id: Int64, _ db: Database) throws -> [(SOPReference, Status?)] {
        try Row.fetchAll(
            db,
            sql:
                "SELECT sopClassUID, sopInstanceUID, failureReason FROM commitmentItem WHERE commitment = ? ORDER BY position",
            arguments: [id]
        ).map { row in
            (
                SOPReference(sopClassUID: try row.uid("sopClassUID"), sopInstanceUID: try row.uid("sopInstanceUID")),
                (row[2] as UInt16?).map(Status.init(rawValue:))
            )
        }
    }

    // MARK: The check

    /// The oldest request that is not checked through, and the next of its items; empty where all of them are checked.
    package func nextUncheckedCommitment(limit: Int) throws(IndexError) -> (id: CommitmentID, items: [CommitmentItem])?
    {
        try reading { db in
            guard
                let id = try Int64.fetchOne(
                    db, sql: "SELECT id FROM commitment WHERE state = 'requested' ORDER BY id LIMIT 1")
            else { return nil }
            let rows = try Row.fetchAll(
                db,
                sql: """
                    SELECT position, sopClassUID, sopInstanceUID FROM commitmentItem
                    WHERE commitment = ? AND failureReason IS NULL ORDER BY position LIMIT ?
                    """, arguments: [id, limit])
            let items = try rows.map { row in
                let instance = SOPReference(
                    sopClassUID: try row.uid("sopClassUID"), sopInstanceUID: try row.uid("sopInstanceUID"))
                return try Self.item(at: row[0], instance, db)
            }
            return (CommitmentID(rawValue: id), items)
        }
    }

    private static func item(at position: Int64, _ instance: SOPReference, _ db: Database) throws -> CommitmentItem {
        var item = CommitmentItem(
            position: position, instance: instance, sopClassUIDs: [], isInConflict: false, files: [])
        let versions = try Row.fetchAll(
            db.cachedStatement(
                sql: """
                    SELECT id, path, epoch, size, headerDigest, pixelDigest, transferSyntaxUID, sopClassUID, version FROM instance
                    WHERE sopInstanceUID = ? ORDER BY ordinal
                    """), arguments: [instance.sopInstanceUID.string])
        for row in versions {
            item.sopClassUIDs.insert(row["sopClassUID"])
            let version: InstanceVersion = try row.stored("version")
            if version == .conflict { item.isInConflict = true }
            item.files.append(
                CommitmentFile(
                    instance: row["id"],
                    file: StoredFile(
                        path: row["path"], epoch: row["epoch"], size: row["size"],
                        headerDigest: (row["headerDigest"] as Blob).bytes,
                        pixelDigest: (row["pixelDigest"] as Blob?)?.bytes),
                    transferSyntaxUID: try row.uid("transferSyntaxUID")))
        }
        return item
    }

    /// Writes verdicts down, on disk with all rows that they speak of. An item of which the index has come to hold something else
    /// since it was read stays unchecked.
    package func settle(_ id: CommitmentID, _ verdicts: [CommitmentVerdict]) throws(IndexError) {
        let now = clock()
        let isShown = try durably { db in
            var isShown = false
            for verdict in verdicts {
                let current = try Self.item(at: verdict.item.position, verdict.item.instance, db)
                guard current.files == verdict.item.files, current.isInConflict == verdict.item.isInConflict else {
                    continue
                }
                try db.execute(
                    sql: "UPDATE commitmentItem SET failureReason = ? WHERE commitment = ? AND position = ?",
                    arguments: [verdict.failure?.rawValue ?? 0, id.rawValue, verdict.item.position])
                if verdict.failure == nil {
                    for file in current.files {
                        try db.execute(
                            sql:
                                "INSERT INTO committedInstance (instance, committedAt) VALUES (?, ?) ON CONFLICT DO NOTHING",
                            arguments: [file.instance, now.wall])
                    }
                }
                guard let damage = verdict.damage else { continue }
                try db.execute(
                    sql: "INSERT INTO damagedInstance (instance, foundAt) VALUES (?, ?) ON CONFLICT DO NOTHING",
                    arguments: [damage.instance, now.wall])
                let study = try Int64.fetchOne(
                    db,
                    sql: "SELECT study FROM series JOIN instance ON instance.series = series.id WHERE instance.id = ?",
                    arguments: [damage.instance])
                guard let study else { continue }
                try Notice.warn(
                    study: study, reason: damage.reason, sopInstanceUID: verdict.item.instance.sopInstanceUID, at: now,
                    db)
                try Ledger.changed(study: study, detail: "warned", at: now, boot: boot, db)
                isShown = true
            }
            try db.execute(
                sql: """
                    UPDATE commitment SET state = 'checked' WHERE id = ? AND state = 'requested' AND NOT EXISTS
                        (SELECT 1 FROM commitmentItem WHERE commitmentItem.commitment = commitment.id AND failureReason IS NULL)
                    """, arguments: [id.rawValue])
            return isShown
        }
        if isShown { worklistChanged() }
    }

    /// Whether a peer may have deleted its copy of the instance: no file of it is ever removed.
    package func isCommitted(_ sopInstanceUID: UID) throws(IndexError) -> Bool {
        try reading { db in
            try Bool.fetchOne(
                db,
                sql: """
                    SELECT EXISTS (SELECT 1 FROM committedInstance JOIN instance ON instance.id = committedInstance.instance
                        WHERE instance.sopInstanceUID = ?)
                    """, arguments: [sopInstanceUID.string]) ?? false
        }
    }
}

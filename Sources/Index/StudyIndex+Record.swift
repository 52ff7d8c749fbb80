// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB
import Synchronization

/// One instance on its way into the index.
struct Recording: Sendable {
    var header: InstanceHeader
    var file: StoredFile
    var association: AssociationID
    var callingAETitle: String
    var received: Moment
}

extension StudyIndex {
    /// Writes down an instance that is durable on disk. When this returns, the answer to the peer may be a success.
    ///
    /// Concurrent callers share a transaction. A throw means that nothing was recorded: the caller removes the file and
    /// answers with a failure.
    package func record(
        _ header: InstanceHeader, file: StoredFile, association: AssociationID = 0, callingAETitle: AETitle? = nil,
        receivedAt: Moment? = nil
    ) throws(IndexError) -> RecordOutcome {
        let recording = Recording(
            header: header, file: file, association: association, callingAETitle: callingAETitle?.string ?? "",
            received: receivedAt ?? clock())
        return try recordings.submit(recording, commit: commit)
    }

    private func commit(_ batch: [Recording]) -> [Result<RecordOutcome, IndexError>] {
        do {
            return try transact(batch).map { .success($0) }
        } catch  where batch.count > 1 {
            // One that cannot be written must not fail the others.
            return batch.map { recording in
                do { return .success(try transact([recording])[0]) } catch { return .failure(.wrapping(error)) }
            }
        } catch { return [.failure(.wrapping(error))] }
    }

    private func transact(_ batch: [Recording]) throws -> [RecordOutcome] {
        var writer = RecordWriter(memory: memory, boot: boot, holds: holds)
        let (outcomes, isSynced) = try pool.writeWithoutTransaction { db in
            // A row of an epoch that the next start does not look at must be on disk before the answer.
            let synced = try memory.syncedEpoch ?? Int64.fetchOne(db, sql: "SELECT syncedEpoch FROM node") ?? 0
            memory.syncedEpoch = synced
            let isSynced = batch.contains { $0.file.epoch <= synced }
            var outcomes: [RecordOutcome] = []
            let body = { (db: Database) in
                outcomes = try batch.map { try writer.record($0, db) }
                try writer.flush(db)
            }
            if isSynced {
                try Self.inDurableTransaction(db, memory: memory, body)
            } else {
                do {
                    try db.inTransaction(.immediate) {
                        try body(db)
                        return .commit
                    }
                } catch {
                    memory.forget()
                    throw error
                }
            }
            memory.trim()
            return (outcomes, isSynced)
        }
        associations.withLock { associations in
            for (series, association) in writer.touched { associations.add(association, to: series) }
        }
        if !isSynced { syncer.schedule() }
        if writer.changesWorklist { worklistChanged() }
        return outcomes
    }
}

/// Which open associations have sent instances of which series. Lives in memory: a restart ends all associations.
struct OpenAssociations: Sendable {
    private var bySeries: [SeriesID: Set<AssociationID>] = [:]

    mutating func add(_ association: AssociationID, to series: SeriesID) {
        if association != 0 { bySeries[series, default: []].insert(association) }
    }

    mutating func end(_ association: AssociationID) -> [SeriesID] {
        var ended: [SeriesID] = []
        for (series, open) in bySeries where open.contains(association) {
            let rest = open.subtracting([association])
            bySeries[series] = rest.isEmpty ? nil : rest
            ended.append(series)
        }
        return ended
    }

    subscript(series: SeriesID) -> Set<AssociationID> { bySeries[series] ?? [] }
}

extension StudyIndex {
    /// An association has been released or lost. Returns the series that it sent to, for a look at their completeness.
    @discardableResult
    package func associationEnded(_ association: AssociationID) -> [SeriesID] {
        associations.withLock { $0.end(association) }
    }
}

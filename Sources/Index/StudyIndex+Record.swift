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

    /// Writes down an instance that is durable on disk, behind the answer to the peer: when this returns, its row is in the
    /// database or certain to be rebuilt by the next start. Whoever reads the index afterwards finds the row.
    ///
    /// - Parameters:
    ///   - epoch: of the file.
    ///   - make: gives what is to be recorded; called once, on another thread, and may wait for the file's digests.
    ///   - done: called with the outcome, on another thread; after a failure that is transient once more.
    package func recordBehind(
        epoch: Int64, association: AssociationID, callingAETitle: AETitle?,
        make: @escaping @Sendable () -> (header: InstanceHeader, file: StoredFile),
        done: @escaping @Sendable (Result<RecordOutcome, IndexError>) -> Void
    ) throws(IndexError) {
        let received = clock()
        let title = callingAETitle?.string ?? ""
        guard recorder.owe(epoch) else {
            let made = make()
            return done(
                .success(
                    try record(
                        made.header, file: made.file, association: association, callingAETitle: callingAETitle,
                        receivedAt: received)))
        }
        // Made once, though it may be written more than once.
        let recording = Once {
            let made = make()
            return Recording(
                header: made.header, file: made.file, association: association, callingAETitle: title,
                received: received)
        }
        recorder.submit(Recorder.Item(epoch: epoch, make: { recording.value }, done: done)) { [self] in commit($0) }
    }

    /// False while rows of acknowledged instances cannot be written: nothing more is to be acknowledged then.
    package var isRecording: Bool { !recorder.isFailing }

    /// Rows of all that was acknowledged so far are in the database when this returns.
    func settle() { recorder.settle { [self] in commit($0) } }

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
        settle()
        return associations.withLock { $0.end(association) }
    }
}

/// A value that is made when it is first asked for, by one thread at a time.
private final class Once<Value: Sendable>: Sendable {
    private let made = Mutex<Value?>(nil)
    private let make: @Sendable () -> Value

    init(_ make: @escaping @Sendable () -> Value) { self.make = make }

    var value: Value {
        made.withLock { made in
            if let made { return made }
            let value = make()
            made = value
            return value
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB
import Migrations
import Synchronization

/// The index: every fact that must survive a restart, in one SQLite database.
/// Takes headers and files that storage made durable, verdicts, jobs' outcomes, destinations' answers.
/// Gives evidence, the next job, the next delivery, the worklist. Calls block; any thread may call.
/// Keeps each step in one transaction, so that the process may die between any two of them.
/// Never lowers a priority, never forgets a version, never reads a pixel, never writes patient data to a log.
package final class StudyIndex: Sendable {
    package let path: String
    /// Told after each commit that changes what the worklist shows, with the new `changeCount`.
    private let onWorklistChange: @Sendable (UInt64) -> Void
    private let changes = Atomic<UInt64>(0)

    /// Whether storage has the file of this path in this size. Asked before the copy of an instance is given up for it.
    let holds: @Sendable (String, Int64) -> Bool
    let pool: DatabasePool
    let clock: @Sendable () -> Moment
    let boot: String
    let openedAt: Moment
    let recordings = GroupCommit<Recording, RecordOutcome>()
    let recorder = Recorder()
    let associations = Mutex(OpenAssociations())
    let memory = WriterMemory()
    let syncer: Syncer

    /// Opens the index at `path`, makes it where there is none, and brings its schema up to date.
    ///
    /// - Parameter clock: a parameter for tests; `boot` likewise.
    package init(
        path: String, holds: @escaping @Sendable (_ path: String, _ size: Int64) -> Bool = { _, _ in true },
        clock: @escaping @Sendable () -> Moment = { .now() }, boot: String = Moment.boot,
        onWorklistChange: @escaping @Sendable (UInt64) -> Void = { _ in }
    ) throws(IndexError) {
        self.path = path
        self.holds = holds
        self.clock = clock
        self.boot = boot
        self.onWorklistChange = onWorklistChange
        openedAt = clock()
        pool = try Self.open(path)
        syncer = Syncer(pool: pool, memory: memory, recorder: recorder)
        _ = recorder.giveUp(try syncedEpoch())
    }

    /// Opens an index that another process may be using, to read from it only.
    package init(readingFrom path: String) throws(IndexError) {
        try Self.check(path: path, thoroughly: false)
        self.path = path
        holds = { _, _ in true }
        clock = { .now() }
        boot = Moment.boot
        onWorklistChange = { _ in }
        openedAt = clock()
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(10)
        do { pool = try DatabasePool(path: path, configuration: configuration) } catch {
            throw .cannotOpen(path: path, message: "\(error)")
        }
        syncer = Syncer(pool: pool, memory: memory, recorder: recorder)
    }

    /// Writes what is in the write-ahead log to the database and lets go of the file.
    package func close() throws(IndexError) {
        settle()
        syncer.stop()
        do {
            try syncer.sync()
            // The last connection to close is a reader, which cannot do this.
            try pool.writeWithoutTransaction { db in _ = try db.checkpoint(.truncate) }
            try pool.close()
        } catch { throw .wrapping(error) }
    }

    /// Grows with each commit that changes what the worklist shows.
    package var changeCount: UInt64 { changes.load(ordering: .acquiring) }

    func worklistChanged() {
        onWorklistChange(changes.add(1, ordering: .acquiringAndReleasing).newValue)
    }

    // MARK: Transactions

    /// A transaction that is on disk when this returns, and with it every earlier one.
    func durably<T>(_ body: (Database) throws -> T) throws(IndexError) -> T {
        settle()
        do {
            return try pool.writeWithoutTransaction { db in
                try Self.inDurableTransaction(db, memory: memory, body)
            }
        } catch { throw .wrapping(error) }
    }

    static func inDurableTransaction<T>(_ db: Database, memory: WriterMemory, _ body: (Database) throws -> T) throws
        -> T
    {
        try db.execute(sql: "PRAGMA synchronous = FULL")
        defer { try? db.execute(sql: "PRAGMA synchronous = NORMAL") }
        var result: T?
        do {
            try db.inTransaction(.immediate) {
                // The body may change what is remembered of series.
                memory.series.removeAll(keepingCapacity: true)
                result = try body(db)
                return .commit
            }
        } catch {
            memory.forget()
            throw error
        }
        guard let result else { preconditionFailure("a committed transaction has a result") }
        return result
    }

    func reading<T>(_ body: (Database) throws -> T) throws(IndexError) -> T {
        settle()
        do { return try pool.read(body) } catch { throw .wrapping(error) }
    }

    // MARK: Opening

    /// "tria" in ASCII: tells our databases from others' (PRAGMA application_id).
    static let applicationID: Int32 = 0x7472_6961

    private static func open(_ path: String) throws(IndexError) -> DatabasePool {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.maximumReaderCount = 4
        configuration.busyMode = .timeout(10)
        configuration.prepareDatabase { db in
            // A commit is not synced by itself: see docs/decisions/01.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            if !db.configuration.readonly {
                try db.execute(sql: "PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864")
            }
        }
        do {
            let pool = try DatabasePool(path: path, configuration: configuration)
            try pool.writeWithoutTransaction { db in
                try migrate(db, path: path)
                try NameKeys.backfill(db)
            }
            return pool
        } catch let error as IndexError {
            throw error
        } catch let error as DatabaseError {
            let message = error.message ?? "SQLite \(error.resultCode.rawValue)"
            switch error.resultCode {
            case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_FORMAT: throw .unreadable(path: path, message: message)
            default: throw .cannotOpen(path: path, message: message)
            }
        } catch { throw .cannotOpen(path: path, message: "\(type(of: error))") }
    }

    /// Applies, each in a transaction, what the database lacks of `Migrations.all`.
    static func migrate(_ db: Database, path: String, scripts: [String] = Migrations.all) throws {
        let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
        let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
        let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") ?? 0
        guard application == applicationID || (application == 0 && version == 0 && tables == 0) else {
            throw IndexError.unreadable(path: path, message: "a database of another program")
        }
        guard version <= scripts.count else {
            throw IndexError.newer(path: path, version: version, supported: scripts.count)
        }
        for (offset, script) in scripts.enumerated().dropFirst(version) {
            try db.inTransaction(.immediate) {
                try db.execute(sql: script)
                try db.execute(sql: "PRAGMA user_version = \(offset + 1); PRAGMA application_id = \(applicationID)")
                return .commit
            }
        }
    }

    /// For `triaged check`: opens without writing and reads the schema version; thoroughly, SQLite looks for damage too, which
    /// takes as long as reading the file.
    package static func check(path: String, thoroughly: Bool = true) throws(IndexError) {
        var configuration = Configuration()
        configuration.readonly = true
        do {
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            try queue.read { db in
                let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
                let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
                guard application == applicationID else {
                    throw IndexError.unreadable(path: path, message: "a database of another program")
                }
                guard version <= Migrations.all.count else {
                    throw IndexError.newer(path: path, version: version, supported: Migrations.all.count)
                }
                guard thoroughly else { return }
                let verdict = try String.fetchOne(db, sql: "PRAGMA quick_check(1)") ?? "no answer"
                guard verdict == "ok" else { throw IndexError.unreadable(path: path, message: verdict) }
            }
        } catch let error as IndexError {
            throw error
        } catch let error as DatabaseError {
            throw .unreadable(path: path, message: error.message ?? "SQLite \(error.resultCode.rawValue)")
        } catch { throw .cannotOpen(path: path, message: "\(type(of: error))") }
    }
}

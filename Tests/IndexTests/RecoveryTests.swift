// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB
import Index
import Migrations
import Testing

@Suite struct RecoveryTests {
    let bench = Workbench()

    private struct Unreadable: Error {}

    /// The store: what was made durable, whatever the index knows of it.
    private func rescan(_ stored: [RescannedFile]) -> (UnindexedFile) throws -> RescannedFile? {
        { file in stored.first { $0.file.path == file.path } }
    }

    private func unindexed(_ stored: [RescannedFile], after epoch: Int64) -> [UnindexedFile] {
        stored.filter { $0.file.epoch > epoch }.enumerated().map {
            UnindexedFile(path: $1.file.path, epoch: $1.file.epoch, modified: 1_799_999_000_000_000_000 + Int64($0))
        }
    }

    @Test("A killed daemon's rows are all there, though nothing was synced")
    func killed() throws {
        let index = try bench.open()
        try index.receive(20)
        #expect(try bench.crashed().open().evidence().instances.count == 20)
        _ = index
    }

    @Test("Rows that a power cut took are written again from the files of later epochs, and only those are read")
    func powerCut() throws {
        let index = try bench.open()
        var stored: [RescannedFile] = []
        func receive(_ number: Int, epoch: Int64) throws {
            let given = RescannedFile(
                header: header("1.\(number)") { $0.instanceNumber = number }, file: file("\(number)", epoch: epoch),
                callingAETitle: AETitle("CT1"))
            stored.append(given)
            #expect(try index.record(given.header, file: given.file, callingAETitle: given.callingAETitle) == .new)
        }
        for number in 0..<10 { try receive(number, epoch: number < 5 ? 1 : 2) }
        #expect(try index.recover([], scan: rescan([])).looked == 0)
        #expect(try index.syncedEpoch() == 1)
        let image = try bench.crashed()
        // These rows are in no image of the disk: they were answered, and lost.
        for number in 10..<15 { try receive(number, epoch: number < 12 ? 2 : 3) }

        let again = try image.open()
        let files = unindexed(stored, after: try again.syncedEpoch())
        #expect(files.count == 10)
        var scanned: [String] = []
        let scan = rescan(stored)
        let report = try again.recover(files) { file in
            scanned.append(file.path)
            return try scan(file)
        }
        #expect(report == RecoveryReport(looked: 10, recovered: 5))
        #expect(scanned == (10..<15).map { "instances/\($0)" })
        #expect(try again.evidence(study: "1.1").instances.map(\.header.instanceNumber) == Array(0..<15))
        #expect(try again.syncedEpoch() == 2)
        #expect(try again.clockSteps().isEmpty)
        // Once more finds nothing to do.
        #expect(try again.recover(unindexed(stored, after: 2), scan: scan) == RecoveryReport(looked: 3))
    }

    @Test("A row that comes late for an epoch already passed is kept, and the epoch does not go back")
    func lateRow() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1"), file: file("a", epoch: 1))
        _ = try index.record(header("1.2"), file: file("b", epoch: 5))
        _ = try index.recover([], scan: rescan([]))
        #expect(try index.syncedEpoch() == 4)
        // Nothing but the row tells of it, as no start will look at epoch 2 again.
        #expect(try index.record(header("1.3"), file: file("c", epoch: 2)) == .new)
        #expect(try bench.crashed().open().evidence(study: "1.1").instances.count == 3)
        #expect(try index.syncedEpoch() == 4)
    }

    @Test("Recovery names duplicates for removal and unreadable files for a person, and goes on")
    func oddFiles() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1"), file: file("a"))
        let stored = [
            RescannedFile(header: header("1.1"), file: file("a-again"), callingAETitle: nil),
            RescannedFile(header: header("1.2"), file: file("b"), callingAETitle: nil),
        ]
        let files = unindexed(stored, after: 0) + [UnindexedFile(path: "instances/broken", epoch: 1, modified: 0)]
        let report = try index.recover(files, scan: rescan(stored))
        #expect(
            report
                == RecoveryReport(
                    looked: 3, recovered: 1, duplicates: ["instances/a-again"], unreadable: ["instances/broken"]))
    }

    @Test("A file that cannot be read at the moment ends the recovery, so that the next start finds it again")
    func momentaryFault() throws {
        let index = try bench.open()
        let before = try index.syncedEpoch()
        let files = [UnindexedFile(path: "instances/busy", epoch: 1, modified: 0)]
        #expect(throws: IndexError.self) { try index.recover(files) { _ in throw Unreadable() } }
        #expect(try index.syncedEpoch() == before)
    }

    @Test("A file time ahead of the clock gives an instance of now, not of the future")
    func resetClock() throws {
        let index = try bench.open()
        let stored = RescannedFile(header: header("1.1"), file: file("a"), callingAETitle: nil)
        let files = [UnindexedFile(path: stored.file.path, epoch: 1, modified: 4_000_000_000_000_000_000)]
        _ = try index.recover(files) { _ in stored }
        let series = try #require(try index.openSeries().first)
        #expect(series.lastInstance.monotonic <= bench.now.monotonic)
    }

    @Test("Between every two steps of the path a killed daemon leaves a state from which the next goes on")
    func everyStep() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        // What a successor does from any image: it always ends with one result delivered once.
        func goOn(_ step: Int) throws {
            let image = try bench.crashed()
            let next = try image.open()
            _ = try next.resume()
            for series in try next.openSeries() {
                if series.state == .arriving {
                    #expect(try next.markComplete(series.id, revision: series.revision, evidence: "x") == .done)
                }
                #expect(try next.enqueue(series.id, revision: series.revision, models: [model], run: .final) == .done)
            }
            while let job = try next.nextJob() {
                #expect(try next.beginAttempt(job.id))
                _ = try next.finish(
                    job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 1))
            }
            for delivery in try next.dueDeliveries(to: "pacs") {
                #expect(try next.beginSending(delivery.id))
                try next.sent(delivery.id, status: .success)
            }
            for delivery in try next.sentDeliveries(to: "pacs") { try next.committed(delivery.id, by: .query) }
            let study = try next.only()
            #expect(study.state == .analysed && study.findings.count == 1, "after step \(step)")
            #expect(study.results.flatMap(\.deliveries).map(\.state) == [.committed], "after step \(step)")
        }
        try goOn(0)
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "x") == .done)
        try goOn(1)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        try goOn(2)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        try goOn(3)
        #expect(
            try index.finish(
                job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 1))
                == .recorded)
        try goOn(4)
        let delivery = try #require(try index.dueDeliveries(to: "pacs").first)
        #expect(try index.beginSending(delivery.id))
        try goOn(5)
        try index.sent(delivery.id, status: .success)
        try goOn(6)
        try index.committed(delivery.id, by: .query)
        try goOn(7)
    }

    // MARK: Opening

    @Test("A database of a later release is refused, and left as it is")
    func newer() throws {
        try bench.open().close()
        let queue = try DatabaseQueue(path: bench.path)
        try queue.write { try $0.execute(sql: "PRAGMA user_version = 99") }
        try queue.close()
        let error = #expect(throws: IndexError.self) { _ = try bench.open() }
        #expect(
            error?.description.contains("schema 99") == true && error?.description.contains("later release") == true)
        #expect(throws: IndexError.self) { try StudyIndex.check(path: bench.path) }
    }

    @Test("What is no index gets one clear line", arguments: ["text", "other", "directory", "cut"])
    func foreign(kind: String) throws {
        switch kind {
        case "text": try Data(repeating: 65, count: 5_000).write(to: URL(fileURLWithPath: bench.path))
        case "other":
            let queue = try DatabaseQueue(path: bench.path)
            try queue.write { try $0.execute(sql: "CREATE TABLE other (id)") }
            try queue.close()
        case "directory": try FileManager.default.createDirectory(atPath: bench.path, withIntermediateDirectories: true)
        default:
            let index = try bench.open()
            try index.receive(200)
            try index.close()
            let handle = try #require(FileHandle(forUpdatingAtPath: bench.path))
            try handle.truncate(atOffset: 20_000)
            try handle.close()
        }
        let error = #expect(throws: IndexError.self) {
            try StudyIndex.check(path: bench.path)
        }
        #expect(error?.description.hasPrefix(bench.path) == true && error?.description.contains("\n") == false)
        if kind != "cut" { #expect(throws: IndexError.self) { _ = try bench.open() } }
    }

    @Test("A sound index passes the check, while it is open too")
    func sound() throws {
        let index = try bench.open()
        try index.receive()
        try StudyIndex.check(path: bench.path)
        try index.close()
        try StudyIndex.check(path: bench.path)
    }

    @Test("Every migration is applied once, in order, and the schema holds its enumerations")
    func migrations() throws {
        try bench.open().close()
        try bench.open().close()
        let queue = try DatabaseQueue(path: bench.path)
        try queue.read { db in
            #expect(try Int.fetchOne(db, sql: "PRAGMA user_version") == Migrations.all.count)
            #expect(try String.fetchOne(db, sql: "PRAGMA journal_mode") == "wal")
            let loose = try String.fetchAll(
                db,
                sql:
                    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' AND strict = 0 AND name NOT LIKE 'sqlite_%'"
            )
            #expect(loose == [])
        }
        #expect(throws: DatabaseError.self) {
            try queue.write {
                try $0.execute(
                    sql: "INSERT INTO notice (study, kind, reason, sopInstanceUID, at) VALUES (1, 'other', '', '', 0)")
            }
        }
    }
}

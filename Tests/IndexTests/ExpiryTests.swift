// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB
import Index
import Testing

/// What may expire by the index's knowledge, and what its rows say then.
@Suite struct ExpiryTests {
    private let bench = Workbench()

    /// An index with one settled study, and a way to write what a test needs.
    private func opened() throws -> StudyIndex {
        let index = try bench.open()
        try index.receive(3)
        _ = try index.counts()
        try write("UPDATE series SET state = 'outOfScope'")
        return index
    }

    private func write(_ sql: String) throws {
        let queue = try DatabaseQueue(path: bench.path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    private func one(_ index: StudyIndex) throws -> ExpirableStudy {
        let studies = try index.expirableStudies(limit: 10)
        #expect(studies.count == 1)
        return try #require(studies.first)
    }

    @Test("a settled study may expire whole, and its rows say so")
    func settled() throws {
        let index = try opened()
        let study = try one(index)
        #expect(study.instances.map(\.sopInstanceUID.string) == (0..<3).map { "1.1.1.\($0)" })
        #expect(try index.expire(study, heldBy: "pacs"))
        #expect(try index.expirableStudies(limit: 10).isEmpty)
        #expect(try index.removals().count == 3)
        #expect(try index.expiredCount() == 3)
        #expect(try index.expired(in: SeriesID(rawValue: 1)).map(\.instances) == [3])
        #expect(try index.expired(in: SeriesID(rawValue: 1)).map(\.archive) == ["pacs"])
        #expect(try index.counts().instances == 3)
        try index.removed(index.removals())
        #expect(try index.removals().isEmpty)
        #expect(try index.expiredCount() == 3)
    }

    private static let job = """
        INSERT INTO job (id, series, revision, run, state, modelName, modelVersion, modelManufacturer, modelDigest, isDemonstration, queuedAt)
        VALUES (1, 1, 1, 'final', 'done', 'm', '1', '', 'd', 0, 1);
        """
    private static let result =
        job + """
            INSERT INTO result (id, job, sopClassUID, sopInstanceUID, seriesInstanceUID, transferSyntaxUID, path, size, digest, createdAt)
            VALUES (1, 1, '1.2', '1.3', '1.4', '1.5', 'results/a', 1, '', 1);
            """
    private static func delivery(_ state: String) -> String {
        result + """
            INSERT INTO delivery (result, destination, state, nextAttemptMonotonic, boot, queuedAt)
            VALUES (1, 'pacs', '\(state)', 0, '', 1);
            """
    }

    /// What keeps a study, one by one; the same statements before the rule is asked, and between it and the expiry.
    static let obstacles = [
        "UPDATE series SET state = 'arriving'", "UPDATE series SET state = 'waiting'",
        "UPDATE series SET state = 'failed'",
        "INSERT INTO notice (study, kind, reason, sopInstanceUID, at) VALUES (1, 'block', 'r', '1', 1)",
        job.replacingOccurrences(of: "'done'", with: "'queued'"),
        job.replacingOccurrences(of: "'done'", with: "'running'"),
        result, delivery("pending"), delivery("sending"), delivery("failed"), delivery("withdrawn"),
        delivery("sent") + "UPDATE result SET review = 'look';",
        "CREATE TABLE IF NOT EXISTS committedInstance (instance INTEGER PRIMARY KEY, committedAt INTEGER NOT NULL); INSERT INTO committedInstance VALUES (2, 1)",
    ]

    @Test("an open job, an undelivered result, a block, a doubt or a commitment keeps a study", arguments: obstacles)
    func kept(obstacle: String) throws {
        let index = try opened()
        let study = try one(index)
        try write(obstacle)
        #expect(try index.expirableStudies(limit: 10).isEmpty)
        #expect(try !index.expire(study, heldBy: "pacs"))
        #expect(try index.expiredCount() == 0)
        #expect(try index.removals().isEmpty)
    }

    @Test("delivered results keep nothing", arguments: ["sent", "committed"])
    func delivered(state: String) throws {
        let index = try opened()
        try write(Self.delivery(state))
        #expect(try index.expire(one(index), heldBy: "pacs"))
    }

    @Test("an instance that comes while the archive is asked keeps the study")
    func late() throws {
        let index = try opened()
        let study = try one(index)
        try index.receive(1, from: 3)
        _ = try index.counts()
        try write("UPDATE series SET state = 'outOfScope'")
        #expect(try !index.expire(study, heldBy: "pacs"))
    }

    @Test("two versions of an instance keep the study")
    func versions() throws {
        let index = try opened()
        let outcome = try index.record(
            header("1.1.1.0", syntax: jpegLossless), file: file("copy", header: 9, pixels: 9))
        #expect(outcome == .transcodedCopyPending)
        _ = try index.counts()
        try write(
            "UPDATE series SET state = 'outOfScope'; UPDATE instance SET version = 'transcoded' WHERE ordinal = 1")
        #expect(try index.expirableStudies(limit: 10).isEmpty)
    }

    @Test("nothing expires for a day after a step of the wall clock, noticed or not")
    func clock() throws {
        let index = try opened()
        let study = try one(index)
        bench.stepWallClock(seconds: 3600)
        #expect(try !index.expire(study, heldBy: "pacs"))
        // The next instance of any study writes the step down.
        try index.receive(1, study: "1.9", series: "1.9.1")
        _ = try index.counts()
        #expect(try index.expirableStudies(limit: 10).isEmpty)
        bench.advance(seconds: 86_000)
        #expect(try index.expirableStudies(limit: 10).isEmpty)
        bench.advance(seconds: 500)
        #expect(try index.expirableStudies(limit: 10).map(\.studyInstanceUID.string) == ["1.1"])
    }

    @Test("the oldest study comes first")
    func order() throws {
        let index = try opened()
        bench.advance(seconds: 10)
        try index.receive(1, study: "1.0", series: "1.0.1")
        _ = try index.counts()
        try write("UPDATE series SET state = 'outOfScope'")
        #expect(try index.expirableStudies(limit: 10).map(\.studyInstanceUID.string) == ["1.1", "1.0"])
        #expect(try index.expirableStudies(limit: 1).map(\.studyInstanceUID.string) == ["1.1"])
        #expect(try index.expirableStudies(limit: 1, except: [.of("1.1")]).map(\.studyInstanceUID.string) == ["1.0"])
    }

    @Test("an expired instance that comes again is kept again, also before its old file is removed")
    func again() throws {
        let index = try opened()
        let stored = try index.evidence(for: SeriesID(rawValue: 1))?.instances.first?.path
        #expect(try index.expire(one(index), heldBy: "pacs"))
        var copy = file("again", epoch: 1)
        let known = try #require(try index.evidence(for: SeriesID(rawValue: 1))?.instances.first)
        copy.headerDigest = known.headerDigest
        copy.pixelDigest = known.pixelDigest
        #expect(try index.record(known.header, file: copy) == .returned)
        #expect(try index.expiredCount() == 2)
        #expect(try index.evidence(for: SeriesID(rawValue: 1))?.instances.first?.path == copy.path)
        #expect(try index.removals().contains { $0.path == stored })
        #expect(try !index.removals().contains { $0.path == copy.path })
        // Known again: the next copy is a duplicate of this one.
        var third = copy
        third.path = "instances/third"
        #expect(try index.record(known.header, file: third) == .duplicate(existing: copy.path))
    }

    @Test("a file that a row promises is never removed")
    func promised() throws {
        let index = try opened()
        let path = try #require(try index.evidence(for: SeriesID(rawValue: 1))?.instances.first?.path)
        try write("INSERT INTO removal (epoch, path) VALUES (1, '\(path)')")
        #expect(try index.removals().isEmpty)
    }

    @Test("what has expired is so after a crash, and its files are still to be removed")
    func crash() throws {
        let index = try opened()
        #expect(try index.expire(one(index), heldBy: "pacs"))
        let image = try bench.crashed()
        let after = try image.open(boot: "boot-2")
        #expect(try after.expiredCount() == 3)
        #expect(try after.removals().count == 3)
    }
}

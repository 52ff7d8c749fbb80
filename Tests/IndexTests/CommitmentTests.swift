// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB
import Index
import Testing

@Suite struct CommitmentTests {
    let bench = Workbench()
    let peer = AETitle(literal: "CT1")
    static let ct = "1.2.840.10008.5.1.4.1.1.2"

    func request(_ uids: [String], transaction: String = "2.25.1") -> CommitmentRequest {
        CommitmentRequest(
            transactionUID: .of(transaction),
            instances: uids.map { SOPReference(sopClassUID: .of(Self.ct), sopInstanceUID: .of($0)) })
    }

    /// Three slices, all asked for.
    func requested() throws -> (StudyIndex, CommitmentID, [CommitmentItem]) {
        let index = try bench.open()
        try index.receive()
        _ = try index.requestCommitment(request(["1.1.1.0", "1.1.1.1", "9.9"]), by: peer)
        let (id, items) = try #require(try index.nextUncheckedCommitment(limit: 10))
        return (index, id, items)
    }

    func verdicts(_ items: [CommitmentItem]) -> [CommitmentVerdict] {
        items.map { CommitmentVerdict(item: $0, failure: $0.files.isEmpty ? .noSuchSOPInstance : nil) }
    }

    @Test("A request is checked, reported and done; each step is there after a crash")
    func path() throws {
        let (index, id, items) = try requested()
        #expect(try bench.crashed().open().nextUncheckedCommitment(limit: 10)?.id == id)
        #expect(items.map(\.files.count) == [1, 1, 0])
        #expect(items[0].sopClassUIDs == [Self.ct] && items[0].files[0].file == file("1.1.1.0"))
        #expect(try index.dueReports(limit: 10).isEmpty)

        // A crash between two batches goes on after the first.
        try index.settle(id, verdicts([items[0]]))
        #expect(try bench.crashed().open().nextUncheckedCommitment(limit: 10)?.items.map(\.position) == [1, 2])
        try index.settle(id, verdicts(Array(items[1...])))
        #expect(try index.nextUncheckedCommitment(limit: 10) == nil)
        let due = try #require(try bench.crashed().open().dueReports(limit: 10).first)
        #expect(due.callingAETitle == peer && due.attempts == 0)
        #expect(due.report.committed.map(\.sopInstanceUID.string) == ["1.1.1.0", "1.1.1.1"])
        #expect(due.report.failed.map(\.reason) == [.noSuchSOPInstance])

        try index.reported(id)
        #expect(try bench.crashed().open().dueReports(limit: 10).isEmpty)
        #expect(try bench.crashed().open().commitmentCounts().transactions == ["reported": 1])
        #expect(try index.commitmentCounts().committedFiles == 2)
    }

    @Test("What is committed to is known as such, and its row cannot be removed")
    func committed() throws {
        let (index, id, items) = try requested()
        #expect(try !index.isCommitted(.of("1.1.1.0")))
        try index.settle(id, verdicts(items))
        #expect(try index.isCommitted(.of("1.1.1.0")))
        #expect(try !index.isCommitted(.of("1.1.1.2")))
        try index.close()
        var configuration = GRDB.Configuration()
        configuration.foreignKeysEnabled = true
        let queue = try DatabaseQueue(path: bench.path, configuration: configuration)
        #expect(throws: DatabaseError.self) {
            try queue.write { try $0.execute(sql: "DELETE FROM instance WHERE sopInstanceUID = '1.1.1.0'") }
        }
        try queue.write { try $0.execute(sql: "DELETE FROM instance WHERE sopInstanceUID = '1.1.1.2'") }
    }

    @Test(
        "The same list under the same Transaction UID is answered once more; another list is refused; another peer is free"
    )
    func again() throws {
        let (index, id, items) = try requested()
        let same = request(["1.1.1.0", "1.1.1.1", "9.9"])
        #expect(try index.requestCommitment(same, by: peer) == .again(id))
        #expect(try index.nextUncheckedCommitment(limit: 10)?.items.count == 3)
        try index.settle(id, verdicts(items))
        try index.reported(id)
        #expect(try index.requestCommitment(same, by: peer) == .again(id))
        #expect(try index.dueReports(limit: 10).map(\.id) == [id])
        #expect(try index.requestCommitment(request(["1.1.1.0"]), by: peer) == .duplicateTransactionUID)
        #expect(
            try index.requestCommitment(request(["1.1.1.0"]), by: AETitle(literal: "MR1")) != .duplicateTransactionUID)
    }

    @Test("An instance of which another version came during the check is checked again")
    func changed() throws {
        let (index, id, items) = try requested()
        let copy = header("1.1.1.0") { $0.patient.patientBirthDate = "19700101" }
        guard case .conflict = try index.record(copy, file: file("copy", header: 2)) else {
            Issue.record("no conflict")
            return
        }
        try index.settle(id, verdicts(items))
        let (_, left) = try #require(try index.nextUncheckedCommitment(limit: 10))
        #expect(left.map(\.position) == [0])
        #expect(left[0].isInConflict && left[0].files.count == 2)
        #expect(try !index.isCommitted(.of("1.1.1.0")))
    }

    @Test("A report that did not arrive waits for its time; a reboot ends the wait; giving up is final and shown")
    func backOff() throws {
        let (index, id, items) = try requested()
        try index.settle(id, verdicts(items))
        try index.notReported(id, reason: "away", retryAfter: .seconds(60))
        bench.stepWallClock(seconds: 86_400)
        #expect(try index.dueReports(limit: 10).isEmpty)
        #expect(try index.nextReportDue() == bench.now.monotonic + 60_000_000_000)
        #expect(try bench.crashed().open(boot: "boot-2").dueReports(limit: 10).count == 1)
        bench.advance(seconds: 60)
        #expect(try index.dueReports(limit: 10).map(\.attempts) == [1])
        try index.notReported(id, reason: "still away", retryAfter: nil)
        #expect(try index.dueReports(limit: 10).isEmpty)
        #expect(try index.nextReportDue() == nil)
        let counts = try index.commitmentCounts()
        #expect(counts.transactions == ["failed": 1] && counts.oldestOpen == nil)
        #expect(
            counts.troubles == [
                .init(callingAETitle: "CT1", transactionUID: "2.25.1", isGivenUp: true, reason: "still away")
            ])
        // What was committed to stays so, also when the transaction is forgotten.
        bench.advance(seconds: 1)
        try index.forgetCommitments(endedBefore: bench.now.wall)
        #expect(try index.commitmentCounts().transactions.isEmpty)
        #expect(try index.isCommitted(.of("1.1.1.0")))
    }

    @Test("A damaged file is shown at its study, and the same instance sent again takes its place")
    func damaged() throws {
        let (index, id, items) = try requested()
        let damage = CommitmentVerdict.Damage(instance: items[0].files[0].instance, reason: "damaged")
        try index.settle(
            id, [CommitmentVerdict(item: items[0], failure: .processingFailure, damage: damage)])
        #expect(try index.only().warnings == ["damaged"])
        #expect(try index.record(header("1.1.1.1"), file: file("again-1")) == .duplicate(existing: "instances/1.1.1.1"))
        #expect(try index.record(header("1.1.1.0"), file: file("again-0")) == .restored(lost: "instances/1.1.1.0"))
        #expect(try index.record(header("1.1.1.0"), file: file("again-2")) == .duplicate(existing: "instances/again-0"))
        #expect(try !index.isCommitted(.of("1.1.1.0")))
    }

    @Test("A peer may have so many requests open, and no more")
    func tooMany() throws {
        let index = try bench.open()
        for number in 0..<StudyIndex.openCommitmentsPerPeer {
            let outcome = try index.requestCommitment(request(["1.2"], transaction: "2.25.\(number)"), by: peer)
            guard case .new = outcome else {
                Issue.record("\(outcome)")
                return
            }
        }
        #expect(try index.requestCommitment(request(["1.2"], transaction: "2.26"), by: peer) == .tooMany)
        #expect(try index.requestCommitment(request(["1.2"], transaction: "2.25.7"), by: peer) != .tooMany)
    }
}

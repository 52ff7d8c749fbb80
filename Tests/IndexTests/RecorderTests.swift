// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Glibc
import Synchronization
import Testing

@testable import Index

/// Rows that follow behind the answers to their instances.
@Suite struct RecorderTests {
    let bench = Workbench()

    private func recordBehind(
        _ index: StudyIndex, _ uid: String, epoch: Int64 = 1, association: AssociationID = 0,
        waitFor gate: DispatchSemaphore? = nil,
        done: @escaping @Sendable (Result<RecordOutcome, IndexError>) -> Void = { _ in }
    ) throws {
        let made = (header: header(uid), file: file(uid, epoch: epoch))
        try index.recordBehind(
            epoch: epoch, association: association, callingAETitle: nil,
            make: {
                gate?.wait()
                return made
            }, done: done)
    }

    @Test("Whoever reads finds the rows of all that was acknowledged before")
    func readsItsWrites() throws {
        let index = try bench.open()
        for number in 0..<200 {
            try recordBehind(index, "1.1.1.\(number)")
            if number % 20 == 0 { #expect(try index.evidence().instances.count == number + 1) }
        }
        #expect(try index.evidence().instances.map(\.header.sopInstanceUID.string) == (0..<200).map { "1.1.1.\($0)" })
    }

    @Test("The end of an association comes after its last instance")
    func endOfAssociation() throws {
        let index = try bench.open()
        try recordBehind(index, "1.1.1.0", association: 7)
        #expect(index.associationEnded(7).count == 1)
        #expect(try index.evidence().openAssociations.isEmpty)
    }

    @Test("A repeated instance is told as such, so that its file can go")
    func duplicate() throws {
        let index = try bench.open()
        let outcomes = Mutex<[RecordOutcome?]>([])
        for _ in 0..<2 {
            try recordBehind(index, "1.1.1.0") { result in outcomes.withLock { $0.append(try? result.get()) } }
        }
        try index.close()
        #expect(outcomes.withLock { $0 } == [.new, .duplicate(existing: "instances/1.1.1.0")])
    }

    @Test("An epoch is not done with as long as a row of it is to come")
    func owed() throws {
        let index = try bench.open()
        _ = try index.record(header("1.9"), file: file("x", epoch: 9))
        let gate = DispatchSemaphore(value: 0)
        let isDone = DispatchSemaphore(value: 0)
        try recordBehind(index, "1.1.1.0", epoch: 3, waitFor: gate) { _ in isDone.signal() }
        try index.syncer.sync()
        let image = try bench.crashed().open()
        #expect(try image.syncedEpoch() == 2)
        gate.signal()
        isDone.wait()
        index.settle()
        try index.syncer.sync()
        #expect(try index.syncedEpoch() == 8)
    }

    @Test("A row of an epoch that is done with is on disk before the call returns")
    func lateRow() throws {
        let index = try bench.open()
        _ = try index.record(header("1.9"), file: file("x", epoch: 9))
        try index.syncer.sync()
        let outcome = Mutex<RecordOutcome?>(nil)
        try recordBehind(index, "1.1.1.0", epoch: 3) { result in outcome.withLock { $0 = try? result.get() } }
        #expect(outcome.withLock { $0 } == .new)
        #expect(try bench.crashed().open().evidence().instances.count == 2)
    }

    @Test("Rows that cannot be written are tried again in their order, and nothing is acknowledged meanwhile")
    func failing() throws {
        let recorder = Recorder()
        let isFull = Atomic<Bool>(true)
        let written = Mutex<[String]>([])
        let full = IndexError.failed(code: 13, message: "database or disk is full")
        for number in 0..<3 {
            #expect(recorder.owe(4))
            let recording = Recording(
                header: header("1.\(number)"), file: file("\(number)", epoch: 4), association: 0, callingAETitle: "",
                received: bench.now)
            recorder.submit(Recorder.Item(epoch: 4, make: { recording }, done: { _ in })) { batch in
                guard !isFull.load(ordering: .acquiring) else { return batch.map { _ in .failure(full) } }
                written.withLock { $0 += batch.map(\.header.sopInstanceUID.string) }
                return batch.map { _ in .success(.new) }
            }
        }
        #expect(eventually { recorder.isFailing })
        #expect(recorder.giveUp(10) == 3)
        isFull.store(false, ordering: .releasing)
        #expect(eventually { !recorder.isFailing })
        #expect(written.withLock { $0 } == ["1.0", "1.1", "1.2"])
        #expect(recorder.giveUp(10) == 10)
        #expect(!recorder.owe(10))
    }

    private func eventually(_ condition: () -> Bool) -> Bool {
        let limit = ContinuousClock.now + .seconds(30)
        while !condition() {
            guard ContinuousClock.now < limit else { return false }
            usleep(1_000)
        }
        return true
    }
}

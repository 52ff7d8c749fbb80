// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Testing

@Suite struct DeliveryTests {
    let bench = Workbench()

    private func analysed() throws -> (StudyIndex, Delivery) {
        let index = try bench.open()
        try index.analyse(try index.receive(), results: [segmentation()])
        return (index, try #require(try index.dueDeliveries(to: "pacs").first))
    }

    @Test("A delivery is sent, proven and done; each step is there after a crash")
    func path() throws {
        let (index, delivery) = try analysed()
        #expect(delivery.path == "results/2.25.9" && delivery.digest == "d1" && delivery.size == 10)
        #expect(try bench.crashed().open().dueDeliveries(to: "pacs") == [delivery])
        #expect(try index.beginSending(delivery.id))
        #expect(try index.dueDeliveries(to: "pacs").isEmpty)
        try index.sent(delivery.id, status: .success)
        #expect(try bench.crashed().open().sentDeliveries(to: "pacs").map(\.id) == [delivery.id])
        let transaction = UID.of("2.25.77")
        try index.requestCommitment([delivery.id], transactionUID: transaction)
        #expect(try bench.crashed().open().deliveries(inTransaction: transaction).map(\.id) == [delivery.id])
        try index.committed(delivery.id, by: .storageCommitment)
        let shown = try #require(try bench.crashed().open().only().results.first?.deliveries.first)
        #expect(shown.state == .committed && shown.lastStatus == "0000")
        #expect(try index.sentDeliveries(to: "pacs").isEmpty)
        #expect(
            try index.events(studyInstanceUID: "1.1").filter { $0.kind == .delivered }.map(\.detail) == [
                "pacs sent", "pacs storageCommitment",
            ])
    }

    @Test("A send that the daemon did not survive is pending again, with its response unseen")
    func interrupted() throws {
        let (index, delivery) = try analysed()
        #expect(try index.beginSending(delivery.id))
        let again = try bench.crashed().open()
        #expect(try again.dueDeliveries(to: "pacs").isEmpty)
        #expect(try again.resume().sends == 1)
        let due = try #require(try again.dueDeliveries(to: "pacs").first)
        #expect(due.responseUnseen && due.attempts == 1)
        // The destination cannot be reached: that says nothing about the send before.
        #expect(try again.beginSending(due.id))
        try again.notSent(due.id, status: nil, comment: "connection refused", retryAfter: .zero)
        #expect(try again.dueDeliveries(to: "pacs").first?.responseUnseen == true)
        // An answer does.
        #expect(try again.beginSending(due.id))
        try again.notSent(due.id, status: .outOfResources, comment: "full", retryAfter: .zero)
        let refused = try #require(try again.dueDeliveries(to: "pacs").first)
        #expect(!refused.responseUnseen && refused.lastStatus == "A700" && refused.attempts == 3)
        // Found by a query: done without being sent again.
        try again.committed(due.id, by: .query)
        #expect(try again.dueDeliveries(to: "pacs").isEmpty)
    }

    @Test("A failed attempt waits for its time, on the monotonic clock, and a reboot ends the wait")
    func backOff() throws {
        let (index, delivery) = try analysed()
        #expect(try index.beginSending(delivery.id))
        try index.responseUnseen(delivery.id, comment: "lost", retryAfter: .seconds(60))
        bench.stepWallClock(seconds: 86_400)
        #expect(try index.dueDeliveries(to: "pacs").isEmpty)
        #expect(try index.nextDeliveryDue(to: "pacs") == bench.now.monotonic + 60_000_000_000)
        #expect(try bench.crashed().open(boot: "boot-2").dueDeliveries(to: "pacs").count == 1)
        bench.advance(seconds: 60)
        #expect(try index.dueDeliveries(to: "pacs").first?.responseUnseen == true)
    }

    @Test("A parked delivery stays until somebody asks for it")
    func parked() throws {
        let (index, delivery) = try analysed()
        #expect(try index.beginSending(delivery.id))
        try index.notSent(delivery.id, status: .cannotUnderstand, comment: "no", retryAfter: nil)
        #expect(try index.dueDeliveries(to: "pacs").isEmpty && index.nextDeliveryDue(to: "pacs") == nil)
        #expect(try index.counts().deliveries == ["failed": 1])
        #expect(try index.destinations().first?.lastComment == "C000 no")
        #expect(try index.retry(delivery.id))
        #expect(try !index.retry(delivery.id))
        #expect(try index.dueDeliveries(to: "pacs").count == 1)
    }

    @Test("A destination that turns out not to hold an object gets it again")
    func sendAgain() throws {
        let (index, delivery) = try analysed()
        #expect(try index.beginSending(delivery.id))
        try index.sent(delivery.id, status: .success)
        try index.sendAgain(delivery.id, comment: "no such object instance", after: .zero)
        #expect(try index.dueDeliveries(to: "pacs").map(\.id) == [delivery.id])
    }

    @Test(
        "The same object from another run is the same result, and is not sent twice; other bytes under its UID are an error"
    )
    func sameObject() throws {
        let (index, delivery) = try analysed()
        #expect(try index.beginSending(delivery.id))
        try index.sent(delivery.id, status: .success)
        try index.analyse(try index.receive(1, from: 3), results: [segmentation()])
        #expect(try index.only().results.count == 1)
        #expect(try index.only().results[0].isSuperseded == false)
        #expect(try index.dueDeliveries(to: "pacs").isEmpty)
        let evidence = try index.receive(1, from: 4)
        #expect(throws: IndexError.self) { try index.analyse(evidence, results: [segmentation(digest: "other")]) }
        // The failed transaction changed nothing: the job is still running.
        #expect(try index.only().state == .analysing)
    }
}

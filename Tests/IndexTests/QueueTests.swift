// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Testing

/// Which jobs wait, with what decides their order, and what becomes of runs that are stopped.
@Suite struct QueueTests {
    let bench = Workbench()

    /// A series with its final run queued.
    @discardableResult
    private func queued(_ index: StudyIndex, study: String = "1.1", series: String = "1.1.1") throws -> SeriesEvidence {
        let evidence = try index.receive(study: study, series: series)
        #expect(try index.markComplete(evidence.id, revision: evidence.revision, evidence: "quiet") == .done)
        #expect(try index.enqueue(evidence.id, revision: evidence.revision, models: [model], run: .final) == .done)
        return evidence
    }

    @Test("A waiting job comes with its study's priority, the peer that sent it and how long it waits")
    func facts() throws {
        let index = try bench.open()
        for number in 0..<2 {
            let uid = "1.1.1.\(number)"
            _ = try index.record(
                header(uid), file: file(uid), callingAETitle: AETitle(literal: number == 0 ? "ER" : "X"))
        }
        let evidence = try index.evidence()
        #expect(try index.enqueue(evidence.id, revision: 2, models: [model], run: .provisional) == .done)
        bench.advance(seconds: 40)
        bench.stepWallClock(seconds: 3600)
        let waiting = try #require(try index.queue().first)
        #expect(waiting.callingAETitle == "ER" && waiting.waited == 40 && waiting.priority == .routine)
        #expect(waiting.run == .provisional && waiting.model == model && waiting.series == evidence.id)
        #expect(try index.beginAttempt(waiting.id))
        _ = try index.finish(waiting.id, .analysed(findings: [bleed()], results: [], notes: [], engineSeconds: 1))
        #expect(try index.enqueue(evidence.id, revision: 2, models: [model], run: .final) == .done)
        #expect(try index.queue().map(\.priority) == [.critical])
        #expect(try index.queue().map(\.waited) == [0])
    }

    @Test("After a restart the wait goes on, and in another boot it begins with the start")
    func restarts() throws {
        let index = try bench.open()
        try queued(index)
        bench.advance(seconds: 30)
        let restarted = try bench.crashed()
        let second = try restarted.open()
        restarted.advance(seconds: 5)
        #expect(try second.queue().map(\.waited) == [35])
        let rebooted = try bench.crashed()
        let third = try rebooted.open(boot: "boot-2")
        rebooted.advance(seconds: 7)
        #expect(try third.queue().map(\.waited) == [7])
    }

    @Test("A run over instances that are no longer all is wanted while nobody waits for its worker")
    func wanted() throws {
        let index = try bench.open()
        let evidence = try queued(index)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        #expect(try index.isWanted(job.id))
        // Others wait, but it is the run over all instances.
        try queued(index, study: "1.2", series: "1.2.1")
        #expect(try index.isWanted(job.id))
        try index.receive(1, from: 3)
        #expect(try !index.isWanted(job.id))
        let other = try #require(try index.nextJob())
        #expect(try index.beginAttempt(other.id))
        #expect(try index.isWanted(job.id))
        let later = try index.evidence()
        #expect(later.id == evidence.id && later.revision == 4)
        #expect(try index.markComplete(later.id, revision: 4, evidence: "quiet") == .done)
        #expect(try index.enqueue(later.id, revision: 4, models: [model], run: .final) == .done)
        #expect(try !index.isWanted(job.id))
        #expect(try index.finish(job.id, .stopped) == .superseded)
        #expect(try !index.isWanted(job.id))
        // The final run over all instances is not lost with it.
        let final = try #require(try index.nextJob())
        #expect(final.revision == 4 && final.run == .final)
        #expect(try index.beginAttempt(final.id))
        #expect(
            try index.finish(final.id, .analysed(findings: [], results: [], notes: [], engineSeconds: 1)) == .recorded)
        #expect(try index.worklist().first { $0.studyInstanceUID == .of("1.1") }?.state == .analysed)
    }

    @Test("A run of a study that was blocked is not wanted, whoever waits")
    func blocked() throws {
        let index = try bench.open()
        try queued(index)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        _ = try index.record(header("1.1.1.0"), file: file("x", pixels: 9))
        #expect(try !index.isWanted(job.id))
        #expect(
            try index.finish(job.id, .stopped) == .blocked(reason: "an instance was sent again with another PixelData"))
        #expect(try index.queue().isEmpty && index.only().runs.isEmpty)
    }

    @Test("A run that was stopped although it is wanted goes back to the queue, and no attempt is spent")
    func stoppedInVain() throws {
        let index = try bench.open()
        try queued(index)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        #expect(try index.finish(job.id, .stopped) == .queuedAgain)
        #expect(try index.nextJob() == job)
    }

    @Test("What a job waits for is the reason of its series until it runs")
    func waits() throws {
        let index = try bench.open()
        try queued(index)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        try index.returnToQueue(job.id, reason: "waits, the server does not answer")
        #expect(try index.only().state == .waiting)
        #expect(try index.only().reason == "head-ct: waits, the server does not answer")
        #expect(try index.nextJob()?.workerDeaths == 0)
        #expect(try index.beginAttempt(job.id))
        #expect(try index.only().state == .analysing && index.only().reason == "")
        _ = try index.finish(job.id, .analysed(findings: [], results: [], notes: [], engineSeconds: 1))
        #expect(try index.only().state == .analysed && index.only().reason == "")
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Testing

/// Runs that read several series of a study: T1 (1.1.1) is the one that they belong to, FLAIR (1.1.2) is read with it.
@Suite struct CompanionTests {
    let bench = Workbench()

    private func complete(_ index: StudyIndex, _ series: String, from first: Int = 0) throws -> SeriesEvidence {
        let evidence = try index.receive(from: first, series: series)
        #expect(try index.markComplete(evidence.id, revision: evidence.revision, evidence: "quiet") == .done)
        return try index.evidence(series: series)
    }

    private func input(_ evidence: SeriesEvidence) -> JobInput {
        JobInput(series: evidence.id, arrivalSequence: evidence.lastArrivalSequence)
    }

    private func enqueue(_ index: StudyIndex, _ t1: SeriesEvidence, with flair: SeriesEvidence) throws {
        #expect(
            try index.enqueue(
                t1.id, revision: t1.revision, models: [model], inputs: [model: [input(flair)]], run: .final,
                companions: .settled) == .done)
    }

    private func state(_ index: StudyIndex, _ series: String) throws -> SeriesState? {
        try index.only().series.first { $0.seriesInstanceUID == .of(series) }?.state
    }

    /// T1 has been analysed with FLAIR, which nobody claims by itself.
    private func analysed(_ index: StudyIndex) throws -> (t1: SeriesEvidence, flair: SeriesEvidence) {
        let flair = try complete(index, "1.1.2")
        #expect(try index.conclude(flair.id, revision: 3, as: .outOfScope(reason: "no")) == .done)
        let t1 = try complete(index, "1.1.1")
        try enqueue(index, t1, with: flair)
        let job = try #require(try index.nextJob())
        #expect(try index.inputs(of: job.id) == [input(flair)])
        #expect(try index.beginAttempt(job.id))
        #expect(
            try index.finish(
                job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 1))
                == .recorded)
        #expect(try state(index, "1.1.1") == .analysed && index.openSeries().isEmpty)
        return (t1, flair)
    }

    @Test("A series that waits for another is looked at again and is not settled meanwhile")
    func held() throws {
        let index = try bench.open()
        let t1 = try complete(index, "1.1.1")
        #expect(try index.hold(t1.id, revision: 3, reason: "waits for FLAIR") == .done)
        #expect(try index.openSeries().map(\.id) == [t1.id])
        #expect(try index.only().state == .waiting && index.only().reason == "waits for FLAIR")
        // Another package does not wait.
        #expect(try index.enqueue(t1.id, revision: 3, models: [model], run: .final, companions: .awaited) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        _ = try index.finish(job.id, .analysed(findings: [], results: [], notes: [], engineSeconds: 1))
        #expect(try index.only().state == .waiting && index.openSeries().map(\.id) == [t1.id])
        // It turns out that none comes.
        #expect(try index.enqueue(t1.id, revision: 3, models: [model], run: .final, companions: .settled) == .done)
        #expect(try index.only().state == .analysed && index.openSeries().isEmpty)
    }

    @Test("A series that was missing opens the other again, over a restart as well")
    func late() throws {
        let index = try bench.open()
        let t1 = try complete(index, "1.1.1")
        let reason = SeriesVerdict.notAnalysed(reason: "no series for channel FLAIR")
        #expect(try index.conclude(t1.id, revision: 3, as: reason, companions: .settled) == .done)
        #expect(try index.openSeries().isEmpty)
        let flair = try complete(index, "1.1.2")
        let reopened = try bench.crashed().open()
        #expect(try reopened.openSeries().map(\.id).contains(t1.id))
        #expect(try reopened.companions(of: t1.id).map(\.id) == [flair.id])
        try enqueue(reopened, t1, with: flair)
        #expect(try state(reopened, "1.1.1") == .waiting)
        #expect(try !reopened.openSeries().map(\.id).contains(t1.id))
        #expect(try reopened.queue().map(\.series) == [t1.id])
    }

    @Test("A series that no package reads with others is left alone by what comes later")
    func alone() throws {
        let index = try bench.open()
        try index.analyse(try index.receive())
        let other = try complete(index, "1.1.2")
        #expect(try index.openSeries().map(\.id) == [other.id])
    }

    @Test("A late instance of the other series keeps a waiting run from beginning, and renewing it supersedes")
    func renewed() throws {
        let index = try bench.open()
        let (t1, flair) = try analysed(index)
        try index.receive(1, from: 3, series: "1.1.2")
        // Looked at, and found to have read what is no longer all.
        #expect(try index.openSeries().map(\.id).contains(t1.id))
        let read = try index.finalInputs(of: t1.id, revision: 3)
        #expect(read == [model: [input(flair)]])
        #expect(try index.renew(t1.id, revision: 3, reason: "FLAIR has changed") == .done)
        #expect(try index.renew(t1.id, revision: 3, reason: "FLAIR has changed") == .stale)
        #expect(try state(index, "1.1.1") == .waiting)
        #expect(try index.only().runs == ["superseded final"] && index.only().priority == .critical)

        let more = try index.evidence(series: "1.1.2")
        #expect(try index.markComplete(more.id, revision: more.revision, evidence: "quiet") == .done)
        let again = try index.evidence(series: "1.1.1")
        #expect(again.revision == 4 && again.instances == t1.instances)
        try enqueue(index, again, with: more)
        let job = try #require(try index.nextJob())
        #expect(try index.inputs(of: job.id) == [input(more)] && index.beginAttempt(job.id))
        #expect(
            try index.finish(job.id, .analysed(findings: [], results: [], notes: [], engineSeconds: 1)) == .recorded)
        #expect(try index.only().results.map(\.isSuperseded) == [true])
        #expect(try index.only().priority == .critical && state(index, "1.1.1") == .analysed)
    }

    @Test("A run whose other series changes is not begun, not wanted once another waits, and not recorded")
    func stale() throws {
        let index = try bench.open()
        let flair = try complete(index, "1.1.2")
        #expect(try index.conclude(flair.id, revision: 3, as: .outOfScope(reason: "no")) == .done)
        let t1 = try complete(index, "1.1.1")
        try enqueue(index, t1, with: flair)
        let job = try #require(try index.nextJob())
        let before = try bench.crashed().open()
        try before.receive(1, from: 3, series: "1.1.2")
        #expect(try before.queue().isEmpty && !before.beginAttempt(job.id))

        #expect(try index.beginAttempt(job.id))
        try index.receive(1, from: 3, series: "1.1.2")
        #expect(try index.isWanted(job.id))
        let other = try index.receive(study: "1.2", series: "1.2.1")
        #expect(try index.enqueue(other.id, revision: 3, models: [model], run: .final) == .done)
        #expect(try !index.isWanted(job.id))
        #expect(
            try index.finish(
                job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 1))
                == .superseded)
        #expect(try index.worklist().flatMap(\.results).isEmpty)
    }

    @Test("Two series that are read with each other do not renew each other for ever")
    func mutual() throws {
        let index = try bench.open()
        let (t1, flair) = try analysed(index)
        try enqueue(index, flair, with: t1)
        #expect(try index.renew(t1.id, revision: 3, reason: "x") == .done)
        #expect(try index.queue().map(\.series) == [flair.id])
        #expect(try index.finalInputs(of: flair.id, revision: 3)[model] == [input(try index.evidence(series: "1.1.1"))])
    }
}

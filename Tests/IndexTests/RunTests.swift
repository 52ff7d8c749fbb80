// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Testing

/// Decision 8, and what becomes of jobs.
@Suite struct RunTests {
    let bench = Workbench()

    @Test("A series goes from arriving to analysed, and the ledger has every time")
    func wholePath() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.only().state == .arriving)
        bench.advance(seconds: 10)
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "10 s without an instance") == .done)
        #expect(try index.only().state == .waiting)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(job.model == model && job.revision == 3 && job.seriesInstanceUID == evidence.seriesInstanceUID)
        #expect(try index.beginAttempt(job.id))
        #expect(try index.only().state == .analysing)
        #expect(try index.nextJob() == nil)
        bench.advance(seconds: 2)
        #expect(
            try index.finish(
                job.id,
                .analysed(
                    findings: [bleed()], results: [segmentation(to: ["pacs", "vna"])], notes: [], engineSeconds: 1.5))
                == .recorded)
        let study = try index.only()
        #expect(study.state == .analysed && study.runs == ["final"] && study.priority == .critical)
        #expect(study.findings == [bleed()])
        #expect(study.results.flatMap(\.deliveries).map(\.destination) == ["pacs", "vna"])
        let run = study.series[0].runs[0]
        #expect(run.engineSeconds == 1.5 && run.endedAt == bench.now.wall && study.worklistChangedAt == bench.now.wall)
        #expect(run.secondsToNotification == 12)
        #expect(study.series[0].evidence == "10 s without an instance" && study.series[0].models == [model])
        let kinds = try index.events(studyInstanceUID: "1.1").map(\.kind)
        #expect(
            kinds == [
                .firstInstance, .firstInstance, .lastInstance, .complete, .worklistChanged, .analysisStarted,
                .worklistChanged,
                .analysisEnded, .worklistChanged,
            ])
        #expect(try index.finish(job.id, .failed(reason: "late")) == .alreadyEnded)
        #expect(try index.openSeries().isEmpty)
    }

    @Test("The same job is queued once, however often it is asked for")
    func idempotent() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        for _ in 0..<3 { #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done) }
        #expect(try index.counts().jobs == ["queued": 1])
    }

    @Test("A verdict over a revision that has passed is stale")
    func stale() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        try index.receive(1, from: 3)
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "") == .stale)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .stale)
        #expect(try index.conclude(evidence.id, revision: 3, as: .outOfScope(reason: "")) == .stale)
        #expect(try index.only().state == .arriving)
    }

    @Test("A late instance reopens an analysed series; its next run supersedes findings and undelivered results")
    func late() throws {
        let index = try bench.open()
        try index.analyse(try index.receive(), results: [segmentation("2.25.1"), segmentation("2.25.2")])
        let sent = try index.dueDeliveries(to: "pacs")[0]
        #expect(try index.beginSending(sent.id))
        try index.sent(sent.id, status: .success)

        let evidence = try index.receive(1, from: 3)
        #expect(evidence.state == .arriving && evidence.run == .superseded)
        #expect(try index.only().runs == ["superseded final"])
        // What was not delivered yet is held, as the series will run again.
        #expect(try index.dueDeliveries(to: "pacs").isEmpty)

        try index.analyse(evidence, findings: [bleed()], results: [segmentation("2.25.3")])
        let study = try index.only()
        #expect(study.state == .analysed && study.runs == ["superseded final", "final"])
        #expect(study.results.map(\.isSuperseded) == [true, true, false])
        #expect(study.results.map { $0.deliveries[0].state } == [.sent, .withdrawn, .pending])
        #expect(try index.dueDeliveries(to: "pacs").map(\.sopInstanceUID.string) == ["2.25.3"])
        #expect(try index.supersededDeliveries().map(\.sopInstanceUID.string) == ["2.25.1"])
    }

    @Test("Instances that arrive while a job runs make it superseded: it raises the priority and delivers nothing")
    func lateWhileRunning() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "") == .done)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        let later = try index.receive(1, from: 3)
        #expect(
            try index.finish(
                job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 1))
                == .superseded)
        let study = try index.only()
        #expect(study.priority == .critical && study.state == .arriving && study.results.isEmpty)
        #expect(study.runs == ["superseded final"])
        try index.analyse(later, findings: [])
        // Both outcomes are there to be shown.
        #expect(try index.only().series[0].runs.map(\.findings) == [[bleed()], []])
        #expect(try index.only().runs == ["superseded final", "final"])
        #expect(try index.only().priority == .critical)
    }

    @Test("Instances that arrive before a queued job begins take it out of the queue")
    func lateWhileQueued() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .provisional) == .done)
        let job = try #require(try index.nextJob())
        try index.receive(1, from: 3)
        #expect(try index.nextJob() == nil)
        #expect(try !index.beginAttempt(job.id))
    }

    @Test(
        "A provisional run raises the priority and delivers nothing; its critical finding stays shown when the final run finds nothing"
    )
    func provisional() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        try index.analyse(evidence, run: .provisional, results: [segmentation()])
        var study = try index.only()
        #expect(study.state == .arriving && study.runs == ["provisional"] && study.priority == .critical)
        #expect(study.results.isEmpty)
        try index.analyse(evidence, findings: [])
        study = try index.only()
        #expect(
            study.state == .analysed && study.runs == ["superseded provisional", "final"] && study.priority == .critical
        )
        #expect(study.series[0].runs.map(\.findings) == [[bleed()], []])
    }

    @Test("A provisional run that ends after the final one changes nothing but the priority")
    func overtaken() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .provisional) == .done)
        let early = try #require(try index.nextJob())
        #expect(try index.beginAttempt(early.id))
        try index.analyse(evidence, findings: [bleed(.urgent)], results: [segmentation()])
        #expect(
            try index.finish(
                early.id, .analysed(findings: [bleed(.critical)], results: [], notes: [], engineSeconds: 1))
                == .superseded)
        let study = try index.only()
        #expect(
            study.runs == ["final", "superseded provisional"] && study.priority == .critical && study.state == .analysed
        )
        #expect(study.findings == [bleed(.urgent)])
        #expect(try index.dueDeliveries(to: "pacs").count == 1)
    }

    @Test("Each series of a study goes its own way")
    func severalSeries() throws {
        let index = try bench.open()
        let first = try index.receive()
        let second = try index.receive(series: "1.1.2")
        let scout = try index.receive(1, series: "1.1.3")
        try index.analyse(first)
        #expect(try index.conclude(scout.id, revision: 1, as: .outOfScope(reason: "no package claims it")) == .done)
        #expect(try index.only().series.map(\.state) == [.analysed, .arriving, .outOfScope])
        #expect(try index.markComplete(second.id, revision: 3, evidence: "") == .done)
        #expect(try index.conclude(second.id, revision: 3, as: .notAnalysed(reason: "a gap of 5 mm")) == .done)
        #expect(try index.only().series.map(\.state) == [.analysed, .notAnalysed, .outOfScope])
        #expect(try index.only().series.map(\.reason) == ["", "a gap of 5 mm", "no package claims it"])
        // A later instance of it, and now it runs.
        try index.analyse(try index.receive(1, from: 3, series: "1.1.2"), findings: [])
        #expect(try index.only().series.map(\.state) == [.analysed, .analysed, .outOfScope])
        #expect(try index.only().series[1].reason == "")
    }

    @Test("With two packages a series is analysed when both have run; a refusal by one is the series' reason")
    func severalPackages() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        let other = ModelIdentity(
            name: "fracture", version: "1", manufacturer: "m", digest: "def", isDemonstration: false)
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "") == .done)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model, other], run: .final) == .done)
        let first = try #require(try index.nextJob())
        #expect(try index.beginAttempt(first.id))
        #expect(
            try index.finish(first.id, .analysed(findings: [bleed()], results: [], notes: [], engineSeconds: 1))
                == .recorded)
        #expect(try index.only().state == .waiting)
        let second = try #require(try index.nextJob())
        #expect(try index.beginAttempt(second.id))
        #expect(try index.finish(second.id, .refused(reason: "slices too thick")) == .recorded)
        let study = try index.only()
        #expect(study.state == .notAnalysed && study.reason == "fracture: slices too thick")
        // The other package's finding is not superseded by it.
        #expect(study.findings == [bleed()])
    }

    @Test("A late instance whose run is refused leaves the earlier results to a person")
    func refusedLater() throws {
        let index = try bench.open()
        try index.analyse(try index.receive(), results: [segmentation()])
        let evidence = try index.receive(1, from: 3)
        #expect(try index.markComplete(evidence.id, revision: 4, evidence: "") == .done)
        #expect(try index.enqueue(evidence.id, revision: 4, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        #expect(try index.finish(job.id, .refused(reason: "duplicate position")) == .recorded)
        let study = try index.only()
        #expect(study.results.map(\.review) == ["a later run was refused: duplicate position"])
        #expect(study.priority == .critical && study.runs == ["superseded final"])
        #expect(try index.dueDeliveries(to: "pacs").isEmpty)
    }

    @Test("A worker may die once under a job; the second death fails it, visibly")
    func workerDeaths() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "") == .done)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        #expect(try index.attemptDied(job.id, reason: "killed by signal 9") == .queuedAgain)
        #expect(try index.nextJob()?.workerDeaths == 1)
        #expect(try index.beginAttempt(job.id))
        let reason = "the worker died 2 times, last: killed by signal 9"
        #expect(try index.attemptDied(job.id, reason: "killed by signal 9") == .failed(reason: reason))
        #expect(try index.only().state == .failed)
        #expect(try index.only().reason == "head-ct: " + reason)
        #expect(try index.nextJob() == nil)
    }

    @Test("Deaths of the daemon do not count as attempts, but have a cap of their own")
    func daemonDeaths() throws {
        var index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "") == .done)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        var benches = [bench]
        for death in 1...3 {
            let job = try #require(try index.nextJob())
            #expect(job.workerDeaths == 0)
            #expect(try index.beginAttempt(job.id))
            benches.append(try benches[death - 1].crashed())
            index = try benches[death].open()
            // Until it is told of the interruption, nothing runs twice.
            #expect(try index.nextJob() == nil)
            let interruption = try index.resume()
            #expect(interruption == (death < 3 ? Interruption(queuedAgain: 1) : Interruption(failed: 1)))
        }
        #expect(try index.only().state == .failed)
        #expect(try index.only().reason == "head-ct: the daemon ended 3 times while this job ran")
    }

    @Test("A study that is blocked while a job runs keeps nothing of that run")
    func blockedWhileRunning() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.markComplete(evidence.id, revision: 3, evidence: "") == .done)
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        _ = try index.record(header("1.1.1.0"), file: file("x", pixels: 9))
        let reason = "an instance was sent again with another PixelData"
        #expect(
            try index.finish(
                job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 1))
                == .blocked(reason: reason))
        let study = try index.only()
        #expect(study.runs.isEmpty && study.results.isEmpty && study.priority == .routine && study.blocks == [reason])
        // Somebody still has to conclude the series.
        #expect(try index.openSeries().map(\.id) == [evidence.id])
        #expect(try index.conclude(evidence.id, revision: 3, as: .notAnalysed(reason: reason)) == .done)
        #expect(try index.openSeries().isEmpty)
    }

    @Test("An acknowledgement covers the outcomes that were on display, and no later one")
    func acknowledgement() throws {
        let index = try bench.open()
        try index.analyse(try index.receive())
        #expect(try index.acknowledge(.of("1.1"), by: "Dr. A", through: nil) == bench.now.wall)
        let run = try #require(try index.only().series[0].runs.first)
        let acknowledgement = try #require(try index.only().acknowledgement)
        #expect(
            acknowledgement.by == "Dr. A" && acknowledgement.at == bench.now.wall
                && acknowledgement.through == run.sequence)
        try index.analyse(try index.receive(series: "1.1.2"), findings: [bleed(code: "59282003")])
        let later = try #require(try index.only().series[1].runs.first)
        #expect(later.sequence > run.sequence)
        // However old, it is in the list again: nobody has seen what came since.
        #expect(try index.worklist(since: bench.now.wall + 1).count == 1)
        #expect(try index.acknowledge(.of("1.1"), by: "Dr. B", through: later.sequence) != nil)
        #expect(try index.worklist(since: bench.now.wall + 1).isEmpty)
        #expect(try index.acknowledge(.of("9.9"), by: "x", through: nil) == nil)
    }

    @Test("A job that a worker could not be started for goes back to the queue and loses no attempt")
    func returned() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.enqueue(evidence.id, revision: 3, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        try index.returnToQueue(job.id)
        #expect(try index.nextJob() == job)
    }

    @Test("A copy that comes after the run changes no time of it")
    func copyAfterRun() throws {
        let index = try bench.open()
        try index.analyse(try index.receive())
        let before = try index.only()
        bench.advance(seconds: 100)
        #expect(try index.record(header("1.1.1.0"), file: file("c", header: 9)) == .coercedCopy)
        #expect(try index.only() == before)
    }

    @Test("The quiet time goes on over a restart of the daemon, and begins anew after a reboot")
    func quietTime() throws {
        let index = try bench.open()
        try index.receive()
        let arrived = bench.now
        bench.advance(seconds: 60)
        #expect(try bench.crashed().open().openSeries().map(\.lastInstance) == [arrived])
        #expect(
            try bench.crashed().open(boot: "boot-2").openSeries().map(\.lastInstance.monotonic) == [bench.now.monotonic]
        )
    }
}

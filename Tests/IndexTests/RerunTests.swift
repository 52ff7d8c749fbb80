// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Testing

@Suite("Runs that are asked for, and what they take back") struct RerunTests {
    let bench = Workbench()

    private func delivered(_ index: StudyIndex) throws -> Delivery {
        try index.analyse(try index.receive(), results: [segmentation()])
        let delivery = try #require(try index.dueDeliveries(to: "pacs").first)
        #expect(try index.beginSending(delivery.id))
        try index.sent(delivery.id, status: .success, next: (.commit, .zero))
        try index.committed(delivery.id, by: .storageCommitment)
        return delivery
    }

    @Test("A run that is asked for states the time of the first one; the same object is not sent again [RERUN-1]")
    func same() throws {
        let index = try bench.open()
        _ = try delivered(index)
        let first = try #require(try index.job(JobID(rawValue: 1)))
        bench.advance(seconds: 3600)
        #expect(try index.rerun(studyInstanceUID: .of("1.1")) == .begun(series: 1))
        #expect(try index.only().state == .waiting)
        // Once is enough.
        guard case .refused = try index.rerun(studyInstanceUID: .of("1.1")) else {
            Issue.record("a second run was begun")
            return
        }
        let evidence = try index.evidence()
        #expect(try index.enqueue(evidence.id, revision: evidence.revision, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(job.contentAt == first.contentAt && job.queuedAt > first.queuedAt)
        #expect(try index.beginAttempt(job.id))
        #expect(
            try index.finish(
                job.id, .analysed(findings: [bleed()], results: [segmentation()], notes: [], engineSeconds: 0))
                == .recorded)
        #expect(try index.only().state == .analysed)
        #expect(try index.only().results.map(\.isSuperseded) == [false])
        // Whoever waited was told by the first run.
        let times = try index.only().series.flatMap(\.runs).map(\.secondsToNotification)
        #expect(times.count == 2 && times[0] ?? 3600 < 3600 && times[1] ?? 0 >= 3600, "\(times)")
        #expect(try index.dueDeliveries(to: "pacs").isEmpty && index.superseded(at: "pacs").isEmpty)
        #expect(try index.only().results[0].deliveries[0].state == .committed)
    }

    @Test("A run over other instances states a time of its own")
    func other() throws {
        let index = try bench.open()
        _ = try delivered(index)
        bench.advance(seconds: 60)
        let evidence = try index.receive(1, from: 3)
        #expect(try index.enqueue(evidence.id, revision: evidence.revision, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(job.contentAt == job.queuedAt)
    }

    @Test("What a later run replaced is taken back once where it was delivered, and not where it never was [RETRACT-1]")
    func retracted() throws {
        let index = try bench.open()
        let former = try delivered(index)
        try index.analyse(try index.receive(1, from: 3), results: [segmentation("2.25.10", digest: "d2")])
        let superseded = try #require(try index.superseded(at: "pacs").first)
        #expect(superseded.deliveries.map(\.id) == [former.id] && superseded.studyInstanceUID == .of("1.1"))
        #expect(try index.superseded(at: "elsewhere").isEmpty)
        let note = ResultFile(
            sopClassUID: .of("1.2.840.10008.5.1.4.1.1.88.59"), sopInstanceUID: .of("2.25.11"),
            seriesInstanceUID: .of("2.25.12"), transferSyntaxUID: .of(explicitLittleEndian), path: "results/2.25.11",
            size: 1, digest: "d3", destinations: ["pacs"])
        try index.retract(superseded, by: note)
        #expect(try index.superseded(at: "pacs").isEmpty)
        #expect(try index.dueDeliveries(to: "pacs").map(\.sopInstanceUID.string) == ["2.25.10", "2.25.11"])
        let shown = try index.only().results
        #expect(shown.first { $0.isSuperseded }?.deliveries.map(\.isRetracted) == [true])
        // The note goes out although the series changes again, and is not taken back itself.
        try index.analyse(try index.receive(1, from: 4), results: [segmentation("2.25.13", digest: "d4")])
        #expect(try index.dueDeliveries(to: "pacs").map(\.sopInstanceUID.string) == ["2.25.11", "2.25.13"])
        #expect(try index.superseded(at: "pacs").isEmpty)
    }

    /// Runs the series again by another package, or by the same, with objects that its content time makes.
    private func again(_ index: StudyIndex, by model: ModelIdentity) throws -> (answer: FinishAnswer, contentAt: Int64)
    {
        let evidence = try index.evidence()
        _ = try index.enqueue(evidence.id, revision: evidence.revision, models: [model], run: .final)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        let uid = "2.25.\(job.contentAt)"
        let answer = try index.finish(
            job.id,
            .analysed(findings: [bleed()], results: [segmentation(uid, digest: uid)], notes: [], engineSeconds: 0))
        return (answer, job.contentAt)
    }

    @Test(
        "Objects that were taken back never stand again: a run that comes to them makes others, which then stay [RETRACT-2]"
    )
    func takenBack() throws {
        let index = try bench.open()
        let evidence = try index.receive()
        #expect(try index.markComplete(evidence.id, revision: evidence.revision, evidence: "quiet") == .done)
        var other = model
        other.digest = "another"
        let first = try again(index, by: model)
        for delivery in try index.dueDeliveries(to: "pacs") {
            #expect(try index.beginSending(delivery.id))
            try index.sent(delivery.id, status: .success)
        }
        bench.advance(seconds: 60)
        #expect(try index.rerun(studyInstanceUID: .of("1.1")) == .begun(series: 1))
        #expect(try again(index, by: other).answer == .recorded)
        let superseded = try #require(try index.superseded(at: "pacs").first)
        let note = ResultFile(
            sopClassUID: .of("1.2.840.10008.5.1.4.1.1.88.59"), sopInstanceUID: .of("2.25.11"),
            seriesInstanceUID: .of("2.25.12"), transferSyntaxUID: .of(explicitLittleEndian), path: "results/2.25.11",
            size: 1, digest: "d3", destinations: ["pacs"])
        #expect(try index.retract(superseded, by: note))

        // Back to the first package.
        bench.advance(seconds: 60)
        #expect(try index.rerun(studyInstanceUID: .of("1.1")) == .begun(series: 1))
        let tried = try again(index, by: model)
        #expect(tried.answer == .queuedAgain && tried.contentAt == first.contentAt)
        #expect(try index.only().results.filter { !$0.isSuperseded }.count == 2)
        bench.advance(seconds: 1)
        let made = try again(index, by: model)
        #expect(made.answer == .recorded && made.contentAt > tried.contentAt)
        // And again: what stands is made, and not what was first.
        bench.advance(seconds: 60)
        #expect(try index.rerun(studyInstanceUID: .of("1.1")) == .begun(series: 1))
        let last = try again(index, by: model)
        #expect(last.answer == .recorded && last.contentAt == made.contentAt)
    }

    @Test("What stands again by the time that it would be taken back is left alone [RETRACT-2]")
    func stands() throws {
        let index = try bench.open()
        let former = try delivered(index)
        try index.analyse(try index.receive(1, from: 3), results: [segmentation("2.25.10", digest: "d2")])
        let superseded = try #require(try index.superseded(at: "pacs").first)
        try index.analyse(try index.receive(1, from: 4), results: [segmentation()])
        let note = ResultFile(
            sopClassUID: .of("1.2.840.10008.5.1.4.1.1.88.59"), sopInstanceUID: .of("2.25.11"),
            seriesInstanceUID: .of("2.25.12"), transferSyntaxUID: .of(explicitLittleEndian), path: "results/2.25.11",
            size: 1, digest: "d3", destinations: ["pacs"])
        #expect(superseded.deliveries.map(\.id) == [former.id])
        #expect(try !index.retract(superseded, by: note))
        #expect(try index.only().results.allSatisfy { $0.sopInstanceUID.string != "2.25.11" })
    }

    @Test("A study that cannot be analysed now is not, and the reason is said")
    func refused() throws {
        let index = try bench.open()
        #expect(try index.rerun(studyInstanceUID: .of("9.9")) == .noSuchStudy)
        try index.receive()
        #expect(
            try index.rerun(studyInstanceUID: .of("1.1"))
                == .refused(reason: "its series are still arriving, or wait for a run already"))
    }

    // MARK: Reports that others supersede

    private let reportClass = UID.of("1.2.840.10008.5.1.4.1.1.88.34")

    private func report(_ uid: String) -> ResultFile {
        var file = segmentation(uid, digest: "of \(uid)")
        file.sopClassUID = reportClass
        return file
    }

    /// Gives what the run names, before it ends.
    private func run(_ index: StudyIndex, _ outcome: JobOutcome) throws -> [FormerResult] {
        let evidence = try index.evidence()
        #expect(try index.enqueue(evidence.id, revision: evidence.revision, models: [model], run: .final) == .done)
        let job = try #require(try index.nextJob())
        #expect(try index.beginAttempt(job.id))
        let former = try index.formerResults(of: job.id, sopClassUID: reportClass)
        #expect(try index.finish(job.id, outcome) == .recorded)
        return former
    }

    @Test("A report names the last one over other instances, also when the run is repeated [RERUN-5]")
    func predecessors() throws {
        let index = try bench.open()
        func analysed(_ uid: String) -> JobOutcome {
            .analysed(
                findings: [bleed()], results: [segmentation(uid + ".1"), report(uid)], notes: [], engineSeconds: 0)
        }
        try index.receive()
        #expect(try run(index, analysed("2.25.20")).isEmpty)
        bench.advance(seconds: 60)
        try index.receive(1, from: 3)
        let first = try run(index, analysed("2.25.21"))
        #expect(first.map(\.sopInstanceUID.string) == ["2.25.20"] && first.map(\.destinations) == [["pacs"]])
        #expect(first.map(\.seriesInstanceUID) == [report("2.25.20").seriesInstanceUID])
        bench.advance(seconds: 60)
        #expect(try index.rerun(studyInstanceUID: .of("1.1")) == .begun(series: 1))
        #expect(try run(index, analysed("2.25.21")) == first)
        #expect(try index.only().results.count { !$0.isSuperseded } == 2)
    }

    @Test(
        "The report of a refusal takes nothing back but another of its kind, and the next run takes back both [RERUN-4]"
    )
    func refusals() throws {
        let index = try bench.open()
        func standing() throws -> [String] {
            try index.only().results.filter { !$0.isSuperseded }.map(\.sopInstanceUID.string)
        }
        try index.receive()
        _ = try run(index, .analysed(findings: [bleed()], results: [report("2.25.20")], notes: [], engineSeconds: 0))
        for (instance, uid) in [(3, "2.25.21"), (4, "2.25.22")] {
            bench.advance(seconds: 60)
            try index.receive(1, from: instance)
            _ = try run(index, .refused(reason: "a gap", results: [report(uid)]))
            #expect(try standing() == ["2.25.20", uid])
        }
        #expect(try index.dueDeliveries(to: "pacs").map(\.sopInstanceUID.string) == ["2.25.22"])
        bench.advance(seconds: 60)
        try index.receive(1, from: 5)
        let former = try run(
            index, .analysed(findings: [bleed()], results: [report("2.25.23")], notes: [], engineSeconds: 0))
        #expect(former.map(\.sopInstanceUID.string) == ["2.25.20", "2.25.22"])
        #expect(try standing() == ["2.25.23"])
    }

    @Test("The report of a refusal that was taken back does not stand again")
    func refusalTakenBack() throws {
        let index = try bench.open()
        try index.receive()
        _ = try run(index, .refused(reason: "a gap", results: [report("2.25.20")]))
        let delivery = try #require(try index.dueDeliveries(to: "pacs").first)
        #expect(try index.beginSending(delivery.id))
        try index.sent(delivery.id, status: .success, next: (.commit, .zero))
        bench.advance(seconds: 60)
        try index.receive(1, from: 3)
        _ = try run(index, .refused(reason: "two gaps", results: [report("2.25.21")]))
        var note = report("2.25.30")
        note.sopClassUID = .of("1.2.840.10008.5.1.4.1.1.88.59")
        #expect(try index.retract(try #require(try index.superseded(at: "pacs").first), by: note))
        bench.advance(seconds: 60)
        #expect(try index.rerun(studyInstanceUID: .of("1.1")) == .begun(series: 1))
        _ = try run(index, .refused(reason: "a gap", results: [report("2.25.20")]))
        let standing = try index.only().results.filter { !$0.isSuperseded }.map(\.sopInstanceUID.string)
        #expect(standing == ["2.25.30"])
    }

    // MARK: What comes back

    @Test("Results that come back are kept once and alarm nobody, coerced or not [LOOP-1]")
    func returned() throws {
        let index = try bench.open()
        _ = try delivered(index)
        func back(_ patient: String, digest: UInt8) -> RecordOutcome? {
            try? index.record(
                header("2.25.9", series: "2.25.8") {
                    $0.sopClassUID = .of("1.2.840.10008.5.1.4.1.1.66.4")
                    $0.modality = "SEG"
                    $0.patient.patientID = patient
                }, file: file("back-\(patient)-\(digest)", header: digest))
        }
        #expect(back("4711", digest: 1) == .new)
        guard case .duplicate = back("4711", digest: 1) else {
            Issue.record("kept twice")
            return
        }
        // With another patient ID, and other pixels under another identity: somebody's coercion.
        #expect(back("4712", digest: 2) == .coercedCopy)
        let study = try index.only()
        #expect(study.blocks.isEmpty && study.warnings.isEmpty && study.results.allSatisfy { $0.review.isEmpty })
        let series = try #require(study.series.first { $0.seriesInstanceUID.string == "2.25.8" })
        #expect(try index.isReturned(series.id))
        #expect(try !index.isReturned(try #require(study.series.first).id))
        // An image of another patient is still an alarm.
        _ = try index.record(header("1.1.1.77") { $0.patient.patientID = "9" }, file: file("other"))
        #expect(try !index.only().blocks.isEmpty)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Triage

private let model = ModelIdentity(
    name: "head-ct", version: "1.0.0", manufacturer: "m", digest: "00", isDemonstration: false)
private let bleed = Code("1386000", "SCT", "Intracranial hemorrhage")
private let fracture = Code("71642004", "SCT", "Fracture of skull")

private func finding(
    _ code: Code = bleed, _ priority: Priority = .critical, volumeML: Double? = 12, confidence: Double = 0.9
) -> Finding {
    Finding(
        label: code.meaning, code: code, category: Code("1", "SCT", "c"), type: code, confidence: confidence,
        priority: priority,
        volumeML: volumeML)
}

private func run(_ sequence: Int, _ kind: RunKind = .final, _ findings: [Finding]) -> RunOutcome {
    RunOutcome(sequence: sequence, kind: kind, model: model, findings: findings)
}

private func study(
    _ runs: [RunOutcome], state: StudyState = .analysed, floor: Priority = .routine, seenThrough: Int? = nil
) -> StudyTriage {
    StudyTriage(
        StudyEvidence(
            studyInstanceUID: UID(literal: "1.2.3"), arrivalSequence: 7,
            series: [SeriesOutcome(seriesInstanceUID: UID(literal: "1.2.3.1"), state: state, reason: "", runs: runs)],
            priorityFloor: floor, acknowledgement: seenThrough.map { Acknowledgement(by: "Dr. A", seenThrough: $0) }))
}

@Suite struct StudyTriageTests {
    @Test("a critical finding makes the study critical, already from a provisional run")
    func provisional() {
        let triage = study([run(1, .provisional, [finding()])], state: .analysing)
        #expect(triage.priority == .critical)
        #expect(triage.run == .provisional)
        #expect(triage.state == .analysing)
        #expect(triage.reason == "Intracranial hemorrhage by head-ct, provisional")
    }

    @Test("a provisional critical that vanishes stays raised, with both outcomes shown")
    func vanished() {
        let triage = study([run(1, .superseded, [finding()]), run(2, .final, [])])
        #expect(triage.priority == .critical)
        #expect(triage.run == .final)
        #expect(triage.findings.map(\.isGone) == [true])
        #expect(
            triage.reason == "stays critical: Intracranial hemorrhage by an earlier run, then no finding by head-ct")
    }

    @Test("a finding that lessens stays raised and shows both")
    func lessened() {
        let triage = study([run(1, .superseded, [finding()]), run(2, .final, [finding(bleed, .urgent, volumeML: 0.8)])])
        #expect(triage.priority == .critical)
        #expect(triage.findings.map(\.finding.priority) == [.critical, .urgent])
        #expect(triage.findings.map(\.isGone) == [true, false])
    }

    @Test("a finding that the final run confirms is shown once")
    func confirmed() {
        let triage = study([run(1, .superseded, [finding(volumeML: 11)]), run(2, .final, [finding(volumeML: 12)])])
        #expect(triage.findings.map(\.finding.volumeML) == [12])
        #expect(triage.findings.map(\.isGone) == [false])
    }

    @Test(
        "finding nothing lowers no priority that the study has had", arguments: [Priority.routine, .urgent, .critical])
    func floor(priority: Priority) {
        let triage = study([run(1, .final, [])], floor: priority)
        #expect(triage.priority == priority)
        if priority > .routine { #expect(triage.reason == "stays \(priority.rawValue): raised before") }
    }

    @Test("nothing found reads no finding by the package, and never normal")
    func negative() {
        #expect(study([run(1, .final, [])]).reason == "no finding by head-ct")
    }

    @Test("late instances show as superseded until the next run")
    func superseded() {
        let triage = study([run(1, .superseded, [])], state: .arriving)
        #expect(triage.run == .superseded)
        #expect(triage.warnings == ["instances came after the run of head-ct"])
    }

    static let states: [([StudyState], StudyState)] = [
        ([], .arriving), ([.outOfScope, .outOfScope], .outOfScope), ([.outOfScope, .analysed], .analysed),
        ([.analysed, .notAnalysed], .analysed), ([.analysed, .failed], .failed),
        ([.notAnalysed, .outOfScope], .notAnalysed),
        ([.analysed, .arriving], .arriving), ([.failed, .waiting], .waiting), ([.arriving, .analysing], .analysing),
    ]

    @Test("a study is analysed only when every selected series is", arguments: states)
    func state(series: [StudyState], expected: StudyState) {
        #expect(StudyState.of(study: series) == expected)
    }

    @Test("a series that was refused or failed is named beside an analysed one")
    func warnings() {
        let triage = StudyTriage(
            StudyEvidence(
                studyInstanceUID: UID(literal: "1.2.3"), arrivalSequence: 1,
                series: [
                    SeriesOutcome(
                        seriesInstanceUID: UID(literal: "1.1"), state: .analysed, reason: "", runs: [run(1, .final, [])]
                    ),
                    SeriesOutcome(
                        seriesInstanceUID: UID(literal: "1.2"), state: .notAnalysed, reason: "gap of 2 slices"),
                ]))
        #expect(triage.state == .analysed)
        #expect(triage.warnings == ["a series was not analysed: gap of 2 slices"])
    }

    @Test("a failed series gives the study its reason")
    func failed() {
        let triage = StudyTriage(
            StudyEvidence(
                studyInstanceUID: UID(literal: "1.2.3"), arrivalSequence: 1,
                series: [
                    SeriesOutcome(seriesInstanceUID: UID(literal: "1.1"), state: .failed, reason: "worker ended twice")
                ]))
        #expect(triage.state == .failed)
        #expect(triage.reason == "worker ended twice")
        #expect(triage.priority == .routine)
    }
}

@Suite struct AcknowledgementTests {
    @Test("an acknowledgement holds when the final run confirms what was seen")
    func confirmed() {
        #expect(
            study([run(5, .superseded, [finding()]), run(6, .final, [finding(volumeML: 14)])], seenThrough: 5)
                .isAcknowledged)
    }

    static let news: [(String, [Finding], [Finding])] = [
        ("a first finding", [], [finding()]),
        ("another concept", [finding()], [finding(), finding(fracture, .urgent)]),
        ("a raised priority", [finding(bleed, .urgent)], [finding(bleed, .critical)]),
        ("one more of the same", [finding()], [finding(volumeML: 6), finding(volumeML: 6)]),
        ("more than twice the volume", [finding(volumeML: 3)], [finding(volumeML: 6.1)]),
        ("a routine finding", [], [finding(fracture, .routine)]),
    ]

    @Test("a new or worse finding brings the study back", arguments: news)
    func back(what: String, seen: [Finding], now: [Finding]) {
        let runs = [run(5, .superseded, seen), run(6, .final, now)]
        let triage = study(runs, seenThrough: 5)
        #expect(!triage.isAcknowledged, "\(what)")
        #expect(triage.warnings.first == "acknowledged by Dr. A before the newest finding")
        #expect(study(runs, seenThrough: 6).isAcknowledged)
    }

    @Test("a finding that nobody had on display when acknowledging is news")
    func race() {
        #expect(!study([run(6, .final, [finding()])], seenThrough: 0).isAcknowledged)
    }

    @Test("finding less is no news")
    func less() {
        #expect(study([run(5, .superseded, [finding()]), run(6, .final, [])], seenThrough: 5).isAcknowledged)
    }
}

@Suite struct ReadingOrderTests {
    @Test("unacknowledged first, then priority, then arrival, acknowledged last")
    func order() {
        func entry(_ name: Int, _ acknowledged: Bool, _ priority: Priority, _ arrival: Int) -> ReadingOrder {
            ReadingOrder(
                isAcknowledged: acknowledged, priority: priority, arrivalSequence: arrival,
                studyInstanceUID: UID("1.\(name)")!)
        }
        let expected = [
            entry(1, false, .critical, 8), entry(2, false, .critical, 9), entry(3, false, .urgent, 2),
            entry(4, false, .routine, 1),
            entry(5, false, .routine, 3), entry(6, true, .critical, 0), entry(7, true, .routine, 4),
        ]
        #expect(expected.reversed().sorted() == expected)
    }
}

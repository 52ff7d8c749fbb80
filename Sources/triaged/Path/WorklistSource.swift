// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Triage
import Web

/// The worklist as people see it: the index's facts, decided by triage, in reading order.
struct WorklistSource: Sendable {
    let index: StudyIndex

    /// Studies that are settled and routine leave the list after so many seconds.
    static let history = 3 * 86_400.0

    func items() throws -> [WorklistItem] {
        let since = Int64((Date().timeIntervalSince1970 - Self.history) * 1000)
        return Self.inReadingOrder(try index.worklist(since: since))
    }

    func search(_ text: String) throws -> (items: [WorklistItem], isTruncated: Bool) {
        let found = try index.search(text)
        return (Self.inReadingOrder(found.studies), found.isTruncated)
    }

    private static func inReadingOrder(_ studies: [WorklistStudy]) -> [WorklistItem] {
        studies.map { study in
            let triage = StudyTriage(StudyEvidence(study))
            return (triage.order, item(study, triage))
        }.sorted { $0.0 < $1.0 }.map(\.1)
    }

    func acknowledge(_ study: UID, by person: String, through sequence: Int?) throws -> Acknowledged? {
        try index.acknowledge(study, by: person, through: sequence.map(Int64.init)).map {
            Acknowledged(by: person, at: Date(milliseconds: $0))
        }
    }

    static func item(_ study: WorklistStudy, _ triage: StudyTriage) -> WorklistItem {
        var item = WorklistItem(
            studyInstanceUID: study.studyInstanceUID, receivedAt: Date(milliseconds: study.firstInstanceAt),
            state: triage.state, run: triage.run, priority: triage.priority, reason: triage.reason)
        item.patientID = study.patient.patientID
        item.patientName = study.patient.patientName
        item.patientBirthDate = study.patient.patientBirthDate
        item.patientSex = study.patient.patientSex
        item.accessionNumber = study.accessionNumber
        item.modality = study.series.map(\.modality).filter { !$0.isEmpty }.unique.joined(separator: ", ")
        item.studyDescription = study.studyDescription
        item.studyDate = study.studyDate
        item.sequence = Int(study.sequence)
        if triage.isAcknowledged, let acknowledgement = study.acknowledgement {
            item.acknowledged = Acknowledged(by: acknowledgement.by, at: Date(milliseconds: acknowledgement.at))
        }
        let block = study.blocks.isEmpty ? nil : "analysis is blocked: " + study.blocks.joined(separator: "; ")
        if let block, !triage.reason.contains(block) { item.reason = "\(block); \(triage.reason)" }
        item.series = study.series.map { Web.WorklistSeries($0, block: block) }
        item.findings = triage.findings.map(WorklistFinding.init)
        item.results = study.results.filter { !$0.isSuperseded }.flatMap(Self.results)
        let runs = study.series.flatMap(\.runs)
        item.runSequence = Int(runs.map(\.sequence).max() ?? 0)
        item.demonstration = runs.contains { $0.model.isDemonstration }
        item.warnings =
            Self.superseded(study.results) + triage.warnings + study.warnings
            + study.results.filter { !$0.review.isEmpty && !$0.deliveries.isEmpty }.map {
                "a delivered result needs review: \($0.review)"
            }.unique
            + runs.filter { !$0.isSuperseded }.flatMap(\.notes).unique
        item.times = times(study, runs: runs)
        return item
    }

    /// What of earlier runs is still at a destination, or was taken back there.
    private static func superseded(_ results: [Index.WorklistResult]) -> [String] {
        let held = results.filter(\.isSuperseded).flatMap(\.deliveries).filter {
            [.sending, .sent, .committed].contains($0.state)
        }
        let kept = held.filter { !$0.isRetracted }
        let taken = Dictionary(grouping: held.filter(\.isRetracted), by: \.destination)
        return
            (kept.isEmpty
            ? [] : ["\(kept.count) objects of an earlier run are still at a destination; disregard them"])
            + taken.sorted { $0.key < $1.key }.map {
                "\($0.value.count) objects of an earlier run are taken back at \($0.key)"
            }
    }

    /// The run that the reader waited for: the first over the instances as they are now that gave the study its priority.
    private static func times(_ study: WorklistStudy, runs: [WorklistRun]) -> WorklistTimes {
        var times = WorklistTimes()
        times.firstInstanceAt = Date(milliseconds: study.firstInstanceAt)
        let timed = runs.filter { $0.secondsToNotification != nil }.sorted { $0.sequence < $1.sequence }
        let decisive = timed.first { run in run.findings.contains { $0.priority == study.priority } } ?? timed.first
        let series = study.series.first { series in series.runs.contains { $0.sequence == decisive?.sequence } }
        times.lastInstanceAt = (series?.lastInstanceAt ?? study.series.map(\.lastInstanceAt).max()).map(
            Date.init(milliseconds:))
        times.completeAt = (series?.completeAt ?? study.series.compactMap(\.completeAt).max()).map(
            Date.init(milliseconds:))
        times.analysisStartedAt = decisive.map { Date(milliseconds: $0.startedAt) }
        times.analysisEndedAt = decisive.map { Date(milliseconds: $0.endedAt) }
        times.worklistChangedAt = Date(milliseconds: decisive?.endedAt ?? study.worklistChangedAt)
        times.secondsToNotification = decisive?.secondsToNotification
        times.engineSeconds = decisive?.engineSeconds
        return times
    }

    private static func results(_ result: Index.WorklistResult) -> [Web.WorklistResult] {
        result.deliveries.compactMap { delivery in
            let state: Web.WorklistResult.Delivery
            switch delivery.state {
            case .pending, .sending: state = .pending
            case .sent: state = .sent
            case .committed: state = .committed
            case .failed: state = .failed
            case .withdrawn: return nil
            }
            var shown = Web.WorklistResult(
                sopClassUID: result.sopClassUID, sopInstanceUID: result.sopInstanceUID,
                destination: delivery.destination,
                delivery: state,
                reason: [delivery.lastStatus, delivery.comment, delivery.proofComment].filter {
                    !$0.isEmpty && $0 != "0000"
                }.unique.joined(separator: " "))
            shown.status = delivery.lastStatus
            shown.proof = delivery.proof?.rawValue ?? ""
            shown.awaitsCommitment = delivery.awaitsReport
            return shown
        }
    }
}

extension Web.WorklistSeries {
    fileprivate init(_ series: Index.WorklistSeries, block: String?) {
        self.init(
            seriesInstanceUID: series.seriesInstanceUID, state: block == nil ? StudyState(series.state) : .notAnalysed,
            model: series.models.map(\.name).unique.joined(separator: ", "), reason: block ?? series.reason)
        modality = series.modality
        seriesDescription = series.seriesDescription
        instances = series.instances
        if let newest = series.runs.last {
            run = newest.isSuperseded ? .superseded : newest.kind == .final ? .final : .provisional
            outcome = RunOutcome(newest).words
        }
    }
}

extension StudyEvidence {
    /// A blocked study is not analysed, whatever its series say.
    fileprivate init(_ study: WorklistStudy) {
        let block = study.blocks.isEmpty ? "" : "analysis is blocked: " + study.blocks.joined(separator: "; ")
        self.init(
            studyInstanceUID: study.studyInstanceUID, arrivalSequence: Int(study.sequence),
            series: study.series.map { series in
                SeriesOutcome(
                    seriesInstanceUID: series.seriesInstanceUID,
                    state: block.isEmpty ? StudyState(series.state) : .notAnalysed,
                    reason: block.isEmpty ? series.reason : block, runs: series.runs.map(RunOutcome.init))
            },
            priorityFloor: study.priority,
            acknowledgement: study.acknowledgement.map { Acknowledgement(by: $0.by, seenThrough: Int($0.through)) })
    }
}

extension RunOutcome {
    fileprivate init(_ run: WorklistRun) {
        self.init(
            sequence: Int(run.sequence),
            kind: run.isSuperseded ? .superseded : run.kind == .final ? .final : .provisional,
            model: run.model, findings: run.findings)
    }
}

extension StudyState {
    fileprivate init(_ state: SeriesState) {
        switch state {
        case .arriving: self = .arriving
        case .waiting: self = .waiting
        case .analysing: self = .analysing
        case .analysed: self = .analysed
        case .notAnalysed: self = .notAnalysed
        case .outOfScope: self = .outOfScope
        case .failed: self = .failed
        }
    }
}

extension Date {
    fileprivate init(milliseconds: Int64) { self.init(timeIntervalSince1970: Double(milliseconds) / 1000) }
}

extension Array where Element: Hashable {
    /// Each once, in the order of their first occurrence.
    var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}

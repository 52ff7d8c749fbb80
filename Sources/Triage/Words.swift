// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The worklist's sentences. A model that found nothing is quoted with its name and never as "normal".
enum Words {
    /// What one run came to, such as "no finding by head-ct-hyperdensity".
    static func outcome(of run: RunOutcome) -> String {
        let source = run.model.name + (run.model.isDemonstration ? " (demonstration)" : "")
        let stage =
            switch run.kind {
            case .final: ""
            case .provisional: ", provisional"
            case .superseded: ", superseded"
            }
        guard let finding = run.findings.max(by: { ($0.priority, $0.confidence) < ($1.priority, $1.confidence) }) else {
            return "no finding by \(source)\(stage)"
        }
        let more = run.findings.count > 1 ? " and \(run.findings.count - 1) more" : ""
        return "\(finding.label)\(more) by \(source)\(stage)"
    }

    static func reason(
        for study: StudyEvidence, state: StudyState, priority: Priority, findings: [StudyTriage.ShownFinding],
        histories: [RunHistory]
    ) -> String {
        if let leading = findings.first, leading.finding.priority == priority, priority > .routine {
            guard leading.isGone else { return outcome(naming: leading, in: histories) }
            let newest = histories.first {
                $0.seriesInstanceUID == leading.seriesInstanceUID && $0.newest.model.name == leading.model.name
            }
            let now = newest.map { ", then \(outcome(of: $0.newest))" } ?? ""
            return "stays \(priority.rawValue): \(leading.finding.label) by an earlier run\(now)"
        }
        if priority > .routine, findings.allSatisfy({ $0.finding.priority < priority }) {
            return "stays \(priority.rawValue): raised before"
        }
        switch state {
        case .analysed:
            return histories.map { outcome(of: $0.newest) }.unique.joined(separator: "; ")
        case .arriving, .waiting, .analysing, .notAnalysed, .outOfScope, .failed:
            let reasons = study.series.filter { $0.state == state && !$0.reason.isEmpty }.map(\.reason).unique
            return reasons.isEmpty ? fallback(state) : reasons.joined(separator: "; ")
        }
    }

    private static func outcome(naming shown: StudyTriage.ShownFinding, in histories: [RunHistory]) -> String {
        let run = histories.first {
            $0.seriesInstanceUID == shown.seriesInstanceUID && $0.newest.model.name == shown.model.name
        }
        return run.map { outcome(of: $0.newest) } ?? shown.finding.label
    }

    private static func fallback(_ state: StudyState) -> String {
        switch state {
        case .arriving: "instances arriving"
        case .waiting: "waiting for analysis"
        case .analysing: "being analysed"
        case .analysed: "analysed"
        case .notAnalysed: "not analysed; no reason was recorded"
        case .outOfScope: "no model package claims it"
        case .failed: "analysis failed; no reason was recorded"
        }
    }

    static func warnings(for study: StudyEvidence, state: StudyState, histories: [RunHistory]) -> [String] {
        var warnings: [String] = []
        for series in study.series where series.state != state {
            switch series.state {
            case .failed: warnings.append("a series failed: \(series.reason)")
            case .notAnalysed: warnings.append("a series was not analysed: \(series.reason)")
            case .arriving, .waiting, .analysing, .analysed, .outOfScope: break
            }
        }
        for history in histories where history.newest.kind == .superseded {
            warnings.append("instances came after the run of \(history.newest.model.name)")
        }
        return warnings.unique
    }
}

extension Array where Element: Hashable {
    /// Each once, in the order of first appearance.
    var unique: [Element] {
        var seen: Set<Element> = []
        return filter { seen.insert($0).inserted }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What the worklist says about a study.
package struct StudyTriage: Sendable, Equatable {
    /// A finding as it is shown.
    package struct ShownFinding: Sendable, Equatable {
        package var seriesInstanceUID: UID
        package var finding: Finding
        package var model: ModelIdentity
        package var run: RunKind
        /// The package's newest run on the series no longer shows it.
        package var isGone: Bool

        package init(seriesInstanceUID: UID, finding: Finding, model: ModelIdentity, run: RunKind, isGone: Bool) {
            self.seriesInstanceUID = seriesInstanceUID
            self.finding = finding
            self.model = model
            self.run = run
            self.isGone = isGone
        }
    }

    package var state: StudyState
    /// Nil where nothing has run.
    package var run: RunKind?
    package var priority: Priority
    /// Why the study stands where it stands.
    package var reason: String
    /// The most pressing first, those that are gone last within their priority.
    package var findings: [ShownFinding]
    /// False again when a run after the acknowledgement found something new or worse.
    package var isAcknowledged: Bool
    /// What the reader must know besides, such as series that were refused.
    package var warnings: [String]
    package var order: ReadingOrder
    /// A package that is for demonstration only took part.
    package var usesDemonstration: Bool
    /// The last run that took part; what an acknowledgement of this display has seen.
    package var runSequence: Int

    package init(_ study: StudyEvidence) {
        let histories = study.series.flatMap(RunHistory.histories(of:))
        state = .of(study: study.series.map(\.state))
        run = Self.run(of: histories)
        findings = histories.flatMap(\.shown).sorted(by: Self.isBefore)
        // Everything that was ever found counts, so that a later run can raise and never lower.
        priority = histories.flatMap(\.runs).flatMap(\.findings).map(\.priority)
            .reduce(study.priorityFloor, max)
        let news = study.acknowledgement.map { acknowledgement in
            histories.contains { $0.hasNews(after: acknowledgement.seenThrough) }
        }
        isAcknowledged = news == false
        var warnings = Words.warnings(for: study, state: state, histories: histories)
        if news == true, let by = study.acknowledgement?.by {
            warnings.insert("acknowledged by \(by) before the newest finding", at: 0)
        }
        self.warnings = warnings
        reason = Words.reason(for: study, state: state, priority: priority, findings: findings, histories: histories)
        usesDemonstration = histories.flatMap(\.runs).contains(where: \.model.isDemonstration)
        runSequence = histories.map(\.newest.sequence).max() ?? 0
        order = ReadingOrder(
            isAcknowledged: isAcknowledged, priority: priority, arrivalSequence: study.arrivalSequence,
            studyInstanceUID: study.studyInstanceUID)
    }

    /// The least settled of the newest runs speaks for the study.
    private static func run(of histories: [RunHistory]) -> RunKind? {
        let kinds = Set(histories.map(\.newest.kind))
        return [.superseded, .provisional, .final].first { kinds.contains($0) }
    }

    private static func isBefore(_ a: ShownFinding, _ b: ShownFinding) -> Bool {
        if a.finding.priority != b.finding.priority { return a.finding.priority > b.finding.priority }
        if a.isGone != b.isGone { return b.isGone }
        if a.finding.confidence != b.finding.confidence { return a.finding.confidence > b.finding.confidence }
        return (a.finding.label, a.seriesInstanceUID) < (b.finding.label, b.seriesInstanceUID)
    }
}

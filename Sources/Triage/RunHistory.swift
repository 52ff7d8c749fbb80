// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// All runs of one package on one series, in the order of their outcomes; never empty.
struct RunHistory {
    let seriesInstanceUID: UID
    let runs: [RunOutcome]

    /// Growth by more than this factor makes a finding a new one to whoever acknowledged it.
    static let growth = 2.0

    var newest: RunOutcome { runs[runs.count - 1] }

    /// By package name: a newer version of a package continues the history of the older.
    static func histories(of series: SeriesOutcome) -> [RunHistory] {
        Dictionary(grouping: series.runs, by: \.model.name).sorted { $0.key < $1.key }.map { _, runs in
            RunHistory(
                seriesInstanceUID: series.seriesInstanceUID, runs: runs.sorted { $0.sequence < $1.sequence })
        }
    }

    /// What the newest run found, and, marked as gone, what earlier ones found above routine and it did not.
    var shown: [StudyTriage.ShownFinding] {
        var shown = newest.findings.map { shownFinding($0, newest, isGone: false) }
        for run in runs.dropLast().reversed() {
            for finding in run.findings where finding.priority > .routine {
                let isKnown = shown.contains {
                    $0.finding.code.isSameConcept(as: finding.code) && $0.finding.priority >= finding.priority
                }
                if !isKnown { shown.append(shownFinding(finding, run, isGone: true)) }
            }
        }
        return shown
    }

    private func shownFinding(_ finding: Finding, _ run: RunOutcome, isGone: Bool) -> StudyTriage.ShownFinding {
        StudyTriage.ShownFinding(
            seriesInstanceUID: seriesInstanceUID, finding: finding, model: run.model, run: run.kind, isGone: isGone)
    }

    /// Whether a run after `sequence` found what none up to it had found: another concept, more of the same, a higher
    /// priority, or a volume that has more than doubled.
    func hasNews(after sequence: Int) -> Bool {
        let seen = runs.filter { $0.sequence <= sequence }
        return runs.filter { $0.sequence > sequence }.contains { run in
            Dictionary(grouping: run.findings) { [$0.code.scheme, $0.code.value] }.values.contains { findings in
                !seen.contains { earlier in
                    covers(earlier.findings.filter { $0.code.isSameConcept(as: findings[0].code) }, findings)
                }
            }
        }
    }

    private func covers(_ seen: [Finding], _ now: [Finding]) -> Bool {
        guard seen.count >= now.count, let before = seen.map(\.priority).max(), let priority = now.map(\.priority).max()
        else { return false }
        // A volume that could not be told before is news too.
        let volume = now.compactMap(\.volumeML).reduce(0, +)
        return priority <= before && volume <= seen.compactMap(\.volumeML).reduce(0, +) * Self.growth
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What is known of a study at one moment.
package struct StudyEvidence: Sendable, Equatable {
    package var studyInstanceUID: UID
    /// Counts studies in the order in which their first instances arrived; no clock can change it.
    package var arrivalSequence: Int
    package var series: [SeriesOutcome]
    /// A priority that the study has had is its floor for ever.
    package var priorityFloor: Priority
    package var acknowledgement: Acknowledgement?

    package init(
        studyInstanceUID: UID, arrivalSequence: Int, series: [SeriesOutcome], priorityFloor: Priority = .routine,
        acknowledgement: Acknowledgement? = nil
    ) {
        self.studyInstanceUID = studyInstanceUID
        self.arrivalSequence = arrivalSequence
        self.series = series
        self.priorityFloor = priorityFloor
        self.acknowledgement = acknowledgement
    }
}

package struct SeriesOutcome: Sendable, Equatable {
    package var seriesInstanceUID: UID
    package var state: StudyState
    /// Why it is in that state, in words.
    package var reason: String
    /// In any order.
    package var runs: [RunOutcome]

    package init(seriesInstanceUID: UID, state: StudyState, reason: String, runs: [RunOutcome] = []) {
        self.seriesInstanceUID = seriesInstanceUID
        self.state = state
        self.reason = reason
        self.runs = runs
    }
}

/// One run of one package on one series that came to an outcome.
package struct RunOutcome: Sendable, Equatable {
    /// Counts outcomes in the order in which they were recorded, over the whole node.
    package var sequence: Int
    package var kind: RunKind
    package var model: ModelIdentity
    package var findings: [Finding]

    package init(sequence: Int, kind: RunKind, model: ModelIdentity, findings: [Finding]) {
        self.sequence = sequence
        self.kind = kind
        self.model = model
        self.findings = findings
    }
}

/// Somebody has taken note of what was on display.
package struct Acknowledgement: Sendable, Equatable {
    package var by: String
    /// Sequence of the last run whose outcome was on display; 0 where none was.
    package var seenThrough: Int

    package init(by: String, seenThrough: Int) {
        self.by = by
        self.seenThrough = seenThrough
    }
}

extension RunOutcome {
    /// What the run came to, such as "no finding by head-ct-hyperdensity".
    package var words: String { Words.outcome(of: self) }
}

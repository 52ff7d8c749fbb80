// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Triage

/// The answer to `GET /api/worklist`, in reading order. Every name and spelling is a contract with tools outside; keys of the
/// contract are always there, null where there is nothing to say.
package struct Worklist: Codable, Sendable, Equatable {
    package var items: [WorklistItem]
    /// Changes whenever the list does, and with every start of the node.
    package var revision: String
    /// Where the node takes studies, such as "TRIAGED on port 11112".
    package var receiving: String
    package var now: Date

    package init(items: [WorklistItem], revision: String, receiving: String, now: Date) {
        self.items = items
        self.revision = revision
        self.receiving = receiving
        self.now = now
    }
}

/// One study on the worklist.
package struct WorklistItem: Codable, Sendable, Equatable {
    package var studyInstanceUID: UID
    package var patientID = ""
    /// As stored: component groups joined by "=", components by "^".
    package var patientName = ""
    package var accessionNumber = ""
    package var modality = ""
    package var studyDescription = ""
    package var receivedAt: Date
    package var state: StudyState
    package var run: RunKind?
    package var priority: Priority
    package var reason: String
    package var acknowledged: Acknowledged?
    package var series: [WorklistSeries] = []
    package var findings: [WorklistFinding] = []
    package var results: [WorklistResult] = []

    // Beyond the contract
    package var patientBirthDate = ""
    package var patientSex = ""
    package var studyDate = ""
    /// Order of arrival; decides among equals.
    package var sequence = 0
    /// The last run whose outcome the item shows; goes back with an acknowledgement.
    package var runSequence = 0
    package var warnings: [String] = []
    /// True where a package that is for demonstration only took part.
    package var demonstration = false
    package var times = WorklistTimes()

    package init(
        studyInstanceUID: UID, receivedAt: Date, state: StudyState, run: RunKind?, priority: Priority, reason: String
    ) {
        self.studyInstanceUID = studyInstanceUID
        self.receivedAt = receivedAt
        self.state = state
        self.run = run
        self.priority = priority
        self.reason = reason
    }

    /// What triage says of the study; identity, series, results and times are the caller's to add. `acknowledged` is dropped
    /// where something new has come since.
    package init(_ triage: StudyTriage, receivedAt: Date, acknowledged: Acknowledged?) {
        self.init(
            studyInstanceUID: triage.order.studyInstanceUID, receivedAt: receivedAt, state: triage.state,
            run: triage.run,
            priority: triage.priority, reason: triage.reason)
        self.acknowledged = triage.isAcknowledged ? acknowledged : nil
        findings = triage.findings.map(WorklistFinding.init)
        sequence = triage.order.arrivalSequence
        runSequence = triage.runSequence
        warnings = triage.warnings
        demonstration = triage.usesDemonstration
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(studyInstanceUID, forKey: .studyInstanceUID)
        try container.encode(patientID, forKey: .patientID)
        try container.encode(patientName, forKey: .patientName)
        try container.encode(accessionNumber, forKey: .accessionNumber)
        try container.encode(modality, forKey: .modality)
        try container.encode(studyDescription, forKey: .studyDescription)
        try container.encode(receivedAt, forKey: .receivedAt)
        try container.encode(state, forKey: .state)
        // Not encodeIfPresent: a key of the contract is never left out.
        try container.encode(run, forKey: .run)
        try container.encode(priority, forKey: .priority)
        try container.encode(reason, forKey: .reason)
        try container.encode(acknowledged, forKey: .acknowledged)
        try container.encode(series, forKey: .series)
        try container.encode(findings, forKey: .findings)
        try container.encode(results, forKey: .results)
        try container.encode(patientBirthDate, forKey: .patientBirthDate)
        try container.encode(patientSex, forKey: .patientSex)
        try container.encode(studyDate, forKey: .studyDate)
        try container.encode(sequence, forKey: .sequence)
        try container.encode(runSequence, forKey: .runSequence)
        try container.encode(warnings, forKey: .warnings)
        try container.encode(demonstration, forKey: .demonstration)
        try container.encode(times, forKey: .times)
    }
}

/// Who took note of a study, and when.
package struct Acknowledged: Codable, Sendable, Equatable {
    package var by: String
    package var at: Date

    package init(by: String, at: Date) {
        self.by = by
        self.at = at
    }
}

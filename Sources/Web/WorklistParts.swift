// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Triage

package struct WorklistSeries: Codable, Sendable, Equatable {
    package var seriesInstanceUID: UID
    package var state: StudyState
    /// Name of the package that was selected; empty where none was.
    package var model: String
    package var reason: String

    // Beyond the contract
    package var modality = ""
    package var seriesDescription = ""
    package var instances = 0
    package var run: RunKind?
    /// What the newest run came to, such as "no finding by PACKAGE"; empty where none has.
    package var outcome = ""

    package init(seriesInstanceUID: UID, state: StudyState, model: String = "", reason: String = "") {
        self.seriesInstanceUID = seriesInstanceUID
        self.state = state
        self.model = model
        self.reason = reason
    }
}

package struct WorklistFinding: Codable, Sendable, Equatable {
    package var label: String
    package var code: Code
    package var confidence: Double
    package var volumeML: Double?
    package var model: String

    // Beyond the contract
    package var modelVersion: String
    package var priority: Priority
    package var run: RunKind
    /// The newest run no longer shows it.
    package var gone: Bool
    package var demonstration: Bool
    package var seriesInstanceUID: UID

    package init(_ shown: StudyTriage.ShownFinding) {
        label = shown.finding.label
        code = shown.finding.code
        confidence = shown.finding.confidence
        volumeML = shown.finding.volumeML
        model = shown.model.name
        modelVersion = shown.model.version
        priority = shown.finding.priority
        run = shown.run
        gone = shown.isGone
        demonstration = shown.model.isDemonstration
        seriesInstanceUID = shown.seriesInstanceUID
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(label, forKey: .label)
        try container.encode(code, forKey: .code)
        try container.encode(confidence, forKey: .confidence)
        try container.encode(volumeML, forKey: .volumeML)
        try container.encode(model, forKey: .model)
        try container.encode(modelVersion, forKey: .modelVersion)
        try container.encode(priority, forKey: .priority)
        try container.encode(run, forKey: .run)
        try container.encode(gone, forKey: .gone)
        try container.encode(demonstration, forKey: .demonstration)
        try container.encode(seriesInstanceUID, forKey: .seriesInstanceUID)
    }
}

package struct WorklistResult: Codable, Sendable, Equatable {
    /// The spellings of the contract, which are those of the delivery stage.
    package enum Delivery: String, Codable, Sendable, CaseIterable {
        case pending, sent, committed, failed
    }

    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var destination: String
    package var delivery: Delivery

    // Beyond the contract
    /// Why it is pending or failed, and what the destination remarked; empty where there is nothing to say.
    package var reason = ""
    /// The last status of the destination, as four hexadecimal digits (of HTTP, three decimal ones); empty where it gave none.
    package var status = ""
    /// What shows that the destination holds it: "storageCommitment", "query" or "status"; empty while nothing does.
    package var proof = ""
    /// The destination was asked to commit to it, and owes its report.
    package var awaitsCommitment = false

    package init(sopClassUID: UID, sopInstanceUID: UID, destination: String, delivery: Delivery, reason: String = "") {
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.destination = destination
        self.delivery = delivery
        self.reason = reason
    }
}

/// From the ledger; ISO 8601 with milliseconds. Durations are from the monotonic clock where both ends fell into one run of
/// the node, so that they need not equal the difference of the times.
package struct WorklistTimes: Codable, Sendable, Equatable {
    package var firstInstanceAt: Date?
    package var lastInstanceAt: Date?
    package var completeAt: Date?
    package var analysisStartedAt: Date?
    package var analysisEndedAt: Date?
    package var worklistChangedAt: Date?
    /// From the last C-STORE response to the change of the worklist.
    package var secondsToNotification: Double?
    /// Of that, what the engine itself took.
    package var engineSeconds: Double?

    package init() {}
}

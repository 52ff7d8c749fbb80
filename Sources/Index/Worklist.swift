// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The facts that the worklist is made of; what they come to is decided by triage. Times are milliseconds since 1970.
package struct WorklistStudy: Sendable, Equatable {
    package var studyInstanceUID: UID
    /// Counts studies in the order in which their first instances arrived.
    package var sequence: Int64
    package var patient: PatientIdentity
    package var accessionNumber: String
    package var studyDescription: String
    package var studyDate: String
    package var firstInstanceAt: Int64
    /// The last change that a reader would see, deliveries aside.
    package var worklistChangedAt: Int64
    /// The highest that any run has ever given.
    package var priority: Priority
    /// Reasons that stop analysis and delivery.
    package var blocks: [String]
    package var warnings: [String]
    package var acknowledgement: WorklistAcknowledgement?
    package var series: [WorklistSeries]
    package var results: [WorklistResult]
}

package struct WorklistAcknowledgement: Sendable, Equatable {
    package var by: String
    package var at: Int64
    /// `WorklistRun.sequence` of the last run that was on display.
    package var through: Int64
}

package struct WorklistSeries: Sendable, Equatable {
    package var id: SeriesID
    package var seriesInstanceUID: UID
    package var modality: String
    package var seriesNumber: Int?
    package var seriesDescription: String
    package var instances: Int
    package var state: SeriesState
    package var reason: String
    package var evidence: String
    package var lastInstanceAt: Int64
    package var completeAt: Int64?
    /// Models that have run or will run on it.
    package var models: [ModelIdentity]
    /// Runs that went through, in the order of their outcomes.
    package var runs: [WorklistRun]
}

package struct WorklistRun: Sendable, Equatable {
    /// Counts outcomes over the whole node.
    package var sequence: Int64
    package var kind: RunKind
    /// Instances have come since, or a later run of the same package has replaced it.
    package var isSuperseded: Bool
    package var model: ModelIdentity
    package var findings: [Finding]
    package var notes: [String]
    package var startedAt: Int64
    package var endedAt: Int64
    /// From the last instance of the series to this outcome; nil where they fell into different boots.
    package var secondsToNotification: Double?
    package var engineSeconds: Double
}

package struct WorklistResult: Sendable, Equatable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var isSuperseded: Bool
    /// Why a person must look at it again; empty where nothing is known against it.
    package var review: String
    package var deliveries: [WorklistDelivery]
}

package struct WorklistDelivery: Sendable, Equatable {
    package var destination: String
    package var state: DeliveryState
    package var attempts: Int
    package var lastStatus: String
    package var comment: String
    /// What shows that the destination holds it; nil while nothing does.
    package var proof: DeliveryProof?
    /// What became of the last attempt to prove it.
    package var proofComment: String
    /// The destination was asked to commit to it, and owes its report.
    package var awaitsReport: Bool
    /// It was taken back there, by an object of its own.
    package var isRetracted: Bool
}

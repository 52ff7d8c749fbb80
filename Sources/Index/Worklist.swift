// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A study as the worklist shows it. Times are milliseconds since 1970.
package struct WorklistStudy: Sendable, Equatable {
    package var studyInstanceUID: UID
    package var patient: PatientIdentity
    package var accessionNumber: String
    /// Of its series, each once, in order of arrival.
    package var modalities: [String]
    package var studyDescription: String
    package var studyDate: String
    package var firstInstanceAt: Int64
    package var lastInstanceAt: Int64
    /// The last change that a reader would see, deliveries aside.
    package var worklistChangedAt: Int64
    /// The end of the last run that went through.
    package var analysedAt: Int64?
    /// Of that run, as the worker measured it.
    package var engineSeconds: Double?

    package var state: SeriesState
    package var run: SeriesRun?
    /// The highest that any run has ever given.
    package var priority: Priority
    /// Why the study is not analysed or has failed; empty otherwise.
    package var reason: String
    /// Reasons that stop analysis and delivery.
    package var blocks: [String]
    package var warnings: [String]
    package var acknowledgedBy: String?
    package var acknowledgedAt: Int64?
    package var series: [WorklistSeries]
    /// Of current runs, and those that a later run did not find again: both outcomes are shown (decision 8).
    package var findings: [WorklistFinding]
    package var results: [WorklistResult]
}

package struct WorklistSeries: Sendable, Equatable {
    package var id: SeriesID
    package var seriesInstanceUID: UID
    package var modality: String
    package var seriesNumber: Int?
    package var seriesDescription: String
    package var instances: Int
    package var state: SeriesState
    package var run: SeriesRun?
    package var reason: String
    package var evidence: String
    /// Models that have run or will run on it.
    package var models: [ModelIdentity]
}

package struct WorklistFinding: Sendable, Equatable {
    package var finding: Finding
    package var seriesInstanceUID: UID
    package var model: ModelIdentity
    package var run: SeriesRun
    /// A later run of the same model on the same series did not find it again.
    package var isVanished: Bool
}

package struct WorklistResult: Sendable, Equatable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var seriesInstanceUID: UID
    package var isSuperseded: Bool
    /// Why a person must look at it again; empty where nothing is known against it.
    package var review: String
    package var isDemonstration: Bool
    package var deliveries: [WorklistDelivery]
}

package struct WorklistDelivery: Sendable, Equatable {
    package var destination: String
    package var state: DeliveryState
    package var proof: DeliveryProof?
    package var attempts: Int
    package var responseUnseen: Bool
    package var lastStatus: String
    package var comment: String
}

extension WorklistStudy {
    /// A study is what the series make of it that has furthest to go; it is analysed only when every selected one is.
    static func state(of series: [SeriesState], isBlocked: Bool) -> SeriesState {
        if isBlocked { return .notAnalysed }
        let precedence: [SeriesState] = [.analysing, .arriving, .waiting, .failed, .notAnalysed, .analysed]
        return precedence.first { series.contains($0) } ?? .outOfScope
    }

    static func run(of series: [SeriesRun?]) -> SeriesRun? {
        let precedence: [SeriesRun] = [.superseded, .provisional, .final]
        return precedence.first { series.contains($0) }
    }
}

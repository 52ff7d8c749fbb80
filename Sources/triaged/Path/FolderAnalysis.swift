// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Web

/// The file findings.json of `triaged process`; docs/api.md is its description, and every name in it a contract.
struct FolderFindings: Encodable {
    /// In the shape of GET /api/worklist.
    var items: [WorklistItem]
    var analyses: [FolderAnalysis]
}

/// One run of a package on a series, with what the worklist does not show. No key is ever left out.
struct FolderAnalysis: Encodable {
    private let seriesInstanceUID: UID
    private let model: ModelIdentity
    private let outcome: AnalysisOutcome

    init(_ job: Job, _ outcome: AnalysisOutcome) {
        seriesInstanceUID = job.seriesInstanceUID
        model = job.model
        self.outcome = outcome
    }

    private enum Key: String, CodingKey {
        case seriesInstanceUID, model, modelVersion, modelDigest, coverage, negativeAccepted, notes, findings, scores
        case explanations, gates, engineSeconds, totalSeconds
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(seriesInstanceUID, forKey: .seriesInstanceUID)
        try container.encode(model.name, forKey: .model)
        try container.encode(model.version, forKey: .modelVersion)
        try container.encode(model.digest, forKey: .modelDigest)
        try container.encode(outcome.coverage, forKey: .coverage)
        try container.encode(outcome.coverageAccepted, forKey: .negativeAccepted)
        try container.encode(outcome.notes, forKey: .notes)
        try container.encode(outcome.findings, forKey: .findings)
        try container.encode(outcome.scores.map(Score.init), forKey: .scores)
        try container.encode(outcome.explanations.map(Evidence.init), forKey: .explanations)
        try container.encode(outcome.gates.map(Gate.init), forKey: .gates)
        try container.encode(outcome.engineSeconds, forKey: .engineSeconds)
        try container.encode(outcome.totalSeconds, forKey: .totalSeconds)
    }

    private struct Score: Encodable {
        let score: ClassScore
        private enum Key: String, CodingKey {
            case label, code, value, threshold, operatingPoint, calibrated, finding, slice
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(score.label, forKey: .label)
            try container.encode(score.code, forKey: .code)
            try container.encode(score.value, forKey: .value)
            try container.encode(score.threshold, forKey: .threshold)
            try container.encode(score.operatingPoint, forKey: .operatingPoint)
            try container.encode(score.isCalibrated, forKey: .calibrated)
            try container.encode(score.isFinding, forKey: .finding)
            try container.encode(score.slice, forKey: .slice)
        }
    }

    private struct Evidence: Encodable {
        let explanation: Explanation
        private enum Key: String, CodingKey {
            case kind, caveat, finding, label, slice, rows, columns, computed, greatest, complete, supported, notes
        }

        func encode(to encoder: any Encoder) throws {
            let map = explanation.map
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(explanation.kind, forKey: .kind)
            try container.encode(explanation.caveat, forKey: .caveat)
            try container.encode(explanation.finding, forKey: .finding)
            try container.encode(explanation.label, forKey: .label)
            try container.encode(map?.slice, forKey: .slice)
            try container.encode(map?.rows, forKey: .rows)
            try container.encode(map?.columns, forKey: .columns)
            try container.encode(map?.computed, forKey: .computed)
            try container.encode(map?.greatest, forKey: .greatest)
            try container.encode(map?.isComplete, forKey: .complete)
            try container.encode(map?.deletion?.isSupported, forKey: .supported)
            try container.encode(explanation.notes, forKey: .notes)
        }
    }

    private struct Gate: Encodable {
        let gate: QualityGateResult
        private enum Key: String, CodingKey { case name, label, outcome, value, unit, evidence }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: Key.self)
            try container.encode(gate.name, forKey: .name)
            try container.encode(gate.label, forKey: .label)
            try container.encode(gate.outcome, forKey: .outcome)
            try container.encode(gate.value, forKey: .value)
            try container.encode(gate.unit, forKey: .unit)
            try container.encode(gate.evidence, forKey: .evidence)
        }
    }
}

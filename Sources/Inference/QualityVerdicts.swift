// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// The manifest's gates on what a volume shows. Pure: measured facts in, one result a gate out.
struct QualityVerdicts {
    let gates: [Manifest.Gate]
    let facts: VolumeFacts
    /// Of the voxels, UCUM.
    var unit = VoxelVolume.arbitraryUnit.value

    var all: [QualityGateResult] { gates.map(result) }

    private func result(_ gate: Manifest.Gate) -> QualityGateResult {
        func result(
            _ outcome: QualityGateResult.Outcome, _ value: Double?, _ evidence: String
        ) -> QualityGateResult {
            QualityGateResult(
                name: gate.measure.rawValue, outcome: outcome, value: value, unit: unit(of: gate.measure),
                evidence: "\(words(gate.measure)) is \(evidence)")
        }
        guard let value = value(gate.measure) else { return result(.pass, nil, "not known") }
        func evidence(_ range: Rules.Range) -> String {
            "\(thousandth(value))\(place(gate.measure)), \(words(range)) allowed"
        }
        if let range = gate.block, !range.contains(value) { return result(.block, value, evidence(range)) }
        if let range = gate.warn, !range.contains(value) { return result(.warn, value, evidence(range)) }
        // One of the two is there.
        return result(.pass, value, (gate.warn ?? gate.block).map(evidence) ?? thousandth(value))
    }

    private func unit(of measure: Manifest.Gate.Measure) -> String {
        switch measure {
        case .tilt: "deg"
        case .percentile1, .percentile99: unit
        case .bitsStored: "bit"
        case .unevenSpacing, .air, .saturation, .blankSlices, .motion, .truncation: "1"
        }
    }

    /// nil where the volume has no such number.
    func value(_ measure: Manifest.Gate.Measure) -> Double? {
        switch measure {
        case .tilt: facts.geometry?.tilt
        case .unevenSpacing: facts.geometry?.unevenSpacing
        case .percentile1: Double(facts.values.firstPercentile)
        case .percentile99: Double(facts.values.ninetyNinth)
        case .air: facts.values.airShare
        case .saturation: facts.values.saturatedShare
        case .blankSlices: Double(facts.values.blankSlices.count)
        case .motion: facts.motion?.largestScore
        case .truncation: facts.border.share
        case .bitsStored: facts.values.bitsStored.map(Double.init)
        }
    }

    private func words(_ measure: Manifest.Gate.Measure) -> String {
        switch measure {
        case .tilt: "the tilt between slices in degrees"
        case .unevenSpacing: "the largest deviation of the slice spacing"
        case .percentile1: "the first percentile of the values"
        case .percentile99: "the 99th percentile of the values"
        case .air: "the share of air"
        case .saturation: "the share of saturated voxels"
        case .blankSlices: "the number of blank slices"
        case .motion: "the motion index"
        case .truncation: "the share of the border that the body touches"
        case .bitsStored: "Bits Stored"
        }
    }

    /// Slices are counted from 1 for people.
    private func place(_ measure: Manifest.Gate.Measure) -> String {
        switch measure {
        case .motion: facts.motion.map { " after slice \($0.slice + 1)" } ?? ""
        case .blankSlices: facts.values.blankSlices.first.map { " from slice \($0 + 1)" } ?? ""
        default: ""
        }
    }

    private func words(_ range: Rules.Range) -> String {
        switch (range.minimum, range.maximum) {
        case (let low?, let high?): "\(thousandth(low)) to \(thousandth(high))"
        case (let low?, nil): "at least \(thousandth(low))"
        case (nil, let high?): "at most \(thousandth(high))"
        case (nil, nil): "anything"
        }
    }
}

func thousandth(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
}

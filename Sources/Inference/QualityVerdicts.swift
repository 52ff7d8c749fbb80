// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models
import Volume

/// One gate's word on a volume, with what was measured.
struct QualityVerdict: Equatable {
    var action: Manifest.Action
    var evidence: String
}

/// The manifest's gates on what a volume shows. Pure: measured facts in, verdicts out; a gate that passes says nothing.
struct QualityVerdicts {
    let gates: [Manifest.Gate]
    let facts: VolumeFacts

    var all: [QualityVerdict] { gates.compactMap(verdict) }

    private func verdict(_ gate: Manifest.Gate) -> QualityVerdict? {
        guard let value = value(gate.measure) else { return nil }
        for (action, range) in [(Manifest.Action.block, gate.block), (.warn, gate.warn)] {
            guard let range, !range.contains(value) else { continue }
            return QualityVerdict(
                action: action,
                evidence:
                    "\(words(gate.measure)) is \(thousandth(value))\(place(gate.measure)), \(words(range)) allowed")
        }
        return nil
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

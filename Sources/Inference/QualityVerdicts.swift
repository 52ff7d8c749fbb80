// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc
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
    let grid: Grid
    /// A volume of one slice, or one that is no stack in the patient, has no geometry along it.
    let isStack: Bool

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
        case .tilt: isStack ? tilt : nil
        case .percentile1: Double(facts.values.firstPercentile)
        case .percentile99: Double(facts.values.ninetyNinth)
        case .air: facts.values.airShare
        case .saturation: facts.values.saturatedShare
        case .blankSlices: Double(facts.values.blankSlices.count)
        case .motion: facts.motion?.largestScore
        case .truncation: facts.border.largest
        case .bitsStored: facts.values.bitsStored.map(Double.init)
        }
    }

    private var tilt: Double {
        let normal = grid.columnStep.cross(grid.rowStep)
        let cosine = abs(grid.sliceStep.dot(normal)) / (grid.sliceStep.length * normal.length)
        return acos(min(1, cosine)) * 180 / .pi
    }

    private func words(_ measure: Manifest.Gate.Measure) -> String {
        switch measure {
        case .tilt: "the tilt between slices in degrees"
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

/// Gates on what the network marked.
struct AnatomyVerdicts {
    let quality: Manifest.Quality
    let slices: Int
    /// What is known of an output: mL, mean value, first and last slice with a voxel; nil where it marked nothing.
    var marked: (_ label: String) -> (volume: Double, mean: Double, slices: ClosedRange<Int>)?
    let declaresContrast: Bool

    var all: [QualityVerdict] {
        quality.whole.compactMap(verdict) + (quality.contrast.flatMap(verdict).map { [$0] } ?? [])
    }

    private func verdict(_ whole: Manifest.WholeAnatomy) -> QualityVerdict? {
        guard let found = marked(whole.label) else {
            return QualityVerdict(action: whole.action, evidence: "\(whole.label) was not found")
        }
        if found.volume < whole.minimumVolume {
            return QualityVerdict(
                action: whole.action,
                evidence:
                    "\(whole.label) measures \(thousandth(found.volume)) mL, at least \(thousandth(whole.minimumVolume)) mL expected"
            )
        }
        let ends = [(found.slices.lowerBound == 0, "first"), (found.slices.upperBound == slices - 1, "last")]
        let touched = ends.filter(\.0).map(\.1)
        guard !touched.isEmpty else { return nil }
        return QualityVerdict(
            action: whole.action,
            evidence:
                "\(whole.label) reaches the \(touched.joined(separator: " and the ")) slice: it is not covered whole")
    }

    private func verdict(_ gate: Manifest.ContrastGate) -> QualityVerdict? {
        guard let found = marked(gate.label) else {
            return QualityVerdict(
                action: gate.action, evidence: "\(gate.label) was not found: contrast cannot be measured")
        }
        let isEnhanced = found.mean >= gate.enhancedFrom
        guard isEnhanced != declaresContrast else { return nil }
        let declared = declaresContrast ? "a contrast agent" : "no contrast agent"
        let measured = "\(gate.label) measures \(thousandth(found.mean)) HU"
        return QualityVerdict(
            action: gate.action,
            evidence:
                "the header declares \(declared), and \(measured): \(isEnhanced ? "enhanced" : "not enhanced") (limit \(thousandth(gate.enhancedFrom)) HU)"
        )
    }
}

private func thousandth(_ value: Double) -> String {
    let rounded = (value * 1000).rounded() / 1000
    return rounded == rounded.rounded() && abs(rounded) < 1e9 ? "\(Int(rounded))" : "\(rounded)"
}

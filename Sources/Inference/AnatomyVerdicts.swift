// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// What gates ask of an output that the network marked.
struct Anatomy: Equatable {
    /// mL.
    var volume: Double
    /// Of its voxels in the source.
    var mean: Double
    /// The first and the last slice with a voxel of it.
    var slices: ClosedRange<Int>

    init(volume: Double, mean: Double, slices: ClosedRange<Int>) {
        self.volume = volume
        self.mean = mean
        self.slices = slices
    }

    /// nil where the output marked nothing.
    init?(of label: String, in result: AnalysisResult, _ source: VoxelVolume) {
        guard let finding = result.findings.first(where: { $0.label == label }), let index = finding.maskIndex else {
            return nil
        }
        let mask = result.masks[index]
        var sum = 0.0
        var count = 0
        var marked: [Int] = []
        for slice in mask.blockSlices {
            let before = count
            for row in mask.blockRows {
                let start = source.grid.index(column: mask.blockColumns.lowerBound, row: row, slice: slice)
                for (offset, value) in mask.line(row: row, slice: slice).enumerated() where value != 0 {
                    sum += Double(source.voxels[start + offset])
                    count += 1
                }
            }
            if count > before { marked.append(slice) }
        }
        guard let first = marked.first, let last = marked.last else { return nil }
        self.init(
            volume: Double(count) * source.grid.voxelVolume / 1000, mean: sum / Double(count), slices: first...last)
    }
}

/// Gates on what the network marked.
struct AnatomyVerdicts {
    let quality: Manifest.Quality
    let slices: Int
    /// nil where the output marked nothing.
    var marked: (_ label: String) -> Anatomy?
    let declaresContrast: Bool

    var all: [QualityGateResult] { quality.whole.map(result) + (quality.contrast.map { [result($0)] } ?? []) }

    private func result(_ whole: Manifest.WholeAnatomy) -> QualityGateResult {
        let found = marked(whole.label)
        func result(_ isKept: Bool, _ evidence: String) -> QualityGateResult {
            QualityGateResult(
                name: "whole", label: whole.label, outcome: isKept ? .pass : .init(whole.action), value: found?.volume,
                unit: "mL", evidence: evidence)
        }
        guard let found else { return result(false, "\(whole.label) was not found") }
        let measures = "\(whole.label) measures \(thousandth(found.volume)) mL"
        guard found.volume >= whole.minimumVolume else {
            return result(false, "\(measures), at least \(thousandth(whole.minimumVolume)) mL expected")
        }
        let ends = [(found.slices.lowerBound == 0, "first"), (found.slices.upperBound == slices - 1, "last")]
        let touched = ends.filter(\.0).map(\.1)
        guard touched.isEmpty else {
            return result(
                false,
                "\(whole.label) reaches the \(touched.joined(separator: " and the ")) slice: it is not covered whole"
            )
        }
        return result(true, "\(measures) and is covered whole")
    }

    private func result(_ gate: Manifest.ContrastGate) -> QualityGateResult {
        let found = marked(gate.label)
        func result(_ isKept: Bool, _ evidence: String) -> QualityGateResult {
            QualityGateResult(
                name: "contrast", label: gate.label, outcome: isKept ? .pass : .init(gate.action), value: found?.mean,
                unit: "[hnsf'U]", evidence: evidence)
        }
        guard let found else { return result(false, "\(gate.label) was not found: contrast cannot be measured") }
        let isEnhanced = found.mean >= gate.enhancedFrom
        let declared = declaresContrast ? "a contrast agent" : "no contrast agent"
        let measured = "\(gate.label) measures \(thousandth(found.mean)) HU"
        return result(
            isEnhanced == declaresContrast,
            "the header declares \(declared), and \(measured): \(isEnhanced ? "enhanced" : "not enhanced") (limit \(thousandth(gate.enhancedFrom)) HU)"
        )
    }
}

extension QualityGateResult.Outcome {
    init(_ action: Manifest.Action) {
        switch action {
        case .warn: self = .warn
        case .block: self = .block
        }
    }
}

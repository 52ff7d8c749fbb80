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

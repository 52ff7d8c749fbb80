// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What a package's precision changes in its result, against the same package in 32-bit floats, on the same volume.
/// Of several findings with one label, the first ones are compared.
package struct PrecisionEffect: Sendable, Codable, Equatable {
    package struct Structure: Sendable, Codable, Equatable {
        package var label: String
        /// mL, in 32-bit floats and in the package's precision; nil where it was not found, or has none.
        package var volumeF32, volume: Double?
        /// Voxels that one of the two marks alone, as a share of those that either marks; nil where neither has a mask.
        package var disagreement: Double?
        /// Of the class's score, or of the finding's confidence.
        package var scoreChange: Double
    }
    /// Share of the volume's voxels that belong to something in one result and not in the other.
    package var changedVoxels: Double
    package var greatestScoreChange: Double
    package var structures: [Structure]

    package init(of result: AnalysisResult, against exact: AnalysisResult) {
        var labels: [String] = []
        for label in [exact, result].flatMap({ $0.findings.map(\.label) + $0.scores.map(\.label) })
        where !labels.contains(label) { labels.append(label) }
        let masks = labels.map { (exact.mask($0), result.mask($0)) }
        let comparison = Comparison(masks)
        structures = labels.enumerated().map { position, label in
            let (alone, either) = comparison.counts[position]
            return Structure(
                label: label, volumeF32: exact.finding(label)?.volumeML, volume: result.finding(label)?.volumeML,
                disagreement: either > 0 ? Double(alone) / Double(either) : nil,
                scoreChange: abs(result.score(label) - exact.score(label)))
        }
        changedVoxels = Double(comparison.changed) / Double(max(1, comparison.voxels))
        greatestScoreChange = structures.map(\.scoreChange).max() ?? 0
    }

    /// Masks of two results, pair by pair.
    private struct Comparison {
        /// Of each pair: voxels in one of the two alone, and in either.
        var counts: [(alone: Int, either: Int)]
        /// Voxels that any pair has in one alone, each once; and all of the grid.
        var changed = 0
        var voxels = 0

        init(_ pairs: [(Mask?, Mask?)]) {
            counts = pairs.map { _ in (0, 0) }
            guard let grid = pairs.lazy.compactMap({ $0 ?? $1 }).first else { return }
            voxels = grid.columns * grid.rows * grid.slices
            let empty = [UInt8](repeating: 0, count: grid.columns * grid.rows)
            for slice in 0..<grid.slices {
                var isChanged = empty
                for (position, pair) in pairs.enumerated() {
                    let held = [pair.0, pair.1].map { $0?.blockSlices.contains(slice) ?? false }
                    guard held[0] || held[1] else { continue }
                    let first = held[0] ? pair.0?.plane(slice) ?? empty : empty
                    let second = held[1] ? pair.1?.plane(slice) ?? empty : empty
                    for i in first.indices where first[i] != 0 || second[i] != 0 {
                        counts[position].either += 1
                        guard (first[i] != 0) != (second[i] != 0) else { continue }
                        counts[position].alone += 1
                        isChanged[i] = 1
                    }
                }
                changed += isChanged.reduce(0) { $0 + Int($1) }
            }
        }
    }
}

extension AnalysisResult {
    fileprivate func finding(_ label: String) -> Finding? { findings.first { $0.label == label } }
    fileprivate func mask(_ label: String) -> Mask? { finding(label)?.maskIndex.map { masks[$0] } }
    /// What is not found has no confidence.
    fileprivate func score(_ label: String) -> Double {
        scores.first { $0.label == label }?.value ?? finding(label)?.confidence ?? 0
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// Scores of slices or images, [slice][class], and what they say together.
struct SliceScores {
    /// After activation and operating points.
    var rows: [[Float]]

    /// From the network's raw outputs.
    init(
        raw: [[Float]], _ activation: Manifest.Decision.Activation, _ scores: [Manifest.Score], package: String
    ) throws(InferenceError) {
        let needed = (scores.map(\.channel).max() ?? -1) + 1
        if let short = raw.first(where: { $0.count < needed }) {
            throw .mismatch(
                package: package,
                reason: "the network gives \(short.count) scores, and one is wanted from channel \(needed - 1)")
        }
        rows = raw.map { Self.activated($0, activation) }
        for score in scores {
            guard let point = score.operatingPoint else { continue }
            for i in rows.indices { rows[i][score.channel] = normalised(rows[i][score.channel], point: Float(point)) }
        }
    }

    static func activated(_ values: [Float], _ activation: Manifest.Decision.Activation) -> [Float] {
        switch activation {
        case .none: return values
        case .sigmoid: return values.map { 1 / (1 + expf(-$0)) }
        case .softmax:
            let greatest = values.max() ?? 0
            let powers = values.map { expf($0 - greatest) }
            let sum = powers.reduce(0, +)
            return powers.map { $0 / sum }
        }
    }

    /// One score for all slices, and the slice that has the greatest (the first of equals).
    func together(_ score: Manifest.Score) -> (value: Float, slice: Int) {
        let column = rows.map { $0[score.channel] }
        var key = 0
        for (slice, value) in column.enumerated() where value > column[key] { key = slice }
        guard case .meanOfTop(let count) = score.aggregate else { return (column[key], key) }
        let top = column.sorted(by: >).prefix(count)
        return (top.reduce(0, +) / Float(top.count), key)
    }
}

/// The operating point becomes 0.5, either side stays linear (torchxrayvision models.py, op_norm).
func normalised(_ score: Float, point: Float) -> Float {
    score < point ? score / (point * 2) : 1 - (1 - score) / ((1 - point) * 2)
}

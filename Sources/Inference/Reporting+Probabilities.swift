// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

extension Reporting {
    /// For each voxel of a mask's block how probable it is, 255 for certainty and 0 outside the mask; never 0 inside it. Where
    /// the mask was brought to the source grid, each voxel has the value of the nearest of the network's lattice, as it has
    /// its label. A voxel that post-processing added has no value of its own, and that of the whole finding.
    mutating func probabilities(
        _ marks: MarkedVoxels, _ decided: Marking, of mask: Marking, confidence: Double
    ) -> [UInt8] {
        let (box, shape) = (mask.box, mask.shape)
        var block = [UInt8](repeating: 0, count: box.shape.reduce(1, *))
        /// Visits the rows of the block: where each begins in it, and in the grid.
        func forEachRow(_ visit: (_ place: Int, _ start: Int, _ d: Int, _ h: Int) -> Void) {
            var place = 0
            for d in box.lower[0]..<box.upper[0] {
                for h in box.lower[1]..<box.upper[1] {
                    visit(place, (d * shape[1] + h) * shape[2] + box.lower[2], d, h)
                    place += box.shape[2]
                }
            }
        }
        if manifest.decision.restore == .linear {
            forEachRow { place, start, _, _ in
                for w in 0..<box.shape[2] where mask.voxels[start + w] != 0 { block[place + w] = level(confidence) }
            }
            marks.forEachValue(in: mask) { index, value in
                let (d, rest) = index.quotientAndRemainder(dividingBy: shape[1] * shape[2])
                let (h, w) = rest.quotientAndRemainder(dividingBy: shape[2])
                let row = (d - box.lower[0]) * box.shape[1] + h - box.lower[1]
                block[row * box.shape[2] + w - box.lower[2]] = level(Double(value))
            }
            return block
        }
        if labels.isEmpty { labels = [Float](repeating: 0, count: decided.voxels.count) }
        decided.forEachRow(of: decided.box) { start, length in
            for i in start..<start + length where decided.voxels[i] != 0 { labels[i] = Float(level(confidence)) }
        }
        marks.forEachValue(in: decided) { index, value in labels[index] = Float(level(Double(value))) }
        withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, box.shape[2])) { row in
            forEachRow { place, start, d, h in
                toSource.read(labels, d: d, h: h, range: box.lower[2]..<box.upper[2], into: row.baseAddress!)
                for w in 0..<box.shape[2] where mask.voxels[start + w] != 0 { block[place + w] = UInt8(row[w]) }
            }
        }
        decided.forEachRow(of: decided.box) { start, length in for i in start..<start + length { labels[i] = 0 } }
        return block
    }

    private func level(_ probability: Double) -> UInt8 { UInt8(max(1, min(255, (probability * 255).rounded()))) }
}

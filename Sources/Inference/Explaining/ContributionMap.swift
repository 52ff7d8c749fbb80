// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Volume

/// What contributes to a score, at the pixels of a slice of the lattice that the network's slices come from.
struct ContributionMap {
    var kind: Explanation.Kind
    /// Greater is more.
    var values: [Float]
    /// Rows and columns of what was computed.
    var computed: [Int]
    var isComplete: Bool
    var deletion: Explanation.Deletion?
    var notes: [String]

    /// On the frame of the volume that the slice of the lattice came from.
    func explanation(
        of finding: Int, label: String, slice: Int, lattice: Lattice, volume: VoxelVolume
    ) -> Explanation {
        var explanation = Explanation(kind: kind, finding: finding, label: label, notes: notes)
        let place = volume.slice(at: lattice, slice)
        guard let restored = Self.restored(values, lattice, to: volume.grid, slice: place) else {
            explanation.notes.append("the map lies across the slices of the series and is not shown")
            return explanation
        }
        let greatest = max(0, restored.max() ?? 0)
        if greatest == 0 { explanation.notes.append("nothing in the image raises the score") }
        explanation.map = Explanation.HeatMap(
            slice: place, rows: volume.grid.rows, columns: volume.grid.columns,
            values: greatest == 0 ? restored.map { _ in 0 } : restored.map { min(max($0, 0) / greatest, 1) },
            greatest: Double(greatest), computed: computed, isComplete: isComplete, deletion: deletion)
        return explanation
    }

    /// Linear between the lattice's pixels, 0 beyond them; nil where the lattice's slices are not those of the grid.
    static func restored(_ values: [Float], _ lattice: Lattice, to grid: Grid, slice: Int) -> [Float]? {
        let source = Lattice(grid)
        let (height, width) = (lattice.shape[1], lattice.shape[2])
        if source.shape[1...] == lattice.shape[1...], source.steps == lattice.steps,
            source.point([0, 0, 0]) == lattice.point([0, 0, 0])
        {
            return values
        }
        let map = lattice.map(from: source)
        let across = abs(map.matrix[0][1]) * Double(grid.rows) + abs(map.matrix[0][2]) * Double(grid.columns)
        guard across < 0.5 else { return nil }
        let (down, right) = (map.matrix[1], map.matrix[2])
        let start = [map.offset[1] + down[0] * Double(slice), map.offset[2] + right[0] * Double(slice)]
        func tap(_ x: Double, _ count: Int) -> (low: Int, weight: Float)? {
            guard x >= -0.5 - 1e-6, x <= Double(count) - 0.5 + 1e-6 else { return nil }
            let inside = min(max(x, 0), Double(count - 1))
            let low = min(Int(inside), max(0, count - 2))
            return (low, Float(inside - Double(low)))
        }
        var result = [Float](repeating: 0, count: grid.rows * grid.columns)
        for row in 0..<grid.rows {
            for column in 0..<grid.columns {
                let (r, c) = (Double(row), Double(column))
                guard let h = tap(start[0] + down[1] * r + down[2] * c, height),
                    let w = tap(start[1] + right[1] * r + right[2] * c, width)
                else { continue }
                let (upper, lower) = (h.low * width, min(h.low + 1, height - 1) * width)
                let next = min(w.low + 1, width - 1)
                let top = values[upper + w.low] + (values[upper + next] - values[upper + w.low]) * w.weight
                let bottom = values[lower + w.low] + (values[lower + next] - values[lower + w.low]) * w.weight
                result[row * grid.columns + column] = top + (bottom - top) * h.weight
            }
        }
        return result
    }
}

extension AnalysisResult {
    /// A finding with a mask or a box is its own explanation.
    mutating func explainMarks() {
        let explained = Set(explanations.map(\.finding))
        for (index, finding) in findings.enumerated() where !explained.contains(index) {
            guard finding.maskIndex != nil || finding.box != nil else { continue }
            explanations.append(
                Explanation(kind: finding.maskIndex == nil ? .box : .mask, finding: index, label: finding.label))
        }
        explanations.sort { $0.finding < $1.finding }
    }
}

extension Explanation.HeatMap {
    /// The map of a block, on the whole grid.
    func restored(from box: VoxelBox, to grid: Grid) -> Self {
        var map = self
        map.slice += box.slices.lowerBound
        (map.rows, map.columns) = (grid.rows, grid.columns)
        map.values = [Float](repeating: 0, count: grid.rows * grid.columns)
        for row in 0..<rows {
            let start = (row + box.rows.lowerBound) * grid.columns + box.columns.lowerBound
            map.values.replaceSubrange(start..<start + columns, with: values[row * columns..<(row + 1) * columns])
        }
        return map
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A detector's box in the patient and on the slices of the source.
struct PlacedBox: Equatable {
    var box: FindingBox
    /// The slice nearest to the centre.
    var keySlice: Int
    /// mm along the columns, the rows and the normal of the slices, of the block of source voxels around the box.
    var extent: (width: Double, height: Double, depth: Double)

    static func == (a: PlacedBox, b: PlacedBox) -> Bool {
        a.box == b.box && a.keySlice == b.keySlice && a.extent == b.extent
    }

    /// Corners go to the patient as indices of the lattice, without half a voxel more, as MONAI's
    /// `AffineBoxToWorldCoordinate` has them and as its boxes were made for training.
    init(_ detected: DetectedBox, on lattice: Lattice, grid: Grid) {
        let lower = detected.lower.map(Double.init)
        let upper = detected.upper.map(Double.init)
        let source = Lattice(grid).map(from: lattice)
        let corners = (0..<8).map { corner -> [Double] in
            let index = (0..<3).map { corner >> $0 & 1 == 1 ? upper[$0] : lower[$0] }
            return (0..<3).map { d in source.offset[d] + (0..<3).reduce(0) { $0 + source.matrix[d][$1] * index[$1] } }
        }
        func range(_ d: Int) -> (Double, Double) {
            (corners.map { $0[d] }.min() ?? 0, corners.map { $0[d] }.max() ?? 0)
        }
        let slices = range(0)
        let rows = range(1)
        let columns = range(2)
        keySlice = min(max(Int(((slices.0 + slices.1) / 2).rounded()), 0), grid.slices - 1)
        // Index 0 is the middle of the first pixel, which begins half a pixel before (PS3.3 C.18.6.1.1).
        // A box at the border keeps at least one pixel.
        func edges(_ range: (Double, Double), _ count: Int) -> (Double, Double) {
            let low = min(max(range.0 + 0.5, 0), Double(count - 1))
            return (low, max(min(range.1 + 0.5, Double(count)), min(low + 1, Double(count))))
        }
        let across = edges(columns, grid.columns)
        let down = edges(rows, grid.rows)
        let center = lattice.point((0..<3).map { (lower[$0] + upper[$0]) / 2 })
        box = FindingBox(
            center: center, axes: lattice.steps.map { $0 * (1 / $0.length) },
            size: (0..<3).map { (upper[$0] - lower[$0]) * lattice.steps[$0].length },
            rectangle: FindingBox.Rectangle(
                left: across.0, top: down.0, right: across.1, bottom: down.1))
        let normal = grid.columnStep.cross(grid.rowStep)
        extent = (
            (columns.1 - columns.0) * grid.columnStep.length, (rows.1 - rows.0) * grid.rowStep.length,
            (slices.1 - slices.0) * abs(grid.sliceStep.dot(normal)) / normal.length
        )
    }
}

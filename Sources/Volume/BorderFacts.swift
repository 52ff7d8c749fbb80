// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Whether the body reaches the border of the field of view: the share of border pixels, over all slices, that are
/// body. Body is above −500 HU; without Hounsfield units, above a tenth of the 99th percentile.
package struct BorderFacts: Sendable, Equatable {
    /// The first column, the last column, the first row, the last row.
    package var firstColumn = 0.0
    package var lastColumn = 0.0
    package var firstRow = 0.0
    package var lastRow = 0.0
    /// From 0: slices of which more than a hundredth of the border is body.
    package var touchingSlices: [Int] = []

    /// Of the whole border.
    package var share = 0.0

    package var largest: Double { max(firstColumn, lastColumn, firstRow, lastRow) }

    init(_ volume: VoxelVolume, ninetyNinth: Float) {
        let (columns, rows, slices) = (volume.grid.columns, volume.grid.rows, volume.grid.slices)
        let threshold = volume.unit == VoxelVolume.hounsfieldUnit ? -500 : ninetyNinth / 10
        let counts = volume.forEachSlice { voxels -> (Int, Int, Int, Int) in
            var (left, right, top, bottom) = (0, 0, 0, 0)
            for row in 0..<rows {
                if voxels[row * columns] > threshold { left += 1 }
                if voxels[row * columns + columns - 1] > threshold { right += 1 }
            }
            for column in 0..<columns {
                if voxels[column] > threshold { top += 1 }
                if voxels[(rows - 1) * columns + column] > threshold { bottom += 1 }
            }
            return (left, right, top, bottom)
        }
        firstColumn = Double(counts.reduce(0) { $0 + $1.0 }) / Double(rows * slices)
        lastColumn = Double(counts.reduce(0) { $0 + $1.1 }) / Double(rows * slices)
        firstRow = Double(counts.reduce(0) { $0 + $1.2 }) / Double(columns * slices)
        lastRow = Double(counts.reduce(0) { $0 + $1.3 }) / Double(columns * slices)
        let all = counts.reduce(0) { $0 + $1.0 + $1.1 + $1.2 + $1.3 }
        share = Double(all) / Double(2 * (rows + columns) * slices)
        touchingSlices = counts.indices.filter { slice in
            let (left, right, top, bottom) = counts[slice]
            return Double(left + right + top + bottom) > 0.01 * Double(2 * (rows + columns))
        }
    }
}

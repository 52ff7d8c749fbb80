// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Takes: the files of one series, each admitted by the scan.
// Gives: a volume in physical units with its geometry, or the reason why there is none to be trusted.
// Keeps: nothing.
// Never: guesses. What does not fit is refused, what is odd but harmless is noted; no voxel is interpolated.

import DICOM

/// A series as one block of voxels.
package struct VoxelVolume: Sendable {
    package var grid: Grid
    /// In `unit`, in the grid's order: columns vary fastest, then rows, then slices.
    package var voxels: [Float]
    /// Hounsfield units for CT; arbitrary units for MR.
    package var unit: Code
    /// The frame that each slice was read from.
    package var frames: [SourceFrame]
    /// What is odd about the series and did not refuse it, in plain words.
    package var notes: [String]

    package init(grid: Grid, voxels: [Float], unit: Code, frames: [SourceFrame], notes: [String] = []) {
        precondition(voxels.count == grid.count && frames.count == grid.slices)
        self.grid = grid
        self.voxels = voxels
        self.unit = unit
        self.frames = frames
        self.notes = notes
    }

    package static let hounsfieldUnit = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
    package static let arbitraryUnit = Code("[arb'U]", "UCUM", "arbitrary unit")
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Takes: the files of one series, each admitted by the scan.
// Gives: a volume in physical units with its geometry, or the reason why there is none to be trusted; of radiographs
//        and frames a volume of one slice each, which says that it has no place in the patient.
// Keeps: nothing.
// Never: guesses. What does not fit is refused, what is odd but harmless is noted; no voxel is interpolated.

import DICOM

/// A series as one block of voxels.
package struct VoxelVolume: Sendable {
    /// What the grid's millimetres mean.
    package enum Placement: String, Hashable, Sendable {
        /// Millimetres in the patient coordinate system.
        case patient
        /// Millimetres in the plane of the image, of uncertain scale (see the notes); the origin is the first pixel.
        case image
        /// No physical size is known: a step is a pixel.
        case pixels
    }

    package var grid: Grid
    package var placement: Placement
    /// 1, or 3 for red, green and blue.
    package var channels: Int
    /// In `unit`: columns vary fastest, then rows, then slices, as in the grid, then channels.
    package var voxels: [Float]
    /// Hounsfield units for CT; arbitrary units for all else.
    package var unit: Code
    /// The frame that each slice was read from.
    package var frames: [SourceFrame]
    /// The largest difference of a step between slices from the median step, as a share of it.
    package var unevenSpacing = 0.0
    /// What the first image's header says.
    package var declared: DeclaredFacts
    /// What is odd about the series and did not refuse it, in plain words.
    package var notes: [String]

    package init(
        grid: Grid, voxels: [Float], unit: Code, frames: [SourceFrame], notes: [String] = [],
        placement: Placement = .patient, channels: Int = 1, declared: DeclaredFacts = DeclaredFacts()
    ) {
        precondition(voxels.count == grid.count * channels && frames.count == grid.slices)
        self.grid = grid
        self.placement = placement
        self.channels = channels
        self.voxels = voxels
        self.unit = unit
        self.frames = frames
        self.declared = declared
        self.notes = notes
    }

    package var hasPatientGeometry: Bool { placement == .patient }

    package static let hounsfieldUnit = Code("[hnsf'U]", "UCUM", "Hounsfield unit")
    package static let arbitraryUnit = Code("[arb'U]", "UCUM", "arbitrary unit")

    /// The frames of several images for whoever lists them: the grid and the voxels are those of the first.
    package init(listing images: [VoxelVolume]) {
        self = images[0]
        guard images.count > 1 else { return }
        frames = images.flatMap(\.frames)
        grid.slices = frames.count
        voxels = []
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// How the planes lie to each other. Gaps and repeated places are no facts here: reading refuses them.
package struct GeometryFacts: Sendable, Equatable {
    /// Degrees between the stack's direction and the planes' normal.
    package var tilt: Double
    /// The largest difference of a step between slices from the median step, as a share of it.
    package var unevenSpacing: Double
    /// mm along the normal, from slice to slice.
    package var sliceSpacing: Double

    /// nil for one slice, and where the slices are no stack in a patient.
    init?(_ volume: VoxelVolume) {
        let grid = volume.grid
        guard volume.hasPatientGeometry, grid.slices > 1 else { return nil }
        let normal = grid.columnStep.cross(grid.rowStep)
        let along = abs(grid.sliceStep.dot(normal)) / normal.length
        tilt = acos(min(1, along / grid.sliceStep.length)) * 180 / Double.pi
        sliceSpacing = along
        unevenSpacing = volume.unevenSpacing
    }
}

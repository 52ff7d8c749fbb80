// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Results
import Volume

extension KeyImage {
    /// A slice of the volume that a stack is, or of the images that are a volume each.
    init?(slice: Int, of volumes: [VoxelVolume]) {
        var place = slice
        for volume in volumes {
            let pixels = volume.grid.columns * volume.grid.rows
            guard place < volume.grid.slices else {
                place -= volume.grid.slices
                continue
            }
            let values = (0..<volume.channels).flatMap { channel in
                let start = channel * volume.grid.count + place * pixels
                return volume.voxels[start..<start + pixels]
            }
            self.init(
                slice: slice, channels: volume.channels, values: values, isToScale: volume.hasPatientGeometry)
            return
        }
        return nil
    }
}

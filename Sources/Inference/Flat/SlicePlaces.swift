// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Volume

extension VoxelVolume {
    /// The values that the stored bits can express; nil where the header does not say.
    var storedRange: ClosedRange<Float>? { declared.valueRange }

    /// The slice of the volume in which the middle of a lattice's slice lies.
    func slice(at lattice: Lattice, _ slice: Int) -> Int {
        let map = Lattice(grid).map(from: lattice)
        let middle = [Double(slice), Double(lattice.shape[1] - 1) / 2, Double(lattice.shape[2] - 1) / 2]
        let position = map.offset[0] + zip(map.matrix[0], middle).reduce(0) { $0 + $1.0 * $1.1 }
        return min(max(Int(position.rounded()), 0), grid.slices - 1)
    }
}

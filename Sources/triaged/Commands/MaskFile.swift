// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation

/// A mask as NRRD (Teem's "nearly raw raster data", NRRD0004): 0 and 1 with their place in the patient, for 3D Slicer,
/// ITK and the like.
enum MaskFile {
    /// - Parameter mask: nil where nothing is marked.
    static func data(_ mask: Mask?, on grid: Grid) -> Data {
        func vector(_ v: Vector3) -> String { "(\(v.x),\(v.y),\(v.z))" }
        let header = """
            NRRD0004
            type: uint8
            dimension: 3
            space: left-posterior-superior
            sizes: \(grid.columns) \(grid.rows) \(grid.slices)
            space directions: \(vector(grid.columnStep)) \(vector(grid.rowStep)) \(vector(grid.sliceStep))
            kinds: domain domain domain
            encoding: raw
            space origin: \(vector(grid.origin))


            """
        return Data(header.utf8) + Data(mask?.voxels ?? [UInt8](repeating: 0, count: grid.count))
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A point or direction in the patient coordinate system, in millimetres: x to the left, y to the back, z to the head (PS3.3 C.7.6.2.1.1).
package struct Vector3: Hashable, Sendable, Codable {
    package var x: Double
    package var y: Double
    package var z: Double

    package init(_ x: Double, _ y: Double, _ z: Double) {
        self.x = x
        self.y = y
        self.z = z
    }

    package static func + (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x + b.x, a.y + b.y, a.z + b.z) }
    package static func - (a: Vector3, b: Vector3) -> Vector3 { Vector3(a.x - b.x, a.y - b.y, a.z - b.z) }
    package static func * (a: Vector3, k: Double) -> Vector3 { Vector3(a.x * k, a.y * k, a.z * k) }
    package func dot(_ b: Vector3) -> Double { x * b.x + y * b.y + z * b.z }
    package func cross(_ b: Vector3) -> Vector3 {
        Vector3(y * b.z - z * b.y, z * b.x - x * b.z, x * b.y - y * b.x)
    }
    package var length: Double { dot(self).squareRoot() }
    package var isFinite: Bool { x.isFinite && y.isFinite && z.isFinite }
}

/// Where each voxel of a volume lies. Voxel (column, row, slice) has its centre at
/// `origin + columnStep·column + rowStep·row + sliceStep·slice`; columns vary fastest in memory.
///
/// The three steps need not be perpendicular (gantry tilt shears `sliceStep`).
package struct Grid: Hashable, Sendable, Codable {
    /// Centre of voxel (0, 0, 0), mm.
    package var origin: Vector3
    /// From one column to the next (along a row of pixels), mm: row cosines × column spacing.
    package var columnStep: Vector3
    /// From one row to the next (down a column of pixels), mm: column cosines × row spacing.
    package var rowStep: Vector3
    /// From one slice to the next, mm.
    package var sliceStep: Vector3
    package var columns: Int
    package var rows: Int
    package var slices: Int

    package init(
        origin: Vector3, columnStep: Vector3, rowStep: Vector3, sliceStep: Vector3, columns: Int, rows: Int, slices: Int
    ) {
        self.origin = origin
        self.columnStep = columnStep
        self.rowStep = rowStep
        self.sliceStep = sliceStep
        self.columns = columns
        self.rows = rows
        self.slices = slices
    }

    package var count: Int { columns * rows * slices }
    /// Spacing between column centres, row centres and slices, mm.
    package var spacing: (column: Double, row: Double, slice: Double) {
        (columnStep.length, rowStep.length, sliceStep.length)
    }
    /// Volume of one voxel, mm³: the determinant, so that a sheared grid is measured right.
    package var voxelVolume: Double { abs(columnStep.cross(rowStep).dot(sliceStep)) }

    package func point(column: Double, row: Double, slice: Double) -> Vector3 {
        origin + columnStep * column + rowStep * row + sliceStep * slice
    }
    package func index(column: Int, row: Int, slice: Int) -> Int { (slice * rows + row) * columns + column }
}

/// The frame that a slice of a volume was read from.
package struct SourceFrame: Hashable, Sendable, Codable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    /// From 1; nil where the instance has a single frame.
    package var frameNumber: Int?

    package init(sopClassUID: UID, sopInstanceUID: UID, frameNumber: Int?) {
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.frameNumber = frameNumber
    }
}

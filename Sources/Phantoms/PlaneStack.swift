// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// Parallel, even planes about the origin of the patient coordinate system.
struct PlaneStack: Sendable {
    struct Plane: Sendable {
        /// Centre of the first pixel, mm, as rounded in the file.
        var position: Vector3
        var rowCosines: Vector3
        var columnCosines: Vector3
        /// Position along the stack, mm.
        var location: Double
        var number: Int
    }

    var columns: Int
    var rows: Int
    var pixelSpacing: Double
    var sliceSpacing: Double
    var planes: [Plane]

    /// - Parameters:
    ///   - field: mm across the longer side.
    ///   - extent: mm along the stack.
    ///   - turn: degrees about the left-right axis; the stack runs along its normal.
    init(
        columns: Int, rows: Int, slices: Int, field: Double, extent: Double, orientation: HeadCT.Orientation = .axial,
        turn: Double = 0
    ) throws(PhantomError) {
        guard (1...65_535).contains(columns), (1...65_535).contains(rows) else {
            throw .impossible("columns and rows are 1 to 65535")
        }
        guard (1...10_000).contains(slices) else { throw .impossible("there are 1 to 10,000 slices") }
        guard abs(turn) <= 45 else { throw .impossible("planes are turned by 45 degrees at most") }
        guard field > 0, field < 2000, extent > 0, extent < 5000 else { throw .impossible("spacings are positive") }
        self.columns = columns
        self.rows = rows
        pixelSpacing = rounded(field / Double(max(columns, rows)))
        sliceSpacing = rounded(extent / Double(slices))
        let row: Vector3
        var column: Vector3
        switch orientation {
        case .axial: (row, column) = (Vector3(1, 0, 0), Vector3(0, 1, 0))
        case .coronal: (row, column) = (Vector3(1, 0, 0), Vector3(0, 0, -1))
        case .sagittal: (row, column) = (Vector3(0, 1, 0), Vector3(0, 0, -1))
        }
        guard turn == 0 || orientation != .sagittal else { throw .impossible("sagittal planes are not turned") }
        if turn != 0 {
            let (c, s) = (cos(turn * Double.pi / 180), sin(turn * Double.pi / 180))
            column = Vector3(0, nine(column.y * c - column.z * s), nine(column.y * s + column.z * c))
        }
        let normal = row.cross(column)
        let (spacing, between) = (pixelSpacing, sliceSpacing)
        planes = (0..<slices).map { number in
            let offset = (Double(number) - Double(slices - 1) / 2) * between
            let corner =
                normal * offset - row * (Double(columns - 1) / 2 * spacing) - column * (Double(rows - 1) / 2 * spacing)
            return Plane(
                position: Vector3(rounded(corner.x), rounded(corner.y), rounded(corner.z)), rowCosines: row,
                columnCosines: column, location: rounded(offset), number: number)
        }
    }

    var voxelML: Double { pixelSpacing * pixelSpacing * sliceSpacing / 1000 }
}

private func nine(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }

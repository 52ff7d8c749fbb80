// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Which voxels of a source volume belong to a finding: 0 or 1, in the grid's order, kept for the block of the grid
/// that holds them all. A hundred organs of a whole-body CT take little more than one byte a voxel together.
package struct Mask: Sendable, Equatable {
    package let columns: Int
    package let rows: Int
    package let slices: Int
    /// The block of the grid outside of which nothing belongs.
    package let blockColumns: Range<Int>
    package let blockRows: Range<Int>
    package let blockSlices: Range<Int>
    /// One byte a voxel of the block.
    package let block: [UInt8]

    package init(
        columns: Int, rows: Int, slices: Int, blockColumns: Range<Int>, blockRows: Range<Int>, blockSlices: Range<Int>,
        block: [UInt8]
    ) {
        precondition(block.count == blockColumns.count * blockRows.count * blockSlices.count)
        precondition(
            (0..<columns).contains(blockColumns) && (0..<rows).contains(blockRows) && (0..<slices).contains(blockSlices)
        )
        self.columns = columns
        self.rows = rows
        self.slices = slices
        self.blockColumns = blockColumns
        self.blockRows = blockRows
        self.blockSlices = blockSlices
        self.block = block
    }

    /// One byte for every voxel of the grid.
    package init(columns: Int, rows: Int, slices: Int, voxels: [UInt8]) {
        precondition(voxels.count == columns * rows * slices)
        self.init(
            columns: columns, rows: rows, slices: slices, blockColumns: 0..<columns, blockRows: 0..<rows,
            blockSlices: 0..<slices, block: voxels)
    }

    /// One byte for every voxel of the grid.
    package var voxels: [UInt8] {
        var voxels = [UInt8](repeating: 0, count: columns * rows * slices)
        for slice in blockSlices {
            for row in blockRows {
                let start = (slice * rows + row) * columns + blockColumns.lowerBound
                voxels.replaceSubrange(start..<start + blockColumns.count, with: line(row: row, slice: slice))
            }
        }
        return voxels
    }

    /// One byte for every pixel of a slice.
    package func plane(_ slice: Int) -> [UInt8] {
        var plane = [UInt8](repeating: 0, count: columns * rows)
        guard blockSlices.contains(slice) else { return plane }
        for row in blockRows {
            let start = row * columns + blockColumns.lowerBound
            plane.replaceSubrange(start..<start + blockColumns.count, with: line(row: row, slice: slice))
        }
        return plane
    }

    /// The voxels of the block in a row of it.
    package func line(row: Int, slice: Int) -> ArraySlice<UInt8> {
        let start =
            ((slice - blockSlices.lowerBound) * blockRows.count + row - blockRows.lowerBound) * blockColumns.count
        return block[start..<start + blockColumns.count]
    }

    package func isEmpty(slice: Int) -> Bool {
        guard blockSlices.contains(slice) else { return true }
        return !blockRows.contains { line(row: $0, slice: slice).contains { $0 != 0 } }
    }

    /// Equal where the same voxels belong, whatever the block.
    package static func == (a: Mask, b: Mask) -> Bool {
        guard a.columns == b.columns, a.rows == b.rows, a.slices == b.slices else { return false }
        return (0..<a.slices).allSatisfy { a.plane($0) == b.plane($0) }
    }
}

extension Range<Int> {
    fileprivate func contains(_ other: Range<Int>) -> Bool {
        other.isEmpty || (other.lowerBound >= lowerBound && other.upperBound <= upperBound)
    }
}

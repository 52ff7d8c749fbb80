// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Which voxels of a source volume belong to a finding: 0 or 1, in the grid's order, kept as the stretches of each row.
/// Memory follows the surface of what is marked: a stray voxel at the other end of a whole-body CT costs four bytes, and a
/// hundred organs a few megabytes.
package struct Mask: Sendable, Equatable {
    /// Along a row, from the block's first column. DICOM counts columns in 16 bits.
    private struct Stretch: Sendable {
        var start: UInt16
        var length: UInt16
    }

    package let columns: Int
    package let rows: Int
    package let slices: Int
    /// The block of the grid outside of which nothing belongs.
    package let blockColumns: Range<Int>
    package let blockRows: Range<Int>
    package let blockSlices: Range<Int>
    private let stretches: [Stretch]
    /// Where the stretches of each row of the block begin, and after the last row their number.
    private let firsts: [Int32]

    private init(
        columns: Int, rows: Int, slices: Int, blockColumns: Range<Int>, blockRows: Range<Int>, blockSlices: Range<Int>,
        stretches: [Stretch], firsts: [Int32]
    ) {
        precondition(
            (0..<columns).contains(blockColumns) && (0..<rows).contains(blockRows) && (0..<slices).contains(blockSlices)
        )
        self.columns = columns
        self.rows = rows
        self.slices = slices
        self.blockColumns = blockColumns
        self.blockRows = blockRows
        self.blockSlices = blockSlices
        self.stretches = stretches
        self.firsts = firsts
    }

    /// - Parameter line: the block's voxels in a row of it, one byte each.
    package init(
        columns: Int, rows: Int, slices: Int, blockColumns: Range<Int>, blockRows: Range<Int>, blockSlices: Range<Int>,
        line: (_ row: Int, _ slice: Int) -> ArraySlice<UInt8>
    ) {
        precondition(blockColumns.count <= Int(UInt16.max))
        var stretches: [Stretch] = []
        var firsts: [Int32] = [0]
        firsts.reserveCapacity(blockRows.count * blockSlices.count + 1)
        for slice in blockSlices {
            for row in blockRows {
                let voxels = line(row, slice)
                precondition(voxels.count == blockColumns.count)
                voxels.withUnsafeBufferPointer { voxels in
                    var column = 0
                    while column < voxels.count {
                        while column < voxels.count, voxels[column] == 0 { column += 1 }
                        let start = column
                        while column < voxels.count, voxels[column] != 0 { column += 1 }
                        if column > start {
                            stretches.append(Stretch(start: UInt16(start), length: UInt16(column - start)))
                        }
                    }
                }
                firsts.append(Int32(stretches.count))
            }
        }
        self.init(
            columns: columns, rows: rows, slices: slices, blockColumns: blockColumns, blockRows: blockRows,
            blockSlices: blockSlices, stretches: stretches, firsts: firsts)
    }

    /// - Parameter block: one byte a voxel of the block.
    package init(
        columns: Int, rows: Int, slices: Int, blockColumns: Range<Int>, blockRows: Range<Int>, blockSlices: Range<Int>,
        block: [UInt8]
    ) {
        let width = blockColumns.count
        precondition(block.count == width * blockRows.count * blockSlices.count)
        self.init(
            columns: columns, rows: rows, slices: slices, blockColumns: blockColumns, blockRows: blockRows,
            blockSlices: blockSlices
        ) { row, slice in
            let start =
                ((slice - blockSlices.lowerBound) * blockRows.count + row - blockRows.lowerBound) * width
            return block[start..<start + width]
        }
    }

    /// One byte for every voxel of the grid.
    package init(columns: Int, rows: Int, slices: Int, voxels: [UInt8]) {
        precondition(voxels.count == columns * rows * slices)
        self.init(
            columns: columns, rows: rows, slices: slices, blockColumns: 0..<columns, blockRows: 0..<rows,
            blockSlices: 0..<slices, block: voxels)
    }

    /// The same voxels on a larger grid, of which this mask's begins at a column, a row and a slice.
    package func placed(column: Int, row: Int, slice: Int, columns: Int, rows: Int, slices: Int) -> Mask {
        func moved(_ range: Range<Int>, by start: Int) -> Range<Int> {
            range.lowerBound + start..<range.upperBound + start
        }
        return Mask(
            columns: columns, rows: rows, slices: slices, blockColumns: moved(blockColumns, by: column),
            blockRows: moved(blockRows, by: row), blockSlices: moved(blockSlices, by: slice), stretches: stretches,
            firsts: firsts)
    }

    /// Made at each call: one byte for every voxel of the grid.
    package var voxels: [UInt8] {
        var voxels = [UInt8](repeating: 0, count: columns * rows * slices)
        voxels.withUnsafeMutableBufferPointer { voxels in
            for slice in blockSlices { fill(slice, voxels.baseAddress.map { $0 + slice * rows * columns }) }
        }
        return voxels
    }

    /// One byte for every pixel of a slice.
    package func plane(_ slice: Int) -> [UInt8] {
        var plane = [UInt8](repeating: 0, count: columns * rows)
        guard blockSlices.contains(slice) else { return plane }
        plane.withUnsafeMutableBufferPointer { fill(slice, $0.baseAddress) }
        return plane
    }

    /// - Parameter plane: zeros.
    private func fill(_ slice: Int, _ plane: UnsafeMutablePointer<UInt8>?) {
        guard let plane else { return }
        for row in blockRows {
            let start = plane + (row * columns + blockColumns.lowerBound)
            for stretch in stretches[indices(row: row, slice: slice)] {
                (start + Int(stretch.start)).update(repeating: 1, count: Int(stretch.length))
            }
        }
    }

    private func indices(row: Int, slice: Int) -> Range<Int> {
        let place = (slice - blockSlices.lowerBound) * blockRows.count + row - blockRows.lowerBound
        return Int(firsts[place])..<Int(firsts[place + 1])
    }

    /// The voxels of the block in a row of it.
    package func line(row: Int, slice: Int) -> ArraySlice<UInt8> {
        var line = [UInt8](repeating: 0, count: blockColumns.count)
        for stretch in stretches[indices(row: row, slice: slice)] {
            for column in Int(stretch.start)..<Int(stretch.start) + Int(stretch.length) { line[column] = 1 }
        }
        return line[...]
    }

    /// Visits what is marked in a slice: rows and stretches of columns of the grid, ascending.
    package func forEachStretch(slice: Int, _ visit: (_ row: Int, _ columns: Range<Int>) -> Void) {
        guard blockSlices.contains(slice) else { return }
        for row in blockRows {
            for stretch in stretches[indices(row: row, slice: slice)] {
                let start = blockColumns.lowerBound + Int(stretch.start)
                visit(row, start..<start + Int(stretch.length))
            }
        }
    }

    /// Voxels of the block, marked or not.
    package var blockCount: Int { blockColumns.count * blockRows.count * blockSlices.count }

    package func isEmpty(slice: Int) -> Bool {
        guard blockSlices.contains(slice), let first = blockRows.first, let last = blockRows.last else { return true }
        return indices(row: first, slice: slice).lowerBound == indices(row: last, slice: slice).upperBound
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

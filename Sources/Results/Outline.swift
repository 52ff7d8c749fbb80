// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The outer border of the largest connected part of a mask on one slice, along pixel edges.
struct Outline {
    /// Column and row of each corner, (0, 0) at the outer corner of the first pixel; the first is not repeated.
    let corners: [(column: Int, row: Int)]
    /// Of that part, without its holes.
    let pixelCount: Int

    /// Of a slice that is not empty.
    init(_ mask: Mask, slice: Int) {
        self.init(Plane(mask, slice: slice).parts(limit: 1)[0])
    }

    private init(_ part: Plane) {
        corners = part.border()
        pixelCount = part.pixels.count { $0 }
    }

    /// Of the largest connected parts of a slice, as many as there are or as the limit allows.
    static func parts(_ mask: Mask, slice: Int, limit: Int) -> [Outline] {
        Plane(mask, slice: slice).parts(limit: limit).map(Outline.init)
    }

    /// The columns and rows that it encloses.
    var box: (columns: Range<Int>, rows: Range<Int>, polyline: [Float]) {
        let columns = corners.map(\.column)
        let rows = corners.map(\.row)
        let (left, right) = (columns.min() ?? 0, columns.max() ?? 0)
        let (top, bottom) = (rows.min() ?? 0, rows.max() ?? 0)
        let closed = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
        return (left..<right, top..<bottom, closed.flatMap { [Float($0.0), Float($0.1)] })
    }

    /// A closed polyline, column and row in turn; the box where there are more corners than an FL element of 64 kB holds.
    var polyline: [Float] {
        guard corners.count <= 8000, let first = corners.first else { return box.polyline }
        return (corners + [first]).flatMap { [Float($0.column), Float($0.row)] }
    }
}

/// One slice of a mask.
private struct Plane {
    let columns: Int
    let rows: Int
    var pixels: [Bool]

    init(_ mask: Mask, slice: Int) {
        columns = mask.columns
        rows = mask.rows
        pixels = mask.plane(slice).map { $0 != 0 }
    }

    private init(columns: Int, rows: Int, members: [Int]) {
        self.columns = columns
        self.rows = rows
        pixels = [Bool](repeating: false, count: columns * rows)
        for index in members { pixels[index] = true }
    }

    /// The largest parts whose pixels touch by their edges; the first of equals first.
    func parts(limit: Int) -> [Plane] {
        var isSeen = pixels.map { !$0 }
        var parts: [[Int]] = []
        for start in pixels.indices where !isSeen[start] {
            var part = [start]
            var next = 0
            isSeen[start] = true
            while next < part.count {
                let index = part[next]
                next += 1
                let column = index % columns
                if column > 0 { visit(index - 1) }
                if column + 1 < columns { visit(index + 1) }
                if index >= columns { visit(index - columns) }
                if index + columns < pixels.count { visit(index + columns) }
            }
            parts.append(part)

            func visit(_ index: Int) {
                guard !isSeen[index] else { return }
                isSeen[index] = true
                part.append(index)
            }
        }
        let largest = parts.indices.sorted { a, b in
            parts[a].count == parts[b].count ? a < b : parts[a].count > parts[b].count
        }
        return largest.prefix(limit).map { Plane(columns: columns, rows: rows, members: parts[$0]) }
    }

    /// Walks along the outer edges of a connected part with its pixels to the right, from the first pixel's corner.
    func border() -> [(column: Int, row: Int)] {
        guard let first = pixels.firstIndex(of: true) else { return [] }
        let start = (column: first % columns, row: first / columns)
        var corners = [start]
        var (column, row) = start
        var step = (column: 1, row: 0)
        repeat {
            column += step.column
            row += step.row
            // Pixels ahead, to the left and to the right of the edge. Rows count downwards, so right of (1, 0) is (0, 1).
            let isRight = isSet(column, row, step, right: true)
            let isLeft = isSet(column, row, step, right: false)
            if !isRight {
                step = (-step.row, step.column)
            } else if isLeft {
                step = (step.row, -step.column)
            } else {
                continue
            }
            corners.append((column, row))
        } while (column, row) != start
        corners.removeLast()
        return corners
    }

    private func isSet(_ column: Int, _ row: Int, _ step: (column: Int, row: Int), right: Bool) -> Bool {
        // Of the four pixels around the corner, the one ahead on that side.
        let side = right ? (-step.row, step.column) : (step.row, -step.column)
        let x = column + (step.column + side.0 > 0 ? 0 : -1)
        let y = row + (step.row + side.1 > 0 ? 0 : -1)
        return x >= 0 && y >= 0 && x < columns && y < rows && pixels[y * columns + x]
    }
}

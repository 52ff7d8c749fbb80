// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A slice as a picture for viewers that know neither Segmentations nor reports: words above, the slice in square pixels,
/// words and a scale below. Nothing is written over the slice but what marks the findings.
struct Picture {
    enum Shape {
        /// One byte for every pixel of the slice.
        case mask([UInt8])
        case rectangle(FindingBox.Rectangle)
    }

    struct Mark {
        var shape: Shape
        var color: Canvas.Color
        /// Beside it.
        var number: String
    }

    /// How much each place of the slice contributes, 0 to 1, row after row.
    struct Overlay {
        var values: [Float]
        var rows: Int
        var columns: Int
    }

    struct Line {
        var text: String
        var color: Canvas.Color
        /// A patch of colour before the text.
        var swatch: Canvas.Color?
        var size = 2
    }

    /// Where the slice lies in the picture, and how large a pixel of it is there.
    private struct Layout {
        var left: Int
        var top: Int
        var columns: Int
        var rows: Int
        var scaleX: Double
        var scaleY: Double

        func x(_ column: Double) -> Int { left + Int((column * scaleX).rounded()) }
        func y(_ row: Double) -> Int { top + Int((row * scaleY).rounded()) }
    }

    private(set) var canvas: Canvas
    /// mm from one pixel of the picture to the next; nil where it is not known.
    let pixelSize: Double?
    private let layout: Layout

    /// The longer side of a slice in the picture.
    private static let longSide = 512.0...1024.0
    private static let margin = 6

    /// - Parameters:
    ///   - brightness: of every pixel and channel of the slice.
    ///   - orientation: of its rows and columns in the patient.
    init(
        _ brightness: [UInt8], channels: Int, grid: Grid, isToScale: Bool, orientation: [Double]?, marks: [Mark],
        overlay: Overlay? = nil, above: [Line], below: [Line]
    ) {
        let square = min(grid.spacing.column, grid.spacing.row)
        let natural = (
            Double(grid.columns) * grid.spacing.column / square, Double(grid.rows) * grid.spacing.row / square
        )
        let long = max(natural.0, natural.1)
        let factor = min(max(long, Self.longSide.lowerBound), Self.longSide.upperBound) / long
        let columns = max(1, Int((natural.0 * factor).rounded()))
        let rows = max(1, Int((natural.1 * factor).rounded()))
        pixelSize = isToScale ? square / factor : nil
        let width = max(columns, Int(Self.longSide.lowerBound))
        let above = above.flatMap { Self.wrapped($0, width: width) }
        let below = below.flatMap { Self.wrapped($0, width: width) }
        let top = Self.height(above)
        layout = Layout(
            left: (width - columns) / 2, top: top, columns: columns, rows: rows,
            scaleX: Double(columns) / Double(grid.columns), scaleY: Double(rows) / Double(grid.rows))
        let scale = Line(text: "", color: .white)
        canvas = Canvas(columns: width, rows: top + rows + Self.height([scale] + below))
        draw(brightness, channels: channels, grid: grid)
        if let overlay { draw(overlay) }
        for mark in marks { draw(mark, grid: grid) }
        if let orientation { drawLetters(orientation) }
        draw(above, from: 0)
        drawScale(y: top + rows + Self.margin)
        draw(below, from: top + rows + Self.height([scale]) - Self.margin)
    }

    // MARK: The slice

    private mutating func draw(_ brightness: [UInt8], channels: Int, grid: Grid) {
        let plane = grid.columns * grid.rows
        for y in 0..<layout.rows {
            let (row, below, v) = Self.neighbours((Double(y) + 0.5) / layout.scaleY - 0.5, grid.rows)
            for x in 0..<layout.columns {
                let (column, right, u) = Self.neighbours((Double(x) + 0.5) / layout.scaleX - 0.5, grid.columns)
                func value(_ channel: Int) -> UInt8 {
                    func at(_ row: Int, _ column: Int) -> Double {
                        Double(brightness[channel * plane + row * grid.columns + column])
                    }
                    let upper = at(row, column) * (1 - u) + at(row, right) * u
                    let lower = at(below, column) * (1 - u) + at(below, right) * u
                    return UInt8((upper * (1 - v) + lower * v).rounded())
                }
                let grey = value(0)
                canvas[layout.left + x, layout.top + y] =
                    channels == 3 ? Canvas.Color(grey, value(1), value(2)) : Canvas.Color(grey, grey, grey)
            }
        }
    }

    /// From nothing over yellow to red. Nothing is smoothed: the map is not finer than it was computed.
    private mutating func draw(_ overlay: Overlay) {
        for y in 0..<layout.rows {
            let row = min(overlay.rows - 1, y * overlay.rows / layout.rows)
            for x in 0..<layout.columns {
                let column = min(overlay.columns - 1, x * overlay.columns / layout.columns)
                let value = Double(overlay.values[row * overlay.columns + column])
                let alpha = 0.65 * value
                let below = canvas[layout.left + x, layout.top + y]
                func blend(_ below: UInt8, _ above: Double) -> UInt8 {
                    UInt8((Double(below) * (1 - alpha) + above * alpha).rounded())
                }
                canvas[layout.left + x, layout.top + y] = Canvas.Color(
                    blend(below.red, 255), blend(below.green, 230 * (1 - value)), blend(below.blue, 0))
            }
        }
    }

    /// The two samples around a position and the share of the second.
    private static func neighbours(_ position: Double, _ count: Int) -> (Int, Int, Double) {
        let clipped = min(max(position, 0), Double(count - 1))
        let first = Int(clipped)
        return (first, min(first + 1, count - 1), clipped - Double(first))
    }

    private mutating func draw(_ mark: Mark, grid: Grid) {
        var corner: (x: Int, y: Int)?
        switch mark.shape {
        case .mask(let pixels):
            func isSet(_ column: Int, _ row: Int) -> Bool {
                (0..<grid.columns).contains(column) && (0..<grid.rows).contains(row)
                    && pixels[row * grid.columns + column] != 0
            }
            for row in 0..<grid.rows {
                for column in 0..<grid.columns where isSet(column, row) {
                    let xs = layout.x(Double(column))..<max(layout.x(Double(column + 1)), layout.x(Double(column)) + 1)
                    let ys = layout.y(Double(row))..<max(layout.y(Double(row + 1)), layout.y(Double(row)) + 1)
                    if corner == nil { corner = (xs.lowerBound, ys.lowerBound) }
                    if !isSet(column - 1, row) { vertical(xs.lowerBound, ys, mark.color) }
                    if !isSet(column + 1, row) { vertical(xs.upperBound - 1, ys, mark.color) }
                    if !isSet(column, row - 1) { horizontal(xs, ys.lowerBound, mark.color) }
                    if !isSet(column, row + 1) { horizontal(xs, ys.upperBound - 1, mark.color) }
                }
            }
        case .rectangle(let box):
            let xs = layout.x(box.left)..<max(layout.x(box.right), layout.x(box.left) + 1)
            let ys = layout.y(box.top)..<max(layout.y(box.bottom), layout.y(box.top) + 1)
            corner = (xs.lowerBound, ys.lowerBound)
            vertical(xs.lowerBound, ys, mark.color)
            vertical(xs.upperBound - 1, ys, mark.color)
            horizontal(xs, ys.lowerBound, mark.color)
            horizontal(xs, ys.upperBound - 1, mark.color)
        }
        guard let corner else { return }
        let size = 2
        let x = max(layout.left, corner.x - Canvas.width(of: mark.number, size: size) - 4)
        canvas.drawOver(
            mark.number, x: x, y: max(layout.top, corner.y - Lettering.height * size), size: size, mark.color)
    }

    /// Two pixels thick.
    private mutating func vertical(_ x: Int, _ ys: Range<Int>, _ color: Canvas.Color) {
        canvas.fill(x..<x + 2, ys, color)
    }
    private mutating func horizontal(_ xs: Range<Int>, _ y: Int, _ color: Canvas.Color) {
        canvas.fill(xs, y..<y + 2, color)
    }

    private mutating func drawLetters(_ orientation: [Double]) {
        let row = Self.letters(Array(orientation.prefix(3)))
        let column = Self.letters(Array(orientation.suffix(3)))
        let size = 2
        let (height, middle) = (Lettering.height * size, layout.top + layout.rows / 2)
        func left(_ text: String) -> Int { layout.left + (layout.columns - Canvas.width(of: text, size: size)) / 2 }
        canvas.drawOver(row.from, x: layout.left + 4, y: middle, size: size, .grey)
        let right = layout.left + layout.columns - 4 - Canvas.width(of: row.to, size: size)
        canvas.drawOver(row.to, x: right, y: middle, size: size, .grey)
        canvas.drawOver(column.from, x: left(column.from), y: layout.top + 4, size: size, .grey)
        canvas.drawOver(
            column.to, x: left(column.to), y: layout.top + layout.rows - height - 4, size: size, .grey)
    }

    /// Where a direction comes from and goes to: L, R, A, P, H, F, the greatest part first (PS3.3 C.7.6.1.1.1).
    static func letters(_ direction: [Double]) -> (from: String, to: String) {
        let ends = [("R", "L"), ("A", "P"), ("F", "H")]
        let parts = zip(direction, ends).filter { abs($0.0) > 0.3 }.sorted { abs($0.0) > abs($1.0) }
        return (
            parts.map { $0.0 > 0 ? $0.1.0 : $0.1.1 }.joined(), parts.map { $0.0 > 0 ? $0.1.1 : $0.1.0 }.joined()
        )
    }

    // MARK: Words

    private static func height(_ lines: [Line]) -> Int {
        lines.reduce(2 * margin) { $0 + (Lettering.rows + 1) * $1.size }
    }

    private static func indent(_ line: Line) -> Int {
        margin + (line.swatch == nil ? 0 : Lettering.height * line.size + margin)
    }

    /// At spaces, so that nothing is left out.
    static func wrapped(_ line: Line, width: Int) -> [Line] {
        let room = width - indent(line) - margin
        var lines: [Line] = []
        var text = ""
        func end() {
            var part = line
            part.text = text
            if !lines.isEmpty { part.swatch = nil }
            lines.append(part)
        }
        for word in line.text.split(separator: " ") {
            let longer = text.isEmpty ? String(word) : text + " " + word
            if !text.isEmpty, Canvas.width(of: longer, size: line.size) > room {
                end()
                text = String(word)
            } else {
                text = longer
            }
        }
        end()
        return lines
    }

    private mutating func draw(_ lines: [Line], from top: Int) {
        var y = top + Self.margin
        for line in lines {
            var x = Self.margin
            let height = Lettering.height * line.size
            if let swatch = line.swatch {
                canvas.fill(x..<x + height, y..<y + height, swatch)
                x += height + Self.margin
            }
            let text = Canvas.cut(line.text, to: canvas.columns - x - Self.margin, size: line.size)
            canvas.draw(text, x: x, y: y, size: line.size, line.color)
            y += (Lettering.rows + 1) * line.size
        }
    }

    /// 1, 2 or 5 times a power of ten, a third of the picture at most.
    static func scaleLength(_ pixelSize: Double, columns: Int) -> Double {
        let greatest = pixelSize * Double(columns) / 3
        var length = 1.0
        while length > greatest { length /= 10 }
        while length * 10 <= greatest { length *= 10 }
        return [5, 2, 1].map { $0 * length }.first { $0 <= greatest } ?? length
    }

    private mutating func drawScale(y: Int) {
        guard let pixelSize else {
            canvas.draw("Not to scale", x: Self.margin, y: y, size: 2, .grey)
            return
        }
        let length = Self.scaleLength(pixelSize, columns: layout.columns)
        let pixels = Int((length / pixelSize).rounded())
        let bottom = y + Lettering.height * 2
        canvas.fill(Self.margin..<Self.margin + pixels, bottom - 3..<bottom, .white)
        for x in [Self.margin, Self.margin + pixels - 2] { canvas.fill(x..<x + 2, y..<bottom, .white) }
        canvas.draw("\(Text.decimal(length)) mm", x: Self.margin + pixels + 8, y: y, size: 2, .white)
    }
}

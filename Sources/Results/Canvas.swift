// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A picture under the brush: red, green and blue of each pixel, rows from the top. What lies outside is not drawn.
struct Canvas {
    struct Color: Equatable {
        var red: UInt8
        var green: UInt8
        var blue: UInt8

        init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
            self.red = red
            self.green = green
            self.blue = blue
        }

        static let white = Color(255, 255, 255)
        static let grey = Color(170, 170, 170)
        static let yellow = Color(255, 220, 0)
        static let red = Color(255, 80, 80)

        /// Of scaled CIELab values (PS3.3 C.10.7.1.1), as sRGB for a display of white point D65.
        init(scaledCIELab lab: [Double]) {
            let l = lab[0] / 65535 * 100
            let f = (l + 16) / 116
            func linear(_ t: Double) -> Double { t > 6.0 / 29 ? t * t * t : (t - 16.0 / 116) * 108 / 841 }
            let x = 0.95047 * linear(f + (lab[1] / 65535 * 255 - 128) / 500)
            let y = linear(f)
            let z = 1.08883 * linear(f - (lab[2] / 65535 * 255 - 128) / 200)
            func byte(_ value: Double) -> UInt8 {
                let clipped = min(max(value, 0), 1)
                let gamma = clipped <= 0.0031308 ? 12.92 * clipped : 1.055 * power(clipped) - 0.055
                return UInt8((gamma * 255).rounded())
            }
            self.init(
                byte(3.2406 * x - 1.5372 * y - 0.4986 * z), byte(-0.9689 * x + 1.8758 * y + 0.0415 * z),
                byte(0.0557 * x - 0.2040 * y + 1.0570 * z))
        }
    }

    let columns: Int
    let rows: Int
    private(set) var pixels: [UInt8]

    init(columns: Int, rows: Int) {
        self.columns = columns
        self.rows = rows
        pixels = [UInt8](repeating: 0, count: columns * rows * 3)
    }

    subscript(x: Int, y: Int) -> Color {
        get {
            let index = (y * columns + x) * 3
            return Color(pixels[index], pixels[index + 1], pixels[index + 2])
        }
        set {
            guard x >= 0, y >= 0, x < columns, y < rows else { return }
            let index = (y * columns + x) * 3
            pixels[index] = newValue.red
            pixels[index + 1] = newValue.green
            pixels[index + 2] = newValue.blue
        }
    }

    mutating func fill(_ xs: Range<Int>, _ ys: Range<Int>, _ color: Color) {
        for y in ys.clamped(to: 0..<rows) {
            for x in xs.clamped(to: 0..<columns) { self[x, y] = color }
        }
    }

    // MARK: Text

    /// From one character to the next.
    static func advance(_ size: Int) -> Int { (Lettering.columns + 1) * size }

    static func width(of text: String, size: Int) -> Int { text.count * advance(size) - size }

    /// - Parameter size: pixels for each of the letters'.
    mutating func draw(_ text: String, x: Int, y: Int, size: Int, _ color: Color) {
        var left = x
        for character in text {
            for (row, bits) in Lettering.rows(of: character).enumerated() {
                for column in 0..<Lettering.columns where bits >> UInt8(Lettering.columns - 1 - column) & 1 == 1 {
                    fill(
                        left + column * size..<left + (column + 1) * size, y + row * size..<y + (row + 1) * size, color)
                }
            }
            left += Self.advance(size)
        }
    }

    /// With a dark seam, so that it can be read on anything.
    mutating func drawOver(_ text: String, x: Int, y: Int, size: Int, _ color: Color) {
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1)] {
            draw(text, x: x + dx * size / 2, y: y + dy * size / 2, size: size, Color(0, 0, 0))
        }
        draw(text, x: x, y: y, size: size, color)
    }

    /// What fits into so many pixels, with two dots where something is left out.
    static func cut(_ text: String, to width: Int, size: Int) -> String {
        let count = (width + size) / advance(size)
        return text.count <= count ? text : String(text.prefix(max(0, count - 2))) + ".."
    }
}

/// x to the power of 1 / 2.4, for 0 to 1.
private func power(_ x: Double) -> Double { pow(x, 1 / 2.4) }

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Grey values of one slice, rows from the top, 0 to 255.
struct ByteImage: Equatable {
    var rows: Int
    var columns: Int
    var values: [UInt8]

    /// As `Image.resize` of Pillow with BILINEAR: a triangle as wide as the reduction, in fixed point of 22 bits, along
    /// rows first; each direction rounds to a byte (Pillow libImaging/Resample.c). Equal to the last bit.
    func resized(rows newRows: Int, columns newColumns: Int) -> ByteImage {
        var image = self
        if newColumns != columns {
            let taps = Taps(from: columns, to: newColumns)
            var values = [UInt8](repeating: 0, count: rows * newColumns)
            for row in 0..<rows {
                for column in 0..<newColumns {
                    values[row * newColumns + column] = taps.value(at: column) { image.values[row * columns + $0] }
                }
            }
            image = ByteImage(rows: rows, columns: newColumns, values: values)
        }
        if newRows != rows {
            let taps = Taps(from: rows, to: newRows)
            let source = image.values
            image = ByteImage(
                rows: newRows, columns: newColumns,
                values: [UInt8](unsafeUninitializedCapacity: newRows * newColumns) { buffer, count in
                    for row in 0..<newRows {
                        for column in 0..<newColumns {
                            buffer[row * newColumns + column] = taps.value(at: row) {
                                source[$0 * newColumns + column]
                            }
                        }
                    }
                    count = newRows * newColumns
                })
        }
        return image
    }
}

/// Which source pixels make each target pixel along one direction, and their weights.
private struct Taps {
    private static let bits = 22
    private var first: [Int] = []
    /// Where the weights of a target pixel begin; one more than there are pixels.
    private var starts = [0]
    private var weights: [Int] = []

    init(from count: Int, to target: Int) {
        let scale = Double(count) / Double(target)
        let support = max(scale, 1)
        for index in 0..<target {
            let center = (Double(index) + 0.5) * scale
            let lower = max(0, Int(center - support + 0.5))
            let upper = min(count, Int(center + support + 0.5))
            let shares = (lower..<upper).map { max(0, 1 - abs((Double($0) - center + 0.5) / support)) }
            let sum = shares.reduce(0, +)
            first.append(lower)
            weights += shares.map { Int(0.5 + (sum == 0 ? $0 : $0 / sum) * Double(1 << Self.bits)) }
            starts.append(weights.count)
        }
    }

    @inline(__always)
    func value(at index: Int, _ source: (Int) -> UInt8) -> UInt8 {
        var sum = 1 << (Self.bits - 1)
        var position = first[index]
        for tap in starts[index]..<starts[index + 1] {
            sum += Int(source(position)) * weights[tap]
            position += 1
        }
        return UInt8(clamping: sum >> Self.bits)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// What is measured on the values of an image. Sums are taken in double precision, block by block in a fixed order.
enum Statistics {
    struct Moments {
        var mean = 0.0
        /// Of the population.
        var deviation = 0.0
    }

    static func limits(_ values: [Float], _ range: Range<Int>) -> (lower: Float, upper: Float) {
        let parts = blocks(values, range) { values, range in
            var (low, high) = (Float.infinity, -Float.infinity)
            for i in range { (low, high) = (min(low, values[i]), max(high, values[i])) }
            return (low, high)
        }
        return parts.reduce((.infinity, -.infinity)) { (min($0.0, $1.0), max($0.1, $1.1)) }
    }

    /// - Parameter mask: one byte for each value of the range; 0 leaves it out.
    static func moments(_ values: [Float], _ range: Range<Int>, nonzero: Bool, mask: [UInt8]?) -> Moments {
        func sum(around centre: Double?) -> (sum: Double, count: Int) {
            let parts = blocks(values, range) { values, block in
                var result = (sum: 0.0, count: 0)
                for i in block {
                    if nonzero, values[i] == 0 { continue }
                    if let mask, mask[(i - range.lowerBound) % mask.count] == 0 { continue }
                    let distance = Double(values[i]) - (centre ?? 0)
                    result.sum += centre == nil ? distance : distance * distance
                    result.count += 1
                }
                return result
            }
            return parts.reduce((0, 0)) { ($0.0 + $1.sum, $0.1 + $1.count) }
        }
        let total = sum(around: nil)
        guard total.count > 0 else { return Moments() }
        let mean = total.sum / Double(total.count)
        return Moments(mean: mean, deviation: (sum(around: mean).sum / Double(total.count)).squareRoot())
    }

    private static func blocks<Part: Sendable>(
        _ values: [Float], _ range: Range<Int>,
        _ body: @escaping @Sendable (UnsafePointer<Float>, Range<Int>) -> Part
    ) -> [Part] {
        let size = 1 << 18
        let count = (range.count + size - 1) / size
        let parts = Mutex<[Part?]>(.init(repeating: nil, count: count))
        values.withUnsafeBufferPointer { buffer in
            // Read only.
            nonisolated(unsafe) let pointer = buffer.baseAddress!
            DispatchQueue.concurrentPerform(iterations: count) { part in
                let start = range.lowerBound + part * size
                let result = body(pointer, start..<min(start + size, range.upperBound))
                parts.withLock { $0[part] = result }
            }
        }
        return parts.withLock { $0.compactMap(\.self) }
    }
}

/// Order statistics without a sorted copy: the bits of a float, read as a number that sorts like it, are narrowed by
/// three histograms.
struct Percentiles {
    private let values: [Float]
    private let nonzero: Bool
    private let count: Int

    /// nil where there is no value.
    init?(_ values: [Float], nonzero: Bool) {
        self.values = values
        self.nonzero = nonzero
        count = nonzero ? values.reduce(0) { $0 + ($1 == 0 ? 0 : 1) } : values.count
        if count == 0 { return nil }
    }

    /// Linear between ranks.
    subscript(_ percentile: Double) -> Double {
        let rank = percentile / 100 * Double(count - 1)
        let lower = Int(rank.rounded(.down))
        let low = Double(value(at: lower))
        let share = rank - Double(lower)
        return share == 0 ? low : low + (Double(value(at: lower + 1)) - low) * share
    }

    private func value(at rank: Int) -> Float {
        var left = rank
        var prefix: UInt32 = 0
        var decided: UInt32 = 0
        for (shift, bits) in [(21, 11), (10, 11), (0, 10)] {
            var histogram = [Int](repeating: 0, count: 1 << bits)
            let mask = UInt32(1 << bits - 1)
            for value in values {
                if nonzero, value == 0 { continue }
                let key = Self.key(value)
                if key & decided == prefix { histogram[Int(key >> UInt32(shift) & mask)] += 1 }
            }
            var bin = 0
            while left >= histogram[bin] {
                left -= histogram[bin]
                bin += 1
            }
            prefix |= UInt32(bin) << UInt32(shift)
            decided |= mask << UInt32(shift)
        }
        return Float(bitPattern: prefix & 0x8000_0000 != 0 ? prefix ^ 0x8000_0000 : ~prefix)
    }

    private static func key(_ value: Float) -> UInt32 {
        let bits = value.bitPattern
        return bits & 0x8000_0000 == 0 ? bits | 0x8000_0000 : ~bits
    }
}

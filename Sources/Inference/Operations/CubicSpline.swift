// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Cubic B-spline interpolation along one dimension after the other, as scipy.ndimage `zoom` and `map_coordinates` with
/// `order=3`. The filter that makes coefficients of samples has the pole √3 − 2: what is 12 samples away weighs 10⁻⁷.
struct CubicSpline {
    /// What stands outside.
    enum Border {
        /// The border value (`mode='nearest'`, and scikit-image's "edge").
        case replicated
        /// The samples in reverse, the last one not repeated (`mode='constant'`, scipy's default, and 'mirror').
        case mirrored

        func index(_ index: Int, of count: Int) -> Int {
            guard self == .mirrored, count > 1 else { return min(max(index, 0), count - 1) }
            let period = 2 * (count - 1)
            let inside = (index % period + period) % period
            return min(inside, period - inside)
        }
    }

    /// What scipy puts before and after (`_prepad_for_spline_filter`).
    private static let padding = 12
    private static let pole = Float(3).squareRoot() - 2
    /// Lines that are filtered together.
    private static let lanes = 32

    /// First of the four coefficients, counted with the padding, and their weights.
    private let taps: [(start: Int, weights: SIMD4<Float>)]
    private let count: Int
    private let border: Border

    /// - Parameters:
    ///   - coordinates: in samples.
    ///   - count: samples of a line.
    init(coordinates: [Double], count: Int, border: Border) {
        self.count = count
        self.border = border
        let last = count + 2 * Self.padding - 1
        taps = coordinates.map { coordinate in
            let near = coordinate.rounded(.toNearestOrEven)
            let x = min(
                max((abs(coordinate - near) < 1e-9 ? near : coordinate) + Double(Self.padding), 1), Double(last) - 2)
            let floor = x.rounded(.down)
            let t = x - floor
            let u = 1 - t
            return (
                Int(floor) - 1,
                SIMD4(
                    Float(u * u * u / 6), Float((4 - 6 * t * t + 3 * t * t * t) / 6),
                    Float((4 - 6 * u * u + 3 * u * u * u) / 6), Float(t * t * t / 6))
            )
        }
    }

    /// Values of a block with this dimension stretched to the coordinates.
    /// - Parameters:
    ///   - outer: the product of the dimensions before it.
    ///   - inner: of those after it.
    func apply(_ source: UnsafePointer<Float>, outer: Int, inner: Int) -> [Float] {
        let size = outer * taps.count * inner
        return [Float](unsafeUninitializedCapacity: size) { buffer, initialized in
            // Each line belongs to one iteration.
            nonisolated(unsafe) let output = buffer.baseAddress!
            nonisolated(unsafe) let source = source
            let lines = outer * inner
            let sources = (0..<count + 2 * Self.padding).map { border.index($0 - Self.padding, of: count) }
            let lanes = Self.lanes
            DispatchQueue.concurrentPerform(iterations: (lines + lanes - 1) / lanes) { part in
                let first = part * lanes
                let used = min(lanes, lines - first)
                let length = count + 2 * Self.padding
                withUnsafeTemporaryAllocation(of: Float.self, capacity: length * lanes) { work in
                    let line = work.baseAddress!
                    for lane in 0..<lanes {
                        let number = first + min(lane, used - 1)
                        let start = source + (number / inner * count * inner + number % inner)
                        for k in 0..<length {
                            line[k * lanes + lane] = start[sources[k] * inner]
                        }
                    }
                    Self.filter(line, length: length)
                    for (index, tap) in taps.enumerated() {
                        let c = line + tap.start * lanes
                        for lane in 0..<used {
                            let number = first + lane
                            let a = c[lane] * tap.weights[0] + c[lanes + lane] * tap.weights[1]
                            let b = c[2 * lanes + lane] * tap.weights[2] + c[3 * lanes + lane] * tap.weights[3]
                            output[(number / inner * taps.count + index) * inner + number % inner] = a + b
                        }
                    }
                }
            }
            initialized = size
        }
    }

    /// Samples to coefficients, in place: the causal, then the anticausal recursion (Unser, Aldroubi and Eden 1993).
    private static func filter(_ line: UnsafeMutablePointer<Float>, length: Int) {
        let gain = (1 - pole) * (1 - 1 / pole)
        for lane in 0..<lanes {
            let settled = gain * line[(length - 1) * lanes + lane] / (1 - pole)
            var c = gain * line[lane] / (1 - pole)
            line[lane] = c
            for k in 1..<length {
                c = gain * line[k * lanes + lane] + pole * c
                line[k * lanes + lane] = c
            }
            c = -(pole * settled / (1 - pole) + (c - settled) * pole / (1 - pole * pole))
            line[(length - 1) * lanes + lane] = c
            for k in stride(from: length - 2, through: 0, by: -1) {
                c = pole * (c - line[k * lanes + lane])
                line[k * lanes + lane] = c
            }
        }
    }
}

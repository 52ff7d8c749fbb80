// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// Where the axes of both lattices are parallel.
extension Sampler {
    /// A line of the target along one of its dimensions, from `range.lowerBound` on, into `line`.
    /// - Parameters:
    ///   - first, second: what the line reads along the two other dimensions.
    ///   - isContiguous: whether that dimension follows the source's last.
    func readLine(
        _ source: UnsafePointer<Float>, _ first: Taps, _ second: Taps, along dimension: Int, isContiguous: Bool,
        range: Range<Int>, into line: UnsafeMutablePointer<Float>
    ) {
        tables[dimension].withUnsafeBufferPointer { taps in
            if isNearest {
                readNearest(source + (first.lower + second.lower), first, second, taps, range, into: line)
            } else if isContiguous {
                readCombined(source, first, second, taps, range, into: line)
            } else {
                readApart(source, first, second, taps, range, into: line)
            }
        }
    }

    private func readNearest(
        _ source: UnsafePointer<Float>, _ first: Taps, _ second: Taps, _ taps: UnsafeBufferPointer<Taps>,
        _ range: Range<Int>, into line: UnsafeMutablePointer<Float>
    ) {
        if isWhole {
            for i in range { line[i - range.lowerBound] = source[taps[i].lower] }
            return
        }
        let weight = first.lowerWeight * second.lowerWeight
        for i in range {
            // Not a product: 0 × infinity would be NaN.
            line[i - range.lowerBound] = weight * taps[i].lowerWeight == 0 ? 0 : source[taps[i].lower]
        }
    }

    /// The four lines of the source first become one, many values at a time; then each voxel reads two of it.
    private func readCombined(
        _ source: UnsafePointer<Float>, _ first: Taps, _ second: Taps, _ taps: UnsafeBufferPointer<Taps>,
        _ range: Range<Int>, into line: UnsafeMutablePointer<Float>
    ) {
        guard let start = range.first, let end = range.last else { return }
        // Coordinates along a line only grow, or only fall; outside of `within` the tables know no place.
        var least = min(taps[start].lower, taps[end].lower)
        var greatest = max(taps[start].upper, taps[end].upper)
        if !isWhole {
            for i in range {
                least = min(least, taps[i].lower)
                greatest = max(greatest, taps[i].upper)
            }
        }
        let count = greatest - least + 1
        withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { memory in
            let target = memory.baseAddress!
            let combined = target - least
            let line = line - start
            let weights = Weights(first, second)
            let source = source + least
            let (a, b) = (source + (first.lower + second.lower), source + (first.lower + second.upper))
            let (c, e) = (source + (first.upper + second.lower), source + (first.upper + second.upper))
            for i in 0..<count { target[i] = a[i] * weights.a + b[i] * weights.b + c[i] * weights.c + e[i] * weights.e }
            if isWhole {
                for i in range {
                    let (low, high) = (combined[taps[i].lower], combined[taps[i].upper])
                    line[i] = low + (high - low) * taps[i].upperWeight
                }
            } else {
                for i in range {
                    let (low, high) = (combined[taps[i].lower], combined[taps[i].upper])
                    line[i] = low * taps[i].lowerWeight + high * taps[i].upperWeight
                }
            }
        }
    }

    private func readApart(
        _ source: UnsafePointer<Float>, _ first: Taps, _ second: Taps, _ taps: UnsafeBufferPointer<Taps>,
        _ range: Range<Int>, into line: UnsafeMutablePointer<Float>
    ) {
        let weights = Weights(first, second)
        let (a, b) = (source + (first.lower + second.lower), source + (first.lower + second.upper))
        let (c, e) = (source + (first.upper + second.lower), source + (first.upper + second.upper))
        for i in range {
            let (l, u) = (taps[i].lower, taps[i].upper)
            let low = a[l] * weights.a + b[l] * weights.b + c[l] * weights.c + e[l] * weights.e
            let high = a[u] * weights.a + b[u] * weights.b + c[u] * weights.c + e[u] * weights.e
            line[i - range.lowerBound] =
                isWhole
                ? low + (high - low) * taps[i].upperWeight : low * taps[i].lowerWeight + high * taps[i].upperWeight
        }
    }

    /// Of the four lines between which one lies.
    private struct Weights {
        let a: Float
        let b: Float
        let c: Float
        let e: Float

        init(_ first: Taps, _ second: Taps) {
            a = first.lowerWeight * second.lowerWeight
            b = first.lowerWeight * second.upperWeight
            c = first.upperWeight * second.lowerWeight
            e = first.upperWeight * second.upperWeight
        }
    }

    // MARK: All of the target

    func resample(_ source: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>) {
        // Each D, or H, writes its own part of the buffer.
        nonisolated(unsafe) let (output, source) = (output, source)
        if let along = followed?[2], along != 2 {
            DispatchQueue.concurrentPerform(iterations: target[1 - along]) { place in
                resampleAcross(source, into: output, along: along, place)
            }
            return
        }
        DispatchQueue.concurrentPerform(iterations: target[0]) { d in
            for h in 0..<target[1] {
                read(source, d: d, h: h, range: 0..<target[2], into: output + (d * target[1] + h) * target[2])
            }
        }
    }

    /// Lines of the source are read along the target's D or H, several neighbours of W at a time, and laid down across.
    /// - Parameter place: along the third dimension.
    private func resampleAcross(
        _ source: UnsafePointer<Float>, into output: UnsafeMutablePointer<Float>, along: Int, _ place: Int
    ) {
        let (count, several) = (target[along], 16)
        let step = along == 0 ? target[1] * target[2] : target[2]
        let start = output + place * (along == 0 ? target[2] : target[1] * target[2])
        withUnsafeTemporaryAllocation(of: Float.self, capacity: several * count) { memory in
            let lines = memory.baseAddress!
            for first in stride(from: 0, to: target[2], by: several) {
                let width = min(several, target[2] - first)
                for w in 0..<width {
                    readLine(
                        source, tables[1 - along][place], tables[2][first + w], along: along, isContiguous: true,
                        range: 0..<count, into: lines + w * count)
                }
                for i in 0..<count {
                    let row = start + (i * step + first)
                    for w in 0..<width { row[w] = lines[w * count + i] }
                }
            }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// In place, over `count` voxels of each channel; channel c begins at `values + c * stride`.
func activate(
    _ values: UnsafeMutablePointer<Float>, channels: Int, stride: Int, count: Int,
    _ activation: Manifest.Decision.Activation
) {
    switch activation {
    case .none: break
    case .sigmoid:
        for c in 0..<channels {
            let row = values + c * stride
            forEachVector(count) { i in
                let x = load(row + i)
                store(1 / (1 + exponential(-x)), row + i)
            } rest: { i in
                row[i] = 1 / (1 + expf(-row[i]))
            }
        }
    case .softmax:
        forEachVector(count) { i in
            let column = values + i
            var top = load(column)
            for c in 1..<max(1, channels) { top = pointwiseMax(top, load(column + c * stride)) }
            var sum = SIMD16<Float>(repeating: 0)
            for c in 0..<channels {
                let share = exponential(load(column + c * stride) - top)
                sum += share
                store(share, column + c * stride)
            }
            for c in 0..<channels { store(load(column + c * stride) / sum, column + c * stride) }
        } rest: { i in
            let column = values + i
            var top = -Float.infinity
            for c in 0..<channels { top = max(top, column[c * stride]) }
            var sum: Float = 0
            for c in 0..<channels {
                column[c * stride] = expf(column[c * stride] - top)
                sum += column[c * stride]
            }
            for c in 0..<channels { column[c * stride] /= sum }
        }
    }
}

@inline(__always) private func forEachVector(_ count: Int, _ body: (Int) -> Void, rest: (Int) -> Void) {
    var i = 0
    while i + 16 <= count {
        body(i)
        i += 16
    }
    while i < count {
        rest(i)
        i += 1
    }
}

@inline(__always) private func load(_ pointer: UnsafePointer<Float>) -> SIMD16<Float> {
    UnsafeRawPointer(pointer).loadUnaligned(as: SIMD16<Float>.self)
}
@inline(__always) private func store(_ value: SIMD16<Float>, _ pointer: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(pointer).storeBytes(of: value, as: SIMD16<Float>.self)
}

/// e^x to 2 units of the last place for normal results: 2^n · e^r with |r| ≤ ln 2 / 2, and the polynomial of Cephes'
/// `expf` for e^r. Beyond ±87 it is e^±87.
@inline(__always) private func exponential(_ x: SIMD16<Float>) -> SIMD16<Float> {
    let limited = x.clamped(lowerBound: SIMD16(repeating: -87), upperBound: SIMD16(repeating: 87))
    // Adding 1.5 · 2²³ leaves the rounded integer in the lowest bits.
    let magic = SIMD16<Float>(repeating: 12_582_912)
    let shifted = limited * 1.442_695_04 + magic
    let n = shifted - magic
    let r = limited - n * 0.693_359_375 - n * -2.121_944_4e-4
    var p = SIMD16<Float>(repeating: 1.987_569_1e-4)
    p = p * r + 1.398_199_9e-3
    p = p * r + 8.333_452e-3
    p = p * r + 4.166_579_6e-2
    p = p * r + 1.666_666_5e-1
    p = p * r + 5.000_000_1e-1
    p = p * r * r + r + 1
    let power = unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &- 0x4B40_0000
    return p * unsafeBitCast((power &+ 127) &<< 23, to: SIMD16<Float>.self)
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// In place, over `count` voxels of each channel; channel c begins at `values + c * stride`.
///
/// Here and in `Finishing`, loops run over neighbouring voxels of one channel after the other and read before they
/// choose, so that the compiler makes vectors of them and memory is read in rows.
func activate(
    _ values: UnsafeMutablePointer<Float>, channels: Int, stride: Int, count: Int,
    _ activation: Manifest.Decision.Activation
) {
    switch activation {
    case .none: break
    case .sigmoid:
        for c in 0..<channels {
            let row = values + c * stride
            for i in 0..<count { row[i] = 1 / (1 + exponential(-row[i])) }
        }
    case .softmax:
        let block = Finishing.block
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * block) { memory in
            let (top, sum) = (memory.baseAddress!, memory.baseAddress! + block)
            for start in Swift.stride(from: 0, to: count, by: block) {
                softmax(
                    values + start, channels: channels, stride: stride, count: min(block, count - start), top: top,
                    sum: sum)
            }
        }
    }
}

private func softmax(
    _ values: UnsafeMutablePointer<Float>, channels: Int, stride: Int, count: Int, top: UnsafeMutablePointer<Float>,
    sum: UnsafeMutablePointer<Float>
) {
    for i in 0..<count {
        top[i] = values[i]
        sum[i] = 0
    }
    for c in 1..<max(1, channels) {
        let row = values + c * stride
        for i in 0..<count {
            let (value, greatest) = (row[i], top[i])
            top[i] = value > greatest ? value : greatest
        }
    }
    for c in 0..<channels {
        let row = values + c * stride
        for i in 0..<count {
            let share = exponential(row[i] - top[i])
            row[i] = share
            sum[i] += share
        }
    }
    for c in 0..<channels {
        let row = values + c * stride
        for i in 0..<count { row[i] /= sum[i] }
    }
}

/// e^x to 2 units of the last place for normal results: 2^n · e^r with |r| ≤ ln 2 / 2, and the polynomial of Cephes'
/// `expf` for e^r. Beyond ±87 it is e^±87.
@inline(__always) func exponential(_ x: Float) -> Float {
    let above = x > -87 ? x : -87
    let limited = above < 87 ? above : 87
    // Adding 1.5 · 2²³ leaves the rounded integer in the lowest bits.
    let magic: Float = 12_582_912
    let shifted = limited * 1.442_695_04 + magic
    let n = shifted - magic
    let r = limited - n * 0.693_359_375 - n * -2.121_944_4e-4
    var p: Float = 1.987_569_1e-4
    p = p * r + 1.398_199_9e-3
    p = p * r + 8.333_452e-3
    p = p * r + 4.166_579_6e-2
    p = p * r + 1.666_666_5e-1
    p = p * r + 5.000_000_1e-1
    p = p * r * r + r + 1
    let power = shifted.bitPattern &- 0x4B40_0000
    return p * Float(bitPattern: (power &+ 127) &<< 23)
}

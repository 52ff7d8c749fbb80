// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// From the sums of all windows at neighbouring voxels to what a slab holds of them.
enum Finishing {
    /// Voxels that are finished together: their channels stay in a core's second cache, even a hundred of them.
    static let block = 512

    /// Sums become means.
    static func divide(
        _ values: UnsafeMutablePointer<Float>, channels: Int, stride: Int, by weights: UnsafePointer<Float>, count: Int
    ) {
        for c in 0..<channels {
            let row = values + c * stride
            for i in 0..<count { row[i] /= weights[i] }
        }
    }

    /// Which channel is the greatest, and its value; the first of equals, as in numpy.
    static func findGreatest(
        _ values: UnsafePointer<Float>, channels: Int, stride: Int, count: Int, owners: UnsafeMutablePointer<Float>,
        best: UnsafeMutablePointer<Float>
    ) {
        for i in 0..<count {
            owners[i] = 0
            best[i] = values[i]
        }
        for c in 1..<max(1, channels) {
            let row = values + c * stride
            let owner = Float(c)
            for i in 0..<count {
                let (value, greatest, held) = (row[i], best[i], owners[i])
                best[i] = value > greatest ? value : greatest
                owners[i] = value > greatest ? owner : held
            }
        }
    }

    /// From the greatest sum to the activated value of its channel, without those of the others.
    static func activateGreatest(
        _ sums: UnsafePointer<Float>, channels: Int, stride: Int, count: Int, weights: UnsafePointer<Float>,
        best: UnsafeMutablePointer<Float>, _ activation: Manifest.Decision.Activation
    ) {
        guard activation == .softmax else {
            for i in 0..<count { best[i] /= weights[i] }
            return activate(best, channels: 1, stride: 0, count: count, activation)
        }
        // 1 / Σ e^((x − greatest) / weight)
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * count) { memory in
            let (total, share) = (memory.baseAddress!, memory.baseAddress! + count)
            for i in 0..<count {
                total[i] = 0
                share[i] = 1 / weights[i]
            }
            for c in 0..<channels {
                let row = sums + c * stride
                for i in 0..<count { total[i] += exponential((row[i] - best[i]) * share[i]) }
            }
            for i in 0..<count { best[i] = 1 / total[i] }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// Where the windows of a sliding-window run begin, and what each voxel of one weighs: MONAI's `dense_patch_slices`
/// and `compute_importance_map`.
struct Windows {
    /// Size of the padded volume; each dimension at least the window's.
    let size: [Int]
    /// Voxels added before the volume.
    let before: [Int]
    let roi: [Int]
    /// D slowest.
    let starts: [[Int]]
    /// One value per voxel of the window, W fastest.
    let weights: [Float]

    init(volume: [Int], window: Manifest.Window) {
        roi = window.roi
        size = (0..<3).map { max(volume[$0], window.roi[$0]) }
        before = (0..<3).map { max(window.roi[$0] - volume[$0], 0) / 2 }
        var axes: [[Int]] = []
        for d in 0..<3 {
            let interval: Int
            if window.roi[d] == size[d] {
                interval = window.roi[d]
            } else {
                interval = max(1, Int(Double(window.roi[d]) * (1 - window.overlap[d])))
            }
            var positions: [Int] = []
            var start = 0
            while true {
                positions.append(start - max(start + window.roi[d] - size[d], 0))
                if start + window.roi[d] >= size[d] { break }
                start += interval
            }
            axes.append(positions)
        }
        starts = axes[0].flatMap { d in axes[1].flatMap { h in axes[2].map { w in [d, h, w] } } }
        weights = Self.weights(window)
    }

    private static func weights(_ window: Manifest.Window) -> [Float] {
        let roi = window.roi
        guard case .gaussian(let sigma) = window.weighting else {
            return [Float](repeating: 1, count: roi[0] * roi[1] * roi[2])
        }
        let lines = roi.map { size in
            (0..<size).map { i in
                let x = Float(i) - Float(size - 1) / 2
                let deviation = Float(Double(size) * sigma)
                return expf(x * x / (-2 * deviation * deviation))
            }
        }
        var weights: [Float] = []
        weights.reserveCapacity(roi[0] * roi[1] * roi[2])
        for d in lines[0] { for h in lines[1] { for w in lines[2] { weights.append(d * h * w) } } }
        let floor = max(weights.min() ?? 0, 1e-3)
        return weights.map { max($0, floor) }
    }
}

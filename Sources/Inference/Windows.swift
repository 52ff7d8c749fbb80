// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// Where the windows of a sliding-window run begin, and what each voxel of one weighs.
struct Windows {
    /// Size of the padded volume; each dimension at least the window's.
    let size: [Int]
    /// Voxels added before the volume; as many after it, or one more (MONAI and nnU-Net's `pad_nd_image` alike).
    let before: [Int]
    let roi: [Int]
    /// In voxels of the padded volume, by dimension.
    let positions: [[Int]]
    /// One value per voxel of the window, W fastest.
    let weights: [Float]

    init(volume: [Int], window: Manifest.Window) {
        roi = window.roi
        let size = (0..<3).map { max(volume[$0], window.roi[$0]) }
        self.size = size
        before = (0..<3).map { max(window.roi[$0] - volume[$0], 0) / 2 }
        positions = (0..<3).map {
            switch window.tiling {
            case .monai: Self.monai(size: size[$0], roi: window.roi[$0], overlap: window.overlap[$0])
            case .nnunet: Self.nnunet(size: size[$0], roi: window.roi[$0], overlap: window.overlap[$0])
            }
        }
        weights =
            switch window.weighting {
            case .constant: [Float](repeating: 1, count: roi.reduce(1, *))
            case .gaussian(let sigma): Self.gaussian(roi, sigma: sigma)
            case .gaussianNNUNet: Self.filteredImpulse(roi)
            }
    }

    /// All windows, D slowest.
    var starts: [[Int]] {
        positions[0].flatMap { d in positions[1].flatMap { h in positions[2].map { w in [d, h, w] } } }
    }

    var count: Int { positions.reduce(1) { $0 * $1.count } }

    /// `dense_patch_slices` with `_get_scan_interval` (MONAI, monai/inferers/utils.py and monai/data/utils.py).
    private static func monai(size: Int, roi: Int, overlap: Double) -> [Int] {
        let interval = roi == size ? roi : max(1, Int(Double(roi) * (1 - overlap)))
        var positions: [Int] = []
        var start = 0
        while true {
            positions.append(start - max(start + roi - size, 0))
            if start + roi >= size { return positions }
            start += interval
        }
    }

    /// Evenly spread, half to even as numpy (nnU-Net, `compute_steps_for_sliding_window`).
    private static func nnunet(size: Int, roi: Int, overlap: Double) -> [Int] {
        let count = Int((Double(size - roi) / (Double(roi) * (1 - overlap))).rounded(.up)) + 1
        guard count > 1 else { return [0] }
        let step = Double(size - roi) / Double(count - 1)
        return (0..<count).map { Int((step * Double($0)).rounded(.toNearestOrEven)) }
    }

    /// MONAI's `compute_importance_map`.
    private static func gaussian(_ roi: [Int], sigma: Double) -> [Float] {
        let lines = roi.map { size in
            (0..<size).map { i in
                let x = Float(i) - Float(size - 1) / 2
                let deviation = Float(Double(size) * sigma)
                return expf(x * x / (-2 * deviation * deviation))
            }
        }
        let weights = product(lines)
        let floor = max(weights.min() ?? 0, 1e-3)
        return weights.map { max($0, floor) }
    }

    /// nnU-Net's `compute_gaussian`: scipy's `gaussian_filter` of an impulse at n/2, σ = n/8, cut off at 4 σ, in double
    /// precision; the greatest becomes 10. nnU-Net keeps it as 16-bit floats, which decides where it is 0: there the
    /// least of the others stands.
    private static func filteredImpulse(_ roi: [Int]) -> [Float] {
        let lines = roi.map { size -> [Double] in
            let deviation = Double(size) / 8
            let radius = Int(4 * deviation + 0.5)
            return (0..<size).map { i in
                let x = Double(i - size / 2)
                return abs(i - size / 2) > radius ? 0 : exp(-0.5 / (deviation * deviation) * x * x)
            }
        }
        let weights = product(lines)
        let scale = 10 / (weights.max() ?? 1)
        let halves = weights.map { Float(Float16($0 * scale)) }
        let least = halves.filter { $0 > 0 }.min() ?? 1
        return halves.map { $0 == 0 ? least : $0 }
    }

    private static func product<T: FloatingPoint>(_ lines: [[T]]) -> [T] {
        var values: [T] = []
        values.reserveCapacity(lines.reduce(1) { $0 * $1.count })
        for d in lines[0] { for h in lines[1] { for w in lines[2] { values.append(d * h * w) } } }
        return values
    }
}

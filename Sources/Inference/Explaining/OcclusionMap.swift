// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// How a score changes while a block of the image is covered: MONAI's `OcclusionSensitivity`, within a budget.
struct OcclusionMap {
    let rule: Manifest.Occlusion
    /// Images in one pass.
    let batch: Int
    /// True when there is no more time.
    let isOver: () -> Bool
    /// The score of each image.
    let score: ([Plane]) throws(InferenceError) -> [Float]

    /// [H, W] of the image: the weighted mean of the scores while each pixel was covered, and NaN where none was.
    struct Result {
        var scores: [Float]
        /// Positions along H and W.
        var positions: [Int]
        var tried: Int
        var isComplete: Bool { tried == positions[0] * positions[1] }
    }

    func run(_ plane: Plane) throws(InferenceError) -> Result {
        let size = [min(rule.size[0], plane.height), min(rule.size[1], plane.width)]
        let windows = Windows(
            volume: [1, plane.height, plane.width],
            window: Manifest.Window(
                roi: [1] + size, overlap: [0, rule.overlap, rule.overlap],
                weighting: rule.fill == .gaussian ? .gaussian(sigma: 0.125) : .constant, padding: .constant(0)))
        let starts = windows.starts
        // Scattered, so that a run which stops early has seen all of the image and not its top alone.
        var random = SplitMix(seed: 20_190_521)
        let order = starts.count <= rule.passes ? Array(starts.indices) : starts.indices.shuffled(using: &random)
        let kernel = rule.fill == .gaussian ? Self.gaussian(size) : nil
        let mean = plane.values.reduce(0) { $0 + Double($1) } / Double(plane.values.count)
        var sums = [Float](repeating: 0, count: plane.pixels)
        var weights = sums
        var tried = 0
        while tried < min(order.count, rule.passes), !isOver() {
            let next = order[tried..<min(tried + batch, order.count, rule.passes)]
            let scores = try score(next.map { covered(plane, at: starts[$0], size, kernel, Float(mean)) })
            for (position, score) in zip(next, scores) {
                for h in 0..<size[0] {
                    let row = (starts[position][1] + h) * plane.width + starts[position][2]
                    for w in 0..<size[1] {
                        let weight = windows.weights[h * size[1] + w]
                        sums[row + w] += weight * score
                        weights[row + w] += weight
                    }
                }
            }
            tried += next.count
        }
        return Result(
            scores: zip(sums, weights).map { $1 > 0 ? $0 / $1 : .nan },
            positions: [Set(starts.map { $0[1] }).count, Set(starts.map { $0[2] }).count], tried: tried)
    }

    private func covered(_ plane: Plane, at start: [Int], _ size: [Int], _ kernel: [Float]?, _ mean: Float) -> Plane {
        var plane = plane
        for c in 0..<plane.channels {
            for h in 0..<size[0] {
                let row = (c * plane.height + start[1] + h) * plane.width + start[2]
                for w in 0..<size[1] {
                    plane.values[row + w] = kernel.map { plane.values[row + w] * $0[h * size[1] + w] } ?? mean
                }
            }
        }
        return plane
    }

    /// What an image is multiplied with: 0 in the middle, 1 at the rim; an impulse smoothed by a Gaussian of a quarter
    /// of the size (integrated over pixels), turned over and stretched (MONAI, gaussian_occlusion and gaussian_1d).
    static func gaussian(_ size: [Int]) -> [Float] {
        let lines = size.map { n -> [Float] in
            let sigma = 0.25 * Float(n)
            let tail = Int(max(sigma * 4, 0.5) + 0.5)
            let scale = Float(0.70710678) / sigma
            return (0..<n).map { i in
                let x = Float(i - n / 2)
                return abs(i - n / 2) > tail
                    ? 0 : max(0, 0.5 * (erff(scale * (x + 0.5)) - erff(scale * (x - 0.5))))
            }
        }
        let kernel = lines[0].flatMap { a in lines[1].map { a * $0 } }
        guard let low = kernel.min(), let high = kernel.max(), high > low else {
            return kernel.map { _ in 0 }
        }
        return kernel.map { (high - $0) / (high - low) }
    }
}

/// A small generator with a seed, so that a run can be repeated (Steele 2014).
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64
    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

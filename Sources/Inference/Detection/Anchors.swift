// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A block of voxels that a detector marks, in indices of the lattice: voxel 0 has its centre at 0. Dimensions D, H, W.
struct DetectedBox: Equatable {
    var lower: [Float]
    var upper: [Float]
    /// 0 to 1.
    var score: Float
    var label: Int

    var volume: Float { (0..<3).reduce(1) { $0 * (upper[$1] - lower[$1]) } }

    /// Intersection over union (monai.data.box_utils `box_iou`).
    func overlap(_ other: DetectedBox) -> Float {
        var shared: Float = 1
        for d in 0..<3 { shared *= max(0, min(upper[d], other.upper[d]) - max(lower[d], other.lower[d])) }
        return shared / (volume + other.volume - shared + .ulpOfOne)
    }
}

/// The boxes that a detector's offsets are relative to: MONAI's `AnchorGeneratorWithAnchorShape`.
struct Anchors {
    /// Half the edges at one place of a level, rounded, one after another: all lower corners are their negatives.
    let shapes: [[Float]]
    /// Voxels of the image from one place to the next along D, H and W.
    let strides: [Int]
    /// Places along D, H and W.
    let places: [Int]

    /// - Parameter image: size of the image that the level's places cover.
    init(base: [[Double]], scale: Double, image: [Int], places: [Int]) {
        shapes = base.map { $0.map { (Float($0) * Float(scale) / 2).rounded(.toNearestOrEven) } }
        strides = (0..<3).map { image[$0] / places[$0] }
        self.places = places
    }

    /// The box of an anchor with the offsets that the network gave it: centre in parts of the anchor's edge, logarithm of
    /// the growth of the edge, cut off where a box would grow beyond 62.5 times (`BoxCoder.decode_single`).
    func box(shape: Int, at place: [Int], offsets: [Float]) -> (lower: [Float], upper: [Float]) {
        var lower: [Float] = []
        var upper: [Float] = []
        for d in 0..<3 {
            let center = Float(place[d] * strides[d])
            let corner = (center - shapes[shape][d], center + shapes[shape][d])
            let edge = corner.1 - corner.0
            // MONAI derives the centre from the corners in float32; both are whole numbers here.
            let middle = offsets[d] * edge + center
            let half = 0.5 * (Glibc.expf(min(offsets[3 + d], Self.largestGrowth)) * edge)
            lower.append(middle - half)
            upper.append(middle + half)
        }
        return (lower, upper)
    }

    private static let largestGrowth = Float(Glibc.log(1000.0 / 16))
}

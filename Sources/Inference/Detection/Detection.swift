// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// From a tensor to boxes on it: windows or the whole, the heads' outputs put together, boxes decoded and selected. MONAI's
/// `RetinaNetDetector` with `force_sliding_window` where the manifest names a window.
struct Detection {
    /// One level of the heads' outputs for one window: places along D, H and W, [A·classes, …] and [A·6, …].
    typealias Level = (shape: [Int], scores: [Float], offsets: [Float])
    /// Runs the network on `count` windows: the voxels of each and their shape, and what is to be done with its levels.
    typealias Infer = (
        _ count: Int, _ window: (Int) -> (values: [Float], shape: [Int]),
        _ take: (Int, [Level]) throws(InferenceError) -> Void
    ) throws(InferenceError) -> Void

    let detector: Manifest.Detector
    /// Whether the network gives logits, as upstream's does, or scores.
    var givesLogits = true

    func boxes(_ field: Field, infer: Infer) throws(InferenceError) -> [DetectedBox] {
        let shape = field.lattice.shape
        // 0 at the ends, up to a multiple (`pad_images`).
        let padded = (0..<3).map {
            (shape[$0] + detector.multiple[$0] - 1) / detector.multiple[$0] * detector.multiple[$0]
        }
        let windows = Tiles(of: padded, roi: detector.roi ?? padded, overlap: detector.overlap)
        var maps = HeadMaps(image: windows.size, roi: windows.roi, before: windows.before, kept: padded)
        try infer(windows.starts.count) { index in
            let start = (0..<3).map { windows.starts[index][$0] - windows.before[$0] }
            return (field.block(at: start, shape: windows.roi), windows.roi)
        } _: { (index, levels) throws(InferenceError) in
            for (level, output) in levels.enumerated() {
                maps.add(
                    level: level, window: output.shape, scores: output.scores, offsets: output.offsets,
                    at: windows.starts[index])
            }
        }
        return BoxSelection(detector: detector, givesLogits: givesLogits).boxes(
            maps.finished(), image: padded, kept: shape)
    }
}

/// Where windows begin: MONAI's `dense_patch_slices`, on an image made as large as the window.
private struct Tiles {
    let roi: [Int]
    let size: [Int]
    let before: [Int]
    /// D slowest.
    let starts: [[Int]]

    init(of image: [Int], roi: [Int], overlap: Double) {
        let size = (0..<3).map { max(image[$0], roi[$0]) }
        let axes = (0..<3).map { d -> [Int] in
            let interval = roi[d] == size[d] ? roi[d] : max(1, Int(Double(roi[d]) * (1 - overlap)))
            let last = size[d] - roi[d]
            return Array(stride(from: 0, to: last, by: interval)) + [last]
        }
        self.roi = roi
        self.size = size
        before = (0..<3).map { max(roi[$0] - image[$0], 0) / 2 }
        starts = axes[0].flatMap { d in axes[1].flatMap { h in axes[2].map { w in [d, h, w] } } }
    }
}

extension Field {
    /// A block that may reach beyond the lattice, where it is 0.
    fileprivate func block(at start: [Int], shape: [Int]) -> [Float] {
        var result = [Float](repeating: 0, count: shape.reduce(1, *))
        let whole = lattice.shape
        let columns = max(0, -start[2])..<max(max(0, -start[2]), min(shape[2], whole[2] - start[2]))
        for d in 0..<shape[0] where (0..<whole[0]).contains(start[0] + d) {
            for h in 0..<shape[1] where (0..<whole[1]).contains(start[1] + h) {
                let inside = (d * shape[1] + h) * shape[2]
                let outside = ((start[0] + d) * whole[1] + start[1] + h) * whole[2] + start[2]
                for w in columns { result[inside + w] = values[outside + w] }
            }
        }
        return result
    }
}

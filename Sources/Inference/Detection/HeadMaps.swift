// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Outputs of windows put together to maps of the whole image, each level in its own resolution and with equal weights
/// where windows overlap: MONAI's `sliding_window_inference` with several outputs.
struct HeadMaps {
    /// The image, padded to the window where it was smaller: its size, the voxels before it, and its size without them.
    let image: [Int]
    let before: [Int]
    let kept: [Int]
    let roi: [Int]
    private var levels: [Level] = []

    private struct Level {
        /// Places of the whole image, and of a window.
        var shape: [Int]
        var window: [Int]
        var scores: [Float]
        var offsets: [Float]
        /// Windows that saw a place.
        var counts: [Float]
    }

    init(image: [Int], roi: [Int], before: [Int], kept: [Int]) {
        self.image = image
        self.roi = roi
        self.before = before
        self.kept = kept
    }

    /// What the network made of the window at `start`, the finest level first: [A·classes, d, h, w] and [A·6, d, h, w].
    mutating func add(level: Int, window: [Int], scores: [Float], offsets: [Float], at start: [Int]) {
        // Upstream cuts fractions off.
        func scaled(_ size: [Int]) -> [Int] {
            (0..<3).map { Int(Double(size[$0]) * (Double(window[$0]) / Double(roi[$0]))) }
        }
        let patch = window.reduce(1, *)
        if level == levels.count {
            let shape = scaled(image)
            let count = shape.reduce(1, *)
            levels.append(
                Level(
                    shape: shape, window: window, scores: [Float](repeating: 0, count: scores.count / patch * count),
                    offsets: [Float](repeating: 0, count: offsets.count / patch * count),
                    counts: [Float](repeating: 0, count: count)))
        }
        let block = PlaceBlock(first: scaled(start), shape: window, whole: levels[level].shape)
        block.add(scores, to: &levels[level].scores)
        block.add(offsets, to: &levels[level].offsets)
        block.add([Float](repeating: 1, count: patch), to: &levels[level].counts)
    }

    /// Means over the windows, cut to what the image covers.
    func finished() -> [HeadMap] {
        levels.map { level in
            var first = [0, 0, 0]
            var shape = level.shape
            for d in 0..<3 where image[d] > kept[d] {
                let zoom = Double(level.shape[d]) / Double(roi[d])
                first[d] = Int((Double(before[d]) * zoom).rounded(.toNearestOrEven))
                shape[d] = Int((Double(before[d] + kept[d]) * zoom).rounded(.toNearestOrEven)) - first[d]
            }
            let block = PlaceBlock(first: first, shape: shape, whole: level.shape)
            return HeadMap(
                shape: shape, scores: block.means(of: level.scores, level.counts),
                offsets: block.means(of: level.offsets, level.counts))
        }
    }
}

/// A block of a map of several channels.
private struct PlaceBlock {
    var first: [Int]
    var shape: [Int]
    var whole: [Int]

    /// `line`: index in one channel of the map at which a row of the block begins.
    private func forEachRow(_ body: (_ line: Int) -> Void) {
        for d in 0..<shape[0] {
            for h in 0..<shape[1] {
                body(((first[0] + d) * whole[1] + first[1] + h) * whole[2] + first[2])
            }
        }
    }

    func add(_ values: [Float], to map: inout [Float]) {
        let count = whole.reduce(1, *)
        var inside = 0
        for channel in 0..<values.count / shape.reduce(1, *) {
            forEachRow { line in
                for w in 0..<shape[2] {
                    map[channel * count + line + w] += values[inside]
                    inside += 1
                }
            }
        }
    }

    func means(of map: [Float], _ counts: [Float]) -> [Float] {
        let count = whole.reduce(1, *)
        var result: [Float] = []
        result.reserveCapacity(map.count / count * shape.reduce(1, *))
        for channel in 0..<map.count / count {
            forEachRow { line in
                for w in 0..<shape[2] { result.append(map[channel * count + line + w] / counts[line + w]) }
            }
        }
        return result
    }
}

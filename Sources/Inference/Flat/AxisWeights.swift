// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// Each target pixel of one axis as a weighted sum of neighbouring source pixels; what lies outside the source is 0.
struct AxisWeights: Sendable {
    private(set) var starts: [Int] = []
    /// Where the weights of each target pixel begin in `weights`; one more than there are pixels.
    private(set) var offsets: [Int] = [0]
    private(set) var weights: [Double] = []

    var count: Int { starts.count }

    private mutating func append(from start: Int, _ weights: some Sequence<Double>) {
        starts.append(start)
        self.weights += weights
        offsets.append(self.weights.count)
    }

    /// torch.nn.functional.interpolate(mode: "area"), which is adaptive_avg_pool: whole source pixels, equal weights.
    static func area(from source: Int, to target: Int) -> AxisWeights {
        var axis = AxisWeights()
        for i in 0..<target {
            let start = i * source / target
            let end = ((i + 1) * source + target - 1) / target
            axis.append(from: start, repeatElement(1 / Double(end - start), count: end - start))
        }
        return axis
    }

    /// torch "nearest": the source pixel at the same fraction of the axis, rounded down (in single precision, as there).
    static func nearest(from source: Int, to target: Int) -> AxisWeights {
        var axis = AxisWeights()
        let scale = Float(source) / Float(target)
        for i in 0..<target { axis.append(from: min(Int(Float(i) * scale), source - 1), [1]) }
        return axis
    }

    /// Half-pixel centres, the border repeated: torch bilinear (`align_corners=False`), cv2.INTER_LINEAR on floats.
    static func linear(from source: Int, to target: Int) -> AxisWeights {
        clamped(from: source, to: target, reach: 0) { [1 - $0, $0] }
    }

    /// torch bicubic: Keys' kernel with a = −0.75, the border repeated.
    static func cubic(from source: Int, to target: Int) -> AxisWeights {
        clamped(from: source, to: target, reach: 1) { t in
            [t + 1, t, 1 - t, 2 - t].map { keys($0) }
        }
    }

    /// Coordinates in single precision with one rounding, as torch's CPU kernels compute them.
    private static func clamped(
        from source: Int, to target: Int, reach: Int, _ kernel: (Float) -> [Float]
    ) -> AxisWeights {
        var axis = AxisWeights()
        let scale = Float(source) / Float(target)
        for i in 0..<target {
            var x = Float(-0.5).addingProduct(scale, Float(i) + 0.5)
            // Only for linear is the coordinate itself kept inside (ATen UpSample.h, area_pixel_compute_source_index).
            if reach == 0 { x = max(x, 0) }
            let base = Int(x.rounded(.down))
            let first = min(max(base - reach, 0), source - 1)
            let last = min(max(base + reach + 1, 0), source - 1)
            var folded = [Double](repeating: 0, count: last - first + 1)
            for (tap, weight) in kernel(x - Float(base)).enumerated() {
                folded[min(max(base - reach + tap, 0), source - 1) - first] += Double(weight)
            }
            axis.append(from: first, folded)
        }
        return axis
    }

    /// A kernel as wide as the target's pixel where the axis shrinks: torch `antialias=True` and Pillow's resize
    /// (both aten/UpSample and Pillow Resample.c cut the kernel at the border and normalise what is left).
    static func antialiased(from source: Int, to target: Int) -> AxisWeights {
        var axis = AxisWeights()
        let scale = Float(source) / Float(target)
        let stretch = max(scale, 1)
        for i in 0..<target {
            let centre = scale * (Float(i) + 0.5)
            let first = max(Int(centre - stretch + 0.5), 0)
            let end = min(Int(centre + stretch + 0.5), source)
            let weights = (first..<end).map { j in
                Double(max(0, 1 - abs(Float(j) - centre + 0.5) / stretch))
            }
            let sum = weights.reduce(0, +)
            axis.append(from: first, weights.map { sum == 0 ? 0 : $0 / sum })
        }
        return axis
    }

    private static func keys(_ x: Float) -> Float {
        let a: Float = -0.75
        if x <= 1 { return ((a + 2) * x - (a + 3)) * x * x + 1 }
        if x < 2 { return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a }
        return 0
    }

    /// scipy.ndimage.gaussian_filter, mode "constant", cut at 4 σ.
    static func gaussian(_ count: Int, sigma: Double) -> AxisWeights {
        let radius = Int(4 * sigma + 0.5)
        let kernel = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
        let sum = kernel.reduce(0, +)
        var axis = AxisWeights()
        for i in 0..<count {
            let first = max(i - radius, 0)
            let end = min(i + radius + 1, count)
            axis.append(from: first, (first..<end).map { kernel[$0 - i + radius] / sum })
        }
        return axis
    }

    /// scipy.ndimage.zoom, order 1, mode "grid-constant", grid_mode: linear, and 0 beyond the border.
    static func linearOverZero(from source: Int, to target: Int) -> AxisWeights {
        var axis = AxisWeights()
        let map = AxisMap.resized(from: source, to: target)
        for i in 0..<target {
            let x = map.offset + map.step * Double(i)
            let base = Int(x.rounded(.down))
            let t = x - Double(base)
            let taps = [(base, 1 - t), (base + 1, t)].filter { (0..<source).contains($0.0) }
            axis.append(from: taps.first?.0 ?? 0, taps.map(\.1))
        }
        return axis
    }
}

extension Plane {
    /// Along W, then along H; sums in double precision.
    func weighted(rows: AxisWeights, columns: AxisWeights) -> Plane {
        var result = Plane(
            channels: channels, height: rows.count, width: columns.count,
            values: [Float](repeating: 0, count: channels * rows.count * columns.count))
        var middle = [Double](repeating: 0, count: height * columns.count)
        var line = [Double](repeating: 0, count: columns.count)
        for c in 0..<channels {
            values.withUnsafeBufferPointer { source in
                for h in 0..<height {
                    let row = (c * height + h) * width
                    for w in 0..<columns.count {
                        var sum = 0.0
                        var at = row + columns.starts[w]
                        for k in columns.offsets[w]..<columns.offsets[w + 1] {
                            sum += columns.weights[k] * Double(source[at])
                            at += 1
                        }
                        middle[h * columns.count + w] = sum
                    }
                }
            }
            for h in 0..<rows.count {
                for w in line.indices { line[w] = 0 }
                var at = rows.starts[h] * columns.count
                for k in rows.offsets[h]..<rows.offsets[h + 1] {
                    let weight = rows.weights[k]
                    for w in line.indices { line[w] += weight * middle[at + w] }
                    at += columns.count
                }
                let row = (c * rows.count + h) * columns.count
                for w in line.indices { result.values[row + w] = Float(line[w]) }
            }
        }
        result.rows = self.rows
        result.columns = self.columns
        return result
    }
}

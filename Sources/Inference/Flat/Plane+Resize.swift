// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

extension Plane {
    /// To exactly this size, each axis by itself.
    func resized(height target: Int, width: Int, _ method: Manifest.Resize.Method) -> Plane {
        var plane: Plane
        switch method {
        case _ where target == height && width == self.width: return self
        case .area: plane = weighted(AxisWeights.area, target, width)
        case .bilinear: plane = weighted(AxisWeights.linear, target, width)
        case .bicubic: plane = weighted(AxisWeights.cubic, target, width)
        case .bilinearAntialiased:
            plane = weighted(AxisWeights.antialiased, target, width)
        case .nearest: plane = weighted(AxisWeights.nearest, target, width)
        case .gaussianBilinear:
            plane = smoothed(target, width).weighted(AxisWeights.linearOverZero, target, width).clamped(to: self)
        case .bilinearBytes: plane = resizedBytes(height: target, width: width)
        }
        plane.rows = rows.then(.resized(from: height, to: target))
        plane.columns = columns.then(.resized(from: self.width, to: width))
        return plane
    }

    /// The longer side to this size and the other in proportion, as `Int(n · size / longest + 0.5)`.
    func resized(longest size: Int, _ method: Manifest.Resize.Method) -> Plane {
        let longest = Double(max(height, width))
        return resized(
            height: max(1, Int(Double(height) * Double(size) / longest + 0.5)),
            width: max(1, Int(Double(width) * Double(size) / longest + 0.5)), method)
    }

    private func weighted(_ weights: (Int, Int) -> AxisWeights, _ height: Int, _ width: Int) -> Plane {
        weighted(rows: weights(self.height, height), columns: weights(self.width, width))
    }

    /// skimage's anti-aliasing: σ = (factor − 1)/2 along each axis that shrinks.
    private func smoothed(_ height: Int, _ width: Int) -> Plane {
        func weights(_ source: Int, _ target: Int) -> AxisWeights {
            let sigma = (Double(source) / Double(target) - 1) / 2
            return sigma > 0 ? .gaussian(source, sigma: sigma) : .linear(from: source, to: source)
        }
        return weighted(rows: weights(self.height, height), columns: weights(self.width, width))
    }

    /// skimage clips to the range of its input.
    private func clamped(to source: Plane) -> Plane {
        guard let low = source.values.min(), let high = source.values.max() else { return self }
        return map { min(max($0, low), high) }
    }

    /// OpenCV 4's resize of 8-bit images (imgproc/resize.cpp, HResizeLinear and VResizeLinear<uchar>).
    private func resizedBytes(height target: Int, width: Int) -> Plane {
        // At the border a column gives all its weight to the last pixel; a row keeps two weights, which round apart.
        func axis(_ source: Int, _ count: Int, isRow: Bool) -> [(low: Int, high: Int, a: Int32, b: Int32)] {
            let scale = 1 / (Double(count) / Double(source))
            return (0..<count).map { i in
                var x = Float((Double(i) + 0.5) * scale - 0.5)
                var index = Int(x.rounded(.down))
                x -= Float(index)
                if !isRow, index < 0 { (index, x) = (0, 0) }
                if !isRow, index >= source - 1 { (index, x) = (source - 1, 0) }
                let a = Int32(((1 - x) * 2048).rounded(.toNearestOrEven))
                let (low, high) = (min(max(index, 0), source - 1), min(max(index + 1, 0), source - 1))
                return (low, high, a, Int32((x * 2048).rounded(.toNearestOrEven)))
            }
        }
        let rows = axis(height, target, isRow: true)
        let columns = axis(self.width, width, isRow: false)
        var result = Plane(
            channels: channels, height: target, width: width,
            values: [Float](repeating: 0, count: channels * target * width))
        for c in 0..<channels {
            let lines = (0..<height).map { h in
                let row = (c * height + h) * self.width
                return columns.map { Int32(values[row + $0.low]) * $0.a + Int32(values[row + $0.high]) * $0.b }
            }
            for (h, row) in rows.enumerated() {
                let (low, high) = (lines[row.low], lines[row.high])
                for w in 0..<width {
                    let sum = (row.a * (low[w] >> 4)) >> 16 + (row.b * (high[w] >> 4)) >> 16 + 2
                    result.values[(c * target + h) * width + w] = Float(min(max(sum >> 2, 0), 255))
                }
            }
        }
        return result
    }
}

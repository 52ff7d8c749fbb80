// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Plane {
    /// A block of the plane; what reaches beyond it is filled.
    func cropped(top: Int, left: Int, height: Int, width: Int, fill: Float = 0) -> Plane {
        var result = Plane(
            channels: channels, height: height, width: width,
            values: [Float](repeating: fill, count: channels * height * width))
        let inside = max(0, -left)..<max(max(0, -left), min(width, self.width - left))
        for c in 0..<channels {
            for h in max(0, -top)..<max(max(0, -top), min(height, self.height - top)) {
                let source = (c * self.height + h + top) * self.width + left
                let target = (c * height + h) * width
                for w in inside { result.values[target + w] = values[source + w] }
            }
        }
        result.rows = rows.then(.shifted(by: top))
        result.columns = columns.then(.shifted(by: left))
        return result
    }

    /// The same; beyond the plane its border repeats.
    func clamped(top: Int, left: Int, height: Int, width: Int) -> Plane {
        var result = cropped(top: top, left: left, height: height, width: width)
        for c in 0..<channels {
            for h in 0..<height {
                let row = (c * self.height + min(max(h + top, 0), self.height - 1)) * self.width
                for w in 0..<width {
                    result.values[(c * height + h) * width + w] = values[row + min(max(w + left, 0), self.width - 1)]
                }
            }
        }
        return result
    }

    /// The square of the shorter side about the middle (torchxrayvision datasets.py, XRayCenterCrop).
    func centreSquare() -> Plane {
        let side = min(height, width)
        return cropped(top: height / 2 - side / 2, left: width / 2 - side / 2, height: side, width: side)
    }

    /// A square with the image at its top left (SAM's padding; 2nd place of RSNA 2019).
    func paddedSquare(_ side: Int? = nil, fill: Float = 0) -> Plane {
        let side = side ?? max(height, width)
        return cropped(top: 0, left: 0, height: side, width: side, fill: fill)
    }

    /// Rows and columns at the border in which no channel exceeds the threshold go; the rest is padded to a square
    /// (darraghdog/rsna scripts/trainorig.py, autocrop). An image with nothing above it stays as it is, as there.
    func autocropped(threshold: Float = 0) -> Plane {
        var rows = (low: height, high: -1)
        var columns = (low: width, high: -1)
        for c in 0..<channels {
            for h in 0..<height {
                let row = (c * height + h) * width
                for w in 0..<width where values[row + w] > threshold {
                    rows = (min(rows.low, h), max(rows.high, h))
                    columns = (min(columns.low, w), max(columns.high, w))
                }
            }
        }
        guard rows.high >= 0 else { return self }
        return cropped(
            top: rows.low, left: columns.low, height: rows.high - rows.low + 1, width: columns.high - columns.low + 1
        ).paddedSquare()
    }
}

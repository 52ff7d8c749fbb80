// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A slice resized as scikit-image's `resize(order=3, preserve_range=True, anti_aliasing=True)`, rows from the top: a
/// Gaussian where it shrinks, a cubic spline through the pixels, half-pixel centres, the edge pixels mirrored, and no
/// value beyond those of the source. In double precision (skimage/transform/_warps.py, scipy ndimage `zoom`).
func splineResized(_ image: [Double], rows: Int, columns: Int, toRows: Int, toColumns: Int) -> [Double] {
    guard let least = image.min(), let greatest = image.max() else { return [] }
    var values = image
    var shape = [rows, columns]
    for (axis, target) in [toRows, toColumns].enumerated() {
        let sigma = max(0, (Double(shape[axis]) / Double(target) - 1) / 2)
        if sigma > 0 { along(axis, &values, &shape) { smoothed($0, sigma: sigma) } }
    }
    for (axis, target) in [toRows, toColumns].enumerated() {
        along(axis, &values, &shape) { cubic($0, to: target) }
    }
    return values.map { min(max($0, least), greatest) }
}

/// Every line along an axis through `body`.
private func along(_ axis: Int, _ values: inout [Double], _ shape: inout [Int], _ body: ([Double]) -> [Double]) {
    let (rows, columns) = (shape[0], shape[1])
    if axis == 1 {
        var result: [Double] = []
        for row in 0..<rows { result += body(Array(values[row * columns..<(row + 1) * columns])) }
        values = result
        shape[1] = result.count / max(1, rows)
        return
    }
    var result: [Double] = []
    for column in 0..<columns {
        let line = body(stride(from: column, to: rows * columns, by: columns).map { values[$0] })
        if column == 0 {
            result = [Double](repeating: 0, count: line.count * columns)
            shape[0] = line.count
        }
        for (row, value) in line.enumerated() { result[row * columns + column] = value }
    }
    values = result
}

/// The edge pixel is the mirror's plane and is not repeated.
private func mirrored(_ index: Int, _ count: Int) -> Int {
    guard count > 1 else { return 0 }
    let period = 2 * (count - 1)
    let place = ((index % period) + period) % period
    return min(place, period - place)
}

/// scipy's `gaussian_filter1d`: cut off at 4 σ.
private func smoothed(_ line: [Double], sigma: Double) -> [Double] {
    let radius = Int(4 * sigma + 0.5)
    var kernel = (-radius...radius).map { exp(-0.5 * Double($0 * $0) / (sigma * sigma)) }
    let sum = kernel.reduce(0, +)
    kernel = kernel.map { $0 / sum }
    return line.indices.map { i in
        kernel.indices.reduce(0) { $0 + kernel[$1] * line[mirrored(i + $1 - radius, line.count)] }
    }
}

private func cubic(_ line: [Double], to target: Int) -> [Double] {
    let count = line.count
    let coefficients = splineCoefficients(line)
    let scale = Double(count) / Double(target)
    return (0..<target).map { index in
        let x = (Double(index) + 0.5) * scale - 0.5
        let base = x.rounded(.down)
        let t = x - base
        let s = 1 - t
        let weights = [
            s * s * s / 6, (4 - 6 * t * t + 3 * t * t * t) / 6, (4 - 6 * s * s + 3 * s * s * s) / 6, t * t * t / 6,
        ]
        return (0..<4).reduce(0) { $0 + weights[$1] * coefficients[mirrored(Int(base) - 1 + $1, count)] }
    }
}

/// Of the cubic B-spline through the samples: one recursive filter each way, pole √3 − 2 (Unser 1999).
private func splineCoefficients(_ line: [Double]) -> [Double] {
    let count = line.count
    guard count > 1 else { return line }
    let pole = 3.0.squareRoot() - 2
    var c = line.map { $0 * 6 }
    // The whole mirrored line, summed in closed form.
    var power = pole
    let last = pow(pole, Double(count - 1))
    var sum = c[0] + last * c[count - 1]
    for i in 1..<max(1, count - 1) {
        sum += power * (c[i] + last * c[count - 1 - i])
        power *= pole
    }
    c[0] = sum / (1 - last * last)
    for i in 1..<count { c[i] += pole * c[i - 1] }
    c[count - 1] = pole / (pole * pole - 1) * (c[count - 1] + pole * c[count - 2])
    for i in stride(from: count - 2, through: 0, by: -1) { c[i] = pole * (c[i + 1] - c[i]) }
    return c
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

extension Plane {
    /// One channel per window, each from 0 to 1.
    func windows(_ windows: [Manifest.IntensityWindow]) -> Plane {
        let low = windows.map { Float($0.center - $0.width / 2) }
        return spread(windows.count) { window, value in
            min(max((value - low[window]) / Float(windows[window].width), 0), 1)
        }
    }

    /// One channel of bytes per window, as the second place of RSNA 2019 made its images: clipped to centre ± width//2,
    /// less the channel's mean, less the channel's minimum, times 255, cut to a whole number (darraghdog/rsna
    /// scripts/prepare_meta_dicom.py, apply_window_policy). In double precision with numpy's order of summation, since
    /// the cut turns a last digit into a whole step. The JPEG file in between is not repeated.
    func stretchedWindows(_ windows: [Manifest.IntensityWindow]) -> Plane {
        precondition(channels == 1)
        var result: [Float] = []
        result.reserveCapacity(windows.count * pixels)
        for window in windows {
            let half = (window.width / 2).rounded(.down)
            let (low, high) = (window.center - half, window.center + half)
            var scaled = values.map { (min(max(Double($0), low), high) - low) / window.width }
            let mean = scaled.withUnsafeBufferPointer { pairwiseSum($0) } / Double(pixels)
            for i in scaled.indices { scaled[i] -= mean }
            let minimum = scaled.min() ?? 0
            result += scaled.map { Float(UInt8(min(max(255 * ($0 - minimum), 0), 255))) }
        }
        return with(channels: windows.count, values: result)
    }

    private func spread(_ count: Int, _ body: (_ channel: Int, _ value: Float) -> Float) -> Plane {
        precondition(channels == 1)
        var result: [Float] = []
        result.reserveCapacity(count * pixels)
        for channel in 0..<count { for value in values { result.append(body(channel, value)) } }
        return with(channels: count, values: result)
    }

    func repeated(_ count: Int) -> Plane {
        with(channels: channels * count, values: Array(repeatElement(values, count: count).joined()))
    }

    /// One range onto another, also beyond its ends (torchxrayvision utils.py, normalize, is 0 to 2^bits − 1 onto −1024
    /// to 1024).
    func scaled(from: ClosedRange<Float>, to: ClosedRange<Double>) -> Plane {
        let (least, span) = (from.lowerBound, from.upperBound - from.lowerBound)
        let (low, width) = (Float(to.lowerBound), Float(to.upperBound - to.lowerBound))
        return map { ($0 - least) / span * width + low }
    }
}

/// The channels of the slices at these offsets, one after the other; beyond the ends the end repeats.
func neighbours(of slice: Int, offsets: [Int], in planes: [Plane]) -> Plane {
    let chosen = offsets.map { planes[min(max(slice + $0, 0), planes.count - 1)] }
    let channels = chosen.reduce(0) { $0 + $1.channels }
    return planes[slice].with(channels: channels, values: Array(chosen.map(\.values).joined()))
}

/// numpy's sum of a contiguous array of doubles (umath/loops_utils.h, pairwise_sum): eight partial sums in blocks of
/// at most 128.
func pairwiseSum(_ values: UnsafeBufferPointer<Double>) -> Double {
    let count = values.count
    if count < 8 { return values.reduce(0, +) }
    if count > 128 {
        let half = count / 2 - count / 2 % 8
        return pairwiseSum(UnsafeBufferPointer(rebasing: values[..<half]))
            + pairwiseSum(UnsafeBufferPointer(rebasing: values[half...]))
    }
    var sums = (0..<8).map { values[$0] }
    var i = 8
    while i + 8 <= count {
        for k in 0..<8 { sums[k] += values[i + k] }
        i += 8
    }
    var sum = ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]))
    while i < count {
        sum += values[i]
        i += 1
    }
    return sum
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

extension Field {
    /// Changes the values of one channel, or of all.
    private mutating func transform(_ channel: Int? = nil, _ body: @escaping @Sendable (Float) -> Float) {
        let range = range(of: channel)
        values.withUnsafeMutableBufferPointer { buffer in
            Inference.transform(UnsafeMutableBufferPointer(rebasing: buffer[range]), body)
        }
    }

    private func range(of channel: Int?) -> Range<Int> {
        guard let channel else { return 0..<values.count }
        return channel * lattice.count..<(channel + 1) * lattice.count
    }

    /// All channels as one, or one after the other.
    private func parts(channelWise: Bool) -> [Int?] { channelWise ? (0..<channels).map(\.self) : [nil] }

    mutating func clip(_ range: ClosedRange<Double>) {
        let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
        transform { min(max($0, low), high) }
    }

    /// MONAI's `ScaleIntensityRange`, its arithmetic in its order.
    mutating func scaleRange(from: ClosedRange<Double>, to: ClosedRange<Double>, clip: Bool) {
        let (a, span) = (Float(from.lowerBound), Float(from.upperBound) - Float(from.lowerBound))
        let (b, width) = (Float(to.lowerBound), Float(to.upperBound) - Float(to.lowerBound))
        let top = Float(to.upperBound)
        if clip {
            transform { min(max(($0 - a) / span * width + b, b), top) }
        } else {
            transform { ($0 - a) / span * width + b }
        }
    }

    /// MONAI's `ScaleIntensity`; a constant image is multiplied by the lower end, as there.
    mutating func scaleMinMax(to: ClosedRange<Double>, channelWise: Bool) {
        let (b, width) = (Float(to.lowerBound), Float(to.upperBound) - Float(to.lowerBound))
        for part in parts(channelWise: channelWise) {
            let (low, high) = Statistics.limits(values, range(of: part))
            let span = high - low
            if span == 0 { transform(part) { $0 * b } } else { transform(part) { ($0 - low) / span * width + b } }
        }
    }

    /// To percentiles of all values, or of those that are not 0, linear between ranks (numpy's default).
    mutating func clipPercentiles(lower: Double, upper: Double, nonzero: Bool) {
        guard let selection = Percentiles(values, nonzero: nonzero) else { return }
        clip(selection[lower]...selection[upper])
    }

    /// Kept within 0 and 255, fractions cut off.
    mutating func toByte() { transform { min(max($0, 0), 255).rounded(.towardZero) } }

    /// Fractions cut off.
    mutating func truncate() { transform { $0.rounded(.towardZero) } }

    /// (x − mean)/deviation: MONAI's `NormalizeIntensity`, nnU-Net's ZScoreNormalization and CTNormalization (after
    /// `clip`), constants of a package. Mean and population deviation in double precision.
    /// - Parameter filled: the foreground of `of: filled`; nil: that of these channels.
    mutating func normalize(_ step: Manifest.Normalization, filled: [UInt8]? = nil) {
        let mask = step.of == .filled ? filled ?? filledNonzero() : nil
        for (position, part) in parts(channelWise: step.channelWise || step.of == .filled || step.mean != nil)
            .enumerated()
        {
            var moments = Statistics.Moments()
            if let mean = step.mean, let deviation = step.deviation {
                // One for all, or one a channel.
                moments = .init(
                    mean: mean[min(position, mean.count - 1)],
                    deviation: deviation[min(position, deviation.count - 1)])
            } else {
                moments = Statistics.moments(values, range(of: part), nonzero: step.of == .nonzero, mask: mask)
            }
            let mean = Float(moments.mean)
            var deviation = Float(max(moments.deviation, step.minimumDeviation))
            if deviation == 0 { deviation = 1 }
            let scale = deviation
            switch step.of {
            case .all: transform(part) { ($0 - mean) / scale }
            case .nonzero: transform(part) { $0 == 0 ? 0 : ($0 - mean) / scale }
            case .filled:
                guard let mask else { continue }
                let start = range(of: part).lowerBound
                for i in mask.indices where mask[i] != 0 { values[start + i] = (values[start + i] - mean) / scale }
            }
        }
    }

    /// Each channel by its own steps. nnU-Net tells the foreground when it crops, before any channel is normalised.
    mutating func perChannel(_ lists: [[Manifest.Preprocessing]]) throws(InferenceError) {
        guard lists.count == channels else {
            throw .unsupported("`perChannel` for \(lists.count) channels on \(channels)")
        }
        let isMasked = lists.joined().contains {
            if case .normalize(let rule) = $0 { rule.of == .filled } else { false }
        }
        let filled = isMasked ? filledNonzero() : nil
        for (channel, steps) in lists.enumerated() {
            let range = range(of: channel)
            var single = Field(lattice: lattice, values: Array(values[range]))
            for step in steps { try single.apply(step, filled: filled) }
            values.replaceSubrange(range, with: single.values)
        }
    }

    /// 1 where any channel is not 0, and in the holes of that: nnU-Net's `create_nonzero_mask`.
    private func filledNonzero() -> [UInt8] {
        var voxels = [UInt8](repeating: 0, count: lattice.count)
        for c in 0..<channels {
            let start = c * lattice.count
            for i in voxels.indices where values[start + i] != 0 { voxels[i] = 1 }
        }
        var marking = Marking(shape: lattice.shape, voxels: voxels)
        fillHoles(&marking, inSlices: false)
        return marking.voxels
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// The `spacing` step.
struct Resampling {
    let step: Manifest.Spacing

    /// nil for MONAI's grid.
    var zoom: ZoomGrid? {
        switch step.lattice {
        case .affine: nil
        case .halfPixel: .halfPixel
        case .endpoint: .endpoint
        }
    }

    /// The lattice after the step.
    func target(of lattice: Lattice) -> Lattice {
        guard let zoom else { return lattice.respaced(step.mm) }
        return lattice.resized(to: lattice.shape(for: step.mm), zoom)
    }

    /// The dimension that is resampled by itself, from one spacing to another: nnU-Net's `determine_do_sep_z_and_axis`
    /// (preprocessing/resampling/default_resampling.py). It has the greatest spacing, alone, of the first of the two
    /// spacings that is anisotropic enough.
    func separateDimension(from current: [Double], to new: [Double]) -> Int? {
        guard let separateAxis = step.separateAxis else { return nil }
        for spacing in [current, new] {
            let greatest = spacing.max() ?? 1
            guard greatest / (spacing.min() ?? 1) > separateAxis.above else { continue }
            let at = spacing.indices.filter { greatest / spacing[$0] == 1 }
            return at.count == 1 ? at[0] : nil
        }
        return nil
    }

    func separateDimension(of lattice: Lattice) -> Int? {
        separateDimension(from: lattice.spacing, to: goal(of: lattice))
    }

    /// mm along D, H and W.
    func goal(of lattice: Lattice) -> [Double] { zip(step.mm, lattice.spacing).map { $0 ?? $1 } }

    /// - Parameters:
    ///   - source: `channels` blocks of voxels on `stored`, which may name its axes otherwise than `lattice`.
    ///   - lattice: what is resampled.
    func apply(
        _ source: UnsafePointer<Float>, channels: Int, stored: Lattice, lattice: Lattice
    ) throws(InferenceError) -> Field {
        let target = target(of: lattice)
        if step.interpolation == .cubic {
            return Field(
                lattice: target, channels: channels,
                values: try cubic(source, channels: channels, stored: stored, lattice: lattice, target: target))
        }
        let separate = separateDimension(of: lattice).map { ($0, step.separateAxis?.interpolation ?? .nearest) }
        var rules = (0..<3).map { dimension in
            let isLinear = separate?.0 == dimension ? separate?.1 != .nearest : step.interpolation == .linear
            return isLinear ? Sampler.Rule.linear : zoom.map { .nearestZoomed($0) } ?? .nearest
        }
        if let axes = stored.map(from: lattice).axes { rules = axes.map { rules[$0] } }
        let sampler = Sampler(source: stored, target: target, rules: rules)
        let values = [Float](unsafeUninitializedCapacity: channels * target.count) { buffer, initialized in
            for c in 0..<channels {
                sampler.resample(source + c * stored.count, into: buffer.baseAddress! + c * target.count)
            }
            initialized = channels * target.count
        }
        return Field(lattice: target, channels: channels, values: values)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Voxels taken to another spacing.
struct Resampling: Equatable {
    enum Grid: Equatable {
        /// MONAI `Spacing`: spacing exact, the first corner kept.
        case affine
        /// The field of view kept, or the extent between centres, and the spacing what follows from whole voxels.
        case zoom(ZoomGrid)
    }
    enum Interpolation: Equatable { case nearest, linear, cubic }

    /// mm along D, H and W; nil keeps the lattice's.
    var spacing: [Double?]
    var interpolation: Interpolation
    var grid: Grid
    var separateAxis: SeparateAxis = .never

    /// The lattice after it.
    func target(of lattice: Lattice) -> Lattice {
        switch grid {
        case .affine: lattice.respaced(spacing)
        case .zoom(let zoom): lattice.resized(to: lattice.shape(for: spacing), zoom)
        }
    }

    /// The dimension whose slices are resampled each in its plane.
    func separateDimension(of lattice: Lattice) -> Int? {
        let spacing = lattice.spacing
        return separateAxis.dimension(from: spacing, to: zip(self.spacing, spacing).map { $0 ?? $1 })
    }

    /// What linear or nearest interpolation along each dimension means here.
    func rules(of lattice: Lattice) -> [Sampler.Rule] {
        let nearest: Sampler.Rule = if case .zoom(let zoom) = grid { .nearestZoomed(zoom) } else { .nearest }
        var rules = [Sampler.Rule](repeating: interpolation == .nearest ? nearest : .linear, count: 3)
        if let separate = separateDimension(of: lattice) { rules[separate] = nearest }
        return rules
    }

    /// - Parameter source: `channels` blocks of voxels on `stored`, which may name its axes otherwise than `lattice`.
    func apply(
        _ source: UnsafePointer<Float>, channels: Int, stored: Lattice, lattice: Lattice
    ) throws(InferenceError) -> Field {
        let target = target(of: lattice)
        guard interpolation == .cubic else {
            var rules = rules(of: lattice)
            if stored != lattice, let axes = stored.map(from: lattice).axes { rules = axes.map { rules[$0] } }
            let sampler = Sampler(source: stored, target: target, rules: rules)
            let values = [Float](unsafeUninitializedCapacity: channels * target.count) { buffer, initialized in
                for c in 0..<channels {
                    sampler.resample(source + c * stored.count, into: buffer.baseAddress! + c * target.count)
                }
                initialized = channels * target.count
            }
            return Field(lattice: target, channels: channels, values: values)
        }
        return Field(
            lattice: target, channels: channels,
            values: try cubic(source, channels: channels, stored: stored, lattice: lattice, target: target))
    }
}

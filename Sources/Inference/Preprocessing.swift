// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// From the volume to the network's tensor, step by step as the manifest lists them. Steps that only name the axes anew
/// move no voxel; the next resampling reads through them.
func preprocess(_ volume: VoxelVolume, _ steps: [Manifest.Preprocessing]) throws(InferenceError) -> Field {
    var values = volume.voxels
    /// Where `values` lie, and where they should.
    var stored = Lattice(volume.grid)
    var wanted = stored
    for step in steps {
        switch step {
        case .orientation(let codes):
            wanted = wanted.oriented(codes)
        case .spacing(let spacing):
            let next = wanted.respaced(spacing.mm)
            guard next != wanted else { continue }
            values = Sampler(source: stored, target: next, interpolation: spacing.interpolation).resample(values)
            stored = next
            wanted = next
        case .clip(let range):
            let (low, high) = (Float(range.lowerBound), Float(range.upperBound))
            transform(&values) { min(max($0, low), high) }
        case .scaleRange(let from, let to, let clip):
            // The arithmetic of MONAI's ScaleIntensityRange, in its order.
            let (a, span) = (Float(from.lowerBound), Float(from.upperBound) - Float(from.lowerBound))
            let (b, width) = (Float(to.lowerBound), Float(to.upperBound) - Float(to.lowerBound))
            let top = Float(to.upperBound)
            if clip {
                transform(&values) { min(max(($0 - a) / span * width + b, b), top) }
            } else {
                transform(&values) { ($0 - a) / span * width + b }
            }
        default: throw .unsupported("a step of `preprocess`")
        }
    }
    if stored != wanted { values = Sampler(source: stored, target: wanted, interpolation: .nearest).resample(values) }
    return Field(lattice: wanted, values: values)
}

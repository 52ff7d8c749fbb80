// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Volume

/// Co-registered series as channels on the grid of the first; where another has no voxels its channel is 0. They are
/// taken to lie in the same frame of reference, which their volumes do not say: who reads the series sees to that.
func stack(_ volumes: [VoxelVolume]) throws(InferenceError) -> Field {
    guard let first = volumes.first else { throw .refused(["there is no input series"]) }
    let lattice = Lattice(first.grid)
    if volumes.count == 1 { return Field(lattice: lattice, channels: first.channels, values: first.voxels) }
    guard volumes.allSatisfy({ $0.channels == 1 }) else { throw .unsupported("several input series in colour") }
    var values = first.voxels
    values.reserveCapacity(volumes.count * lattice.count)
    for (position, volume) in volumes.enumerated().dropFirst() {
        let other = Lattice(volume.grid)
        if other == lattice {
            values += volume.voxels
            continue
        }
        let share = lattice.share(inside: other)
        if share < 0.5 {
            let percent = Int((share * 100).rounded(.down))
            throw .refused(["input series \(position + 1) covers only \(percent) % of the first one's grid"])
        }
        let everywhere = Box(lower: [Int](repeating: -1 << 30, count: 3), upper: [Int](repeating: 1 << 30, count: 3))
        let sampler = Sampler(
            source: other, target: lattice, rules: [.linear, .linear, .linear], border: everywhere)
        values += sampler.resample(volume.voxels)
    }
    return Field(lattice: lattice, channels: volumes.count, values: values)
}

extension Lattice {
    /// How much of this lattice lies inside another, half a voxel around its centres, counted on at most 32 voxels along
    /// each dimension.
    func share(inside other: Lattice) -> Double {
        let map = other.map(from: self)
        let steps = shape.map { max(1, $0 / 32) }
        var (inside, count) = (0, 0)
        for d in stride(from: 0, to: shape[0], by: steps[0]) {
            for h in stride(from: 0, to: shape[1], by: steps[1]) {
                for w in stride(from: 0, to: shape[2], by: steps[2]) {
                    count += 1
                    let isInside = (0..<3).allSatisfy { i in
                        let m = map.matrix[i]
                        let x = map.offset[i] + m[0] * Double(d) + m[1] * Double(h) + m[2] * Double(w)
                        return x >= -0.5 && x <= Double(other.shape[i]) - 0.5
                    }
                    inside += isInside ? 1 : 0
                }
            }
        }
        return Double(inside) / Double(count)
    }
}

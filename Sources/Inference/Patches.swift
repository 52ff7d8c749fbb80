// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Windows cut out of the network's tensor, padded as they are cut: no padded copy of the volume is made.
struct Patches {
    let field: Field
    /// Voxels of padding before the volume.
    let before: [Int]
    let padding: Manifest.Padding

    /// [channels, size] from `start`, in voxels of the padded volume, into `patch`.
    func cut(
        at start: [Int], size: [Int], mirrored: [Int] = [], into patch: UnsafeMutablePointer<Float>
    ) {
        let shape = field.lattice.shape
        let place = (0..<3).map { start[$0] - before[$0] }
        // Which source voxel each index of a dimension reads; nil: the value that pads.
        let sources = (0..<3).map { dimension in
            (0..<size[dimension]).map { index -> Int in
                let at = place[dimension] + (mirrored.contains(dimension) ? size[dimension] - 1 - index : index)
                if case .constant = padding, at < 0 || at >= shape[dimension] { return -1 }
                return min(max(at, 0), shape[dimension] - 1)
            }
        }
        var fill: Float = 0
        if case .constant(let value) = padding { fill = Float(value) }
        let isContiguous = zip(sources[2], sources[2].dropFirst()).allSatisfy { $1 == $0 + 1 } && sources[2][0] >= 0
        var target = patch
        field.values.withUnsafeBufferPointer { values in
            sources[2].withUnsafeBufferPointer { columns in
                for c in 0..<field.channels {
                    for d in sources[0] {
                        for h in sources[1] {
                            if d < 0 || h < 0 {
                                target.update(repeating: fill, count: size[2])
                            } else {
                                let row = values.baseAddress! + ((c * shape[0] + d) * shape[1] + h) * shape[2]
                                if isContiguous {
                                    target.update(from: row + columns[0], count: size[2])
                                } else {
                                    for w in 0..<size[2] { target[w] = columns[w] < 0 ? fill : row[columns[w]] }
                                }
                            }
                            target += size[2]
                        }
                    }
                }
            }
        }
    }

    /// Smallest and greatest value of a window, padding included.
    func range(at start: [Int], size: [Int]) -> ClosedRange<Float> {
        let count = field.channels * size.reduce(1, *)
        return withUnsafeTemporaryAllocation(of: Float.self, capacity: count) { patch in
            cut(at: start, size: size, into: patch.baseAddress!)
            var low = patch[0]
            var high = patch[0]
            for value in patch {
                low = min(low, value)
                high = max(high, value)
            }
            return low...high
        }
    }
}

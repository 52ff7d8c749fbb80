// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// What the network marked for one output, as it comes slab by slab: runs along W of the lattice on which is decided, with
/// the activated value of each voxel. Memory follows what is marked, not the grid and not the number of outputs.
struct MarkedVoxels {
    struct Run: Equatable {
        /// D × rows + H.
        var row: Int32
        var start: Int32
        var length: Int32
    }

    private(set) var runs: [Run] = []
    /// In the order of the runs; empty where the confidence needs none.
    private(set) var values: [Float] = []
    private(set) var box = Box(lower: [.max, .max, .max], upper: [0, 0, 0])
    let keepsValues: Bool

    init(keepsValues: Bool) { self.keepsValues = keepsValues }

    var bytes: Int { runs.capacity * MemoryLayout<Run>.stride + 4 * values.capacity }
    var isEmpty: Bool { runs.isEmpty }

    /// By an eighth at a time, not by doubling: a hundred outputs that do would outgrow the sums of the windows.
    mutating func makeRoom(runs count: Int, values voxels: Int) {
        if runs.capacity < runs.count + count { runs.reserveCapacity(runs.count + max(count, runs.count / 8)) }
        guard keepsValues, values.capacity < values.count + voxels else { return }
        values.reserveCapacity(values.count + max(voxels, values.count / 8))
    }

    mutating func append(_ run: Run, values: UnsafeBufferPointer<Float>, rows: Int) {
        runs.append(run)
        if keepsValues { self.values.append(contentsOf: values) }
        let (d, h) = (Int(run.row) / rows, Int(run.row) % rows)
        box.lower = [min(box.lower[0], d), min(box.lower[1], h), min(box.lower[2], Int(run.start))]
        box.upper = [
            max(box.upper[0], d + 1), max(box.upper[1], h + 1), max(box.upper[2], Int(run.start + run.length)),
        ]
    }

    /// - Parameter scratch: zeros, as many as the lattice has voxels; given back by `Marking.giveBack`.
    func marking(shape: [Int], scratch: inout [UInt8]) -> Marking {
        guard !isEmpty else {
            return Marking(shape: shape, voxels: [], within: Box(lower: [0, 0, 0], upper: [0, 0, 0]))
        }
        if scratch.isEmpty { scratch = [UInt8](repeating: 0, count: shape.reduce(1, *)) }
        scratch.withUnsafeMutableBufferPointer { voxels in
            for run in runs {
                let start = Int(run.row) * shape[2] + Int(run.start)
                for i in start..<start + Int(run.length) { voxels[i] = 1 }
            }
        }
        var voxels: [UInt8] = []
        swap(&voxels, &scratch)
        return Marking(shape: shape, voxels: voxels, within: box)
    }

    /// 0 to 1: the values at those of the voxels that post-processing left, put together as the manifest says. What
    /// post-processing added has no value and does not count.
    func confidence(_ rule: Manifest.Confidence, in marking: Marking) -> Double {
        if case .fixed(let value) = rule { return value }
        var kept: [Float] = []
        kept.reserveCapacity(values.count)
        forEachValue(in: marking) { _, value in kept.append(value) }
        return rule.value(of: &kept)
    }

    /// The voxels that post-processing left, by index in their lattice.
    func forEachValue(in marking: Marking, _ visit: (Int, Float) -> Void) {
        let width = marking.shape[2]
        var offset = 0
        marking.voxels.withUnsafeBufferPointer { voxels in
            values.withUnsafeBufferPointer { values in
                for run in runs {
                    let start = Int(run.row) * width + Int(run.start)
                    for i in 0..<Int(run.length) where voxels[start + i] != 0 { visit(start + i, values[offset + i]) }
                    offset += Int(run.length)
                }
            }
        }
    }
}

extension Manifest.Confidence {
    /// Reorders `values`.
    func value(of values: inout [Float]) -> Double {
        guard !values.isEmpty else { return 0 }
        let value: Double
        switch self {
        case .fixed(let fixed): value = fixed
        case .maximum: value = Double(values.max() ?? 0)
        case .mean: value = values.reduce(0) { $0 + Double($1) } / Double(values.count)
        case .percentile(let percentile):
            // Linear between ranks, as numpy's default.
            values.sort()
            let rank = percentile / 100 * Double(values.count - 1)
            let lower = Int(rank.rounded(.down))
            let upper = min(lower + 1, values.count - 1)
            value = Double(values[lower]) + (Double(values[upper]) - Double(values[lower])) * (rank - Double(lower))
        }
        return min(max(value, 0), 1)
    }
}

extension Marking {
    /// Zeros again, for the next output.
    mutating func giveBack(to scratch: inout [UInt8], touched box: Box) {
        guard !voxels.isEmpty else { return }
        var voxels: [UInt8] = []
        swap(&voxels, &self.voxels)
        voxels.withUnsafeMutableBufferPointer { voxels in
            forEachRow(of: box) { start, length in for i in start..<start + length { voxels[i] = 0 } }
        }
        swap(&voxels, &scratch)
    }
}

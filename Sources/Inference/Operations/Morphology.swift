// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

extension Marking {
    mutating func merge(_ other: Marking) {
        other.forEachRow(of: other.box) { start, length in
            for i in start..<start + length where other.voxels[i] != 0 { voxels[i] = 1 }
        }
        box = box.union(other.box)
    }

    /// What lies inside the others together after scipy's `binary_closing` and `binary_dilation` with cubes of
    /// 2·radius + 1 voxels stays (SuPreM direct_inference/utils/utils.py, organ_region_filter_out). As there, what is
    /// beyond the image counts as background in closing's erosion too.
    mutating func restrict(to others: [Marking], closing: Int, dilation: Int) {
        guard !isEmpty else { return }
        var region = Marking(shape: shape, voxels: [UInt8](repeating: 0, count: voxels.count))
        for other in others { region.merge(other) }
        if closing > 0 {
            region.grow(by: closing)
            region.erode(by: closing)
        }
        if dilation > 0 { region.grow(by: dilation) }
        forEachRow(of: box) { start, length in
            for i in start..<start + length where region.voxels[i] == 0 { voxels[i] = 0 }
        }
    }

    private mutating func grow(by radius: Int) {
        guard !isEmpty else { return }
        box = box.expanded(by: [radius, radius, radius], within: shape)
        filter(radius) { sum, _ in sum > 0 }
    }

    private mutating func erode(by radius: Int) {
        filter(radius) { sum, width in sum == width }
        shrink()
    }

    /// One dimension after the other, within the box: `isSet` of how many of the 2·radius + 1 voxels are set.
    private mutating func filter(_ radius: Int, _ isSet: (_ sum: Int, _ width: Int) -> Bool) {
        let strides = [shape[1] * shape[2], shape[2], 1]
        let width = 2 * radius + 1
        for dimension in 0..<3 {
            let others = (0..<3).filter { $0 != dimension }
            let count = box.shape[dimension]
            var line = [UInt8](repeating: 0, count: count + 2 * radius)
            for a in box.lower[others[0]]..<box.upper[others[0]] {
                for b in box.lower[others[1]]..<box.upper[others[1]] {
                    let start =
                        a * strides[others[0]] + b * strides[others[1]] + box.lower[dimension] * strides[dimension]
                    for i in 0..<count { line[radius + i] = voxels[start + i * strides[dimension]] }
                    var sum = line[..<(2 * radius)].reduce(0) { $0 + Int($1) }
                    for i in 0..<count {
                        sum += Int(line[i + 2 * radius])
                        voxels[start + i * strides[dimension]] = isSet(sum, width) ? 1 : 0
                        sum -= Int(line[i])
                    }
                }
            }
        }
    }

    /// Of the two largest components, the one whose centre lies farther to the side; one alone stays (SuPreM's
    /// lung_post_process, which tells the lungs apart by their mean index from left to right).
    mutating func keep(_ side: Manifest.Postprocessing.Side, _ connectivity: Manifest.Connectivity, lattice: Lattice) {
        let components = Components(of: self, value: 1, in: box, connectivity: connectivity)
        let order = components.sizes.indices.sorted {
            (components.sizes[$1], $0) < (components.sizes[$0], $1)
        }.prefix(2)
        guard order.count == 2 else { return }
        // Mean x, which grows to the patient's left.
        var sums = [Double](repeating: 0, count: components.sizes.count)
        for run in components.runs {
            let index = [
                run.start / (shape[1] * shape[2]), run.start / shape[2] % shape[1], run.start % shape[2],
            ]
            let middle = lattice.point([
                Double(index[0]), Double(index[1]), Double(index[2]) + Double(run.length - 1) / 2,
            ])
            sums[run.component] += middle.x * Double(run.length)
        }
        let x = order.map { sums[$0] / Double(components.sizes[$0]) }
        let first = side == .left ? x[0] >= x[1] : x[0] <= x[1]
        let kept = order[first ? 0 : 1]
        for run in components.runs where run.component != kept {
            for i in run.start..<run.start + run.length { voxels[i] = 0 }
        }
        shrink()
    }
}

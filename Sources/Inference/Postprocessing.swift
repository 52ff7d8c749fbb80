// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Models

/// The steps of one output, in the order of the manifest.
/// - Parameter regions: the outputs before it, by label, on the same lattice.
func postprocess(
    _ marking: inout Marking, _ steps: [Manifest.Postprocessing], lattice: Lattice, regions: [String: Marking]
) {
    for step in steps {
        switch step {
        case .removeSmall(let volume, let connectivity):
            let voxelML = lattice.voxelVolume / 1000
            keep(&marking, connectivity) { sizes in sizes.map { Double($0) * voxelML >= volume } }
        case .keepLargest(let count, let connectivity):
            keep(&marking, connectivity) { sizes in
                // Of two of one size the first stays.
                let order = sizes.indices.sorted { (sizes[$1], $0) < (sizes[$0], $1) }
                let kept = Set(order.prefix(count))
                return sizes.indices.map { kept.contains($0) }
            }
        case .fillHoles(let inSlices):
            fillHoles(&marking, inSlices: inSlices)
        case .restrict(let label, let margin):
            guard let region = regions[label] else { continue }
            restrict(&marking, to: region, margin: margin, spacing: lattice.spacing)
        case .removeFew(let voxels, let connectivity):
            keep(&marking, connectivity) { sizes in sizes.map { $0 >= voxels } }
        case .restrictWithin(let labels, let closing, let dilation):
            marking.restrict(to: labels.compactMap { regions[$0] }, closing: closing, dilation: dilation)
        case .merge(let labels):
            for label in labels { if let region = regions[label] { marking.merge(region) } }
        case .keepSide(let side, let connectivity):
            marking.keep(side, connectivity, lattice: lattice)
        }
        marking.shrink()
    }
}

private func keep(_ marking: inout Marking, _ connectivity: Manifest.Connectivity, _ choose: ([Int]) -> [Bool]) {
    let components = Components(of: marking, value: 1, in: marking.box, connectivity: connectivity)
    let kept = choose(components.sizes)
    marking.voxels.withUnsafeMutableBufferPointer { voxels in
        for run in components.runs where !kept[run.component] {
            for i in run.start..<run.start + run.length { voxels[i] = 0 }
        }
    }
}

/// Background that is not connected with the outside through faces (scipy's binary_fill_holes).
func fillHoles(_ marking: inout Marking, inSlices: Bool) {
    let components = Components(of: marking, value: 0, in: marking.box, connectivity: .six, inSlices: inSlices)
    marking.voxels.withUnsafeMutableBufferPointer { voxels in
        for run in components.runs where !components.touchEdge[run.component] {
            for i in run.start..<run.start + run.length { voxels[i] = 1 }
        }
    }
}

/// Voxels whose centre lies within `margin` mm of the centre of a voxel of the region stay. Distances are taken along
/// the lattice's dimensions as if they were perpendicular.
private func restrict(_ marking: inout Marking, to region: Marking, margin: Double, spacing: [Double]) {
    guard !marking.isEmpty else { return }
    let reach = spacing.map { Int((margin / $0).rounded(.down)) }
    let near = region.isEmpty ? nil : distances(to: region, reach: reach, spacing: spacing)
    let limit = Float(margin * margin) * 1.000_001
    let box = marking.box
    for d in box.lower[0]..<box.upper[0] {
        for h in box.lower[1]..<box.upper[1] {
            for w in box.lower[2]..<box.upper[2] {
                let index = (d * marking.shape[1] + h) * marking.shape[2] + w
                guard marking.voxels[index] != 0 else { continue }
                if let near, let squared = near.squared(d, h, w), squared <= limit { continue }
                marking.voxels[index] = 0
            }
        }
    }
}

private struct DistanceMap {
    var box: Box
    var values: [Float]
    func squared(_ d: Int, _ h: Int, _ w: Int) -> Float? {
        guard (box.lower[0]..<box.upper[0]).contains(d), (box.lower[1]..<box.upper[1]).contains(h),
            (box.lower[2]..<box.upper[2]).contains(w)
        else { return nil }
        let shape = box.shape
        return values[((d - box.lower[0]) * shape[1] + h - box.lower[1]) * shape[2] + w - box.lower[2]]
    }
}

/// Squared distance in mm² to the nearest voxel of the region, within `reach` voxels around it: one dimension after the
/// other, each the lower envelope of parabolas (Felzenszwalb and Huttenlocher 2012).
private func distances(to region: Marking, reach: [Int], spacing: [Double]) -> DistanceMap {
    let box = region.box.expanded(by: reach, within: region.shape)
    let shape = box.shape
    let far = Float(1e12)
    var values = [Float](repeating: far, count: shape[0] * shape[1] * shape[2])
    for d in 0..<shape[0] {
        for h in 0..<shape[1] {
            let line = ((d + box.lower[0]) * region.shape[1] + h + box.lower[1]) * region.shape[2] + box.lower[2]
            for w in 0..<shape[2] where region.voxels[line + w] != 0 { values[(d * shape[1] + h) * shape[2] + w] = 0 }
        }
    }
    let strides = [shape[1] * shape[2], shape[2], 1]
    for dimension in 0..<3 {
        let count = shape[dimension]
        let stride = strides[dimension]
        let step = Float(spacing[dimension])
        let others = (0..<3).filter { $0 != dimension }
        var line = [Float](repeating: 0, count: count)
        for a in 0..<shape[others[0]] {
            for b in 0..<shape[others[1]] {
                let start = a * strides[others[0]] + b * strides[others[1]]
                for i in 0..<count { line[i] = values[start + i * stride] }
                let result = lowerEnvelope(line, step: step)
                for i in 0..<count { values[start + i * stride] = result[i] }
            }
        }
    }
    return DistanceMap(box: box, values: values)
}

private func lowerEnvelope(_ f: [Float], step: Float) -> [Float] {
    var vertices = [0]
    var bounds: [Float] = [-.infinity, .infinity]
    for q in f.indices.dropFirst() {
        func crossing(_ p: Int) -> Float {
            let x = Float(q) * step
            let y = Float(p) * step
            return ((f[q] + x * x) - (f[p] + y * y)) / (2 * (x - y))
        }
        var s = crossing(vertices[vertices.count - 1])
        while vertices.count > 1, s <= bounds[vertices.count - 1] {
            vertices.removeLast()
            bounds.removeLast()
            s = crossing(vertices[vertices.count - 1])
        }
        bounds[bounds.count - 1] = s
        vertices.append(q)
        bounds.append(.infinity)
    }
    var k = 0
    return f.indices.map { i in
        let x = Float(i) * step
        while bounds[k + 1] < x { k += 1 }
        let distance = x - Float(vertices[k]) * step
        return distance * distance + f[vertices[k]]
    }
}

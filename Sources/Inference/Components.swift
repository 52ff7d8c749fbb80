// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Voxels of one output on some lattice, 0 or 1, W fastest, with the block outside of which all are 0.
struct Marking: Equatable {
    var shape: [Int]
    var voxels: [UInt8]
    var box: Box

    init(shape: [Int], voxels: [UInt8], within hint: Box? = nil) {
        self.shape = shape
        self.voxels = voxels
        box = Self.bounds(voxels, shape, hint ?? Box(shape: shape))
    }

    var isEmpty: Bool { box.isEmpty }
    mutating func shrink() { box = Self.bounds(voxels, shape, box) }

    func count() -> Int {
        var count = 0
        voxels.withUnsafeBufferPointer { voxels in
            forEachRow(of: box) { start, length in for i in start..<start + length { count &+= Int(voxels[i]) } }
        }
        return count
    }

    /// Start and length of each row of a block.
    func forEachRow(of box: Box, _ body: (_ start: Int, _ length: Int) -> Void) {
        guard !box.isEmpty else { return }
        for d in box.lower[0]..<box.upper[0] {
            for h in box.lower[1]..<box.upper[1] {
                body((d * shape[1] + h) * shape[2] + box.lower[2], box.upper[2] - box.lower[2])
            }
        }
    }

    private static func bounds(_ voxels: [UInt8], _ shape: [Int], _ box: Box) -> Box {
        var lower = box.upper
        var upper = box.lower
        voxels.withUnsafeBufferPointer { voxels in
            guard !box.isEmpty else { return }
            for d in box.lower[0]..<box.upper[0] {
                for h in box.lower[1]..<box.upper[1] {
                    let start = (d * shape[1] + h) * shape[2]
                    guard let first = (box.lower[2]..<box.upper[2]).first(where: { voxels[start + $0] != 0 }) else {
                        continue
                    }
                    var last = box.upper[2] - 1
                    while voxels[start + last] == 0 { last -= 1 }
                    lower = [min(lower[0], d), min(lower[1], h), min(lower[2], first)]
                    upper = [max(upper[0], d + 1), max(upper[1], h + 1), max(upper[2], last + 1)]
                }
            }
        }
        return lower[0] < upper[0] ? Box(lower: lower, upper: upper) : Box(lower: [0, 0, 0], upper: [0, 0, 0])
    }
}

/// Connected components of equal voxels within a block, by runs along W: memory follows the runs, not the voxels.
struct Components {
    struct Run {
        /// Index of the first voxel, and how many.
        var start: Int
        var length: Int
        /// From 0.
        var component: Int
        /// On the edge of the block.
        var touchesEdge: Bool
    }

    private(set) var runs: [Run] = []
    /// Voxels of each component, in order of the component's first voxel.
    private(set) var sizes: [Int] = []
    private(set) var touchEdge: [Bool] = []

    /// Neighbouring rows, by distance in D and H, with how far along W a voxel there may be.
    private static func neighbours(_ connectivity: Manifest.Connectivity) -> [(d: Int, h: Int, reach: Int)] {
        switch connectivity {
        case .six: [(0, -1, 0), (-1, 0, 0)]
        case .eighteen: [(0, -1, 1), (-1, 0, 1), (-1, -1, 0), (-1, 1, 0)]
        case .twentySix: [(0, -1, 1), (-1, 0, 1), (-1, -1, 1), (-1, 1, 1)]
        }
    }

    /// - Parameters:
    ///   - value: 1 for what is marked, 0 for the background.
    ///   - inSlices: D never connects, and its ends are no edge.
    init(of marking: Marking, value: UInt8, in box: Box, connectivity: Manifest.Connectivity, inSlices: Bool = false) {
        guard !box.isEmpty else { return }
        let shape = marking.shape
        let heights = box.shape[1]
        var rows = [Range<Int>](repeating: 0..<0, count: box.shape[0] * heights)
        var runs: [Run] = []
        var forest = Forest()
        let neighbours = Self.neighbours(connectivity).filter { !inSlices || $0.d == 0 }
        marking.voxels.withUnsafeBufferPointer { voxels in
            for d in 0..<box.shape[0] {
                for h in 0..<heights {
                    let line = ((d + box.lower[0]) * shape[1] + h + box.lower[1]) * shape[2]
                    let first = runs.count
                    let rowOnEdge = h == 0 || h == heights - 1 || (!inSlices && (d == 0 || d == box.shape[0] - 1))
                    var w = box.lower[2]
                    while w < box.upper[2] {
                        if voxels[line + w] != value {
                            w += 1
                            continue
                        }
                        let start = w
                        while w < box.upper[2], voxels[line + w] == value { w += 1 }
                        forest.parents.append(runs.count)
                        runs.append(
                            Run(
                                start: line + start, length: w - start, component: 0,
                                touchesEdge: rowOnEdge || start == box.lower[2] || w == box.upper[2]))
                    }
                    rows[d * heights + h] = first..<runs.count
                    for (dd, dh, reach) in neighbours where d + dd >= 0 && h + dh >= 0 && h + dh < heights {
                        let shift = (dd * shape[1] + dh) * shape[2]
                        let other = rows[(d + dd) * heights + h + dh]
                        var candidate = other.lowerBound
                        for index in first..<runs.count {
                            let low = runs[index].start + shift - reach
                            let high = runs[index].start + shift + runs[index].length + reach
                            while candidate < other.upperBound, runs[candidate].start + runs[candidate].length <= low {
                                candidate += 1
                            }
                            var touching = candidate
                            while touching < other.upperBound, runs[touching].start < high {
                                forest.join(index, touching)
                                touching += 1
                            }
                        }
                    }
                }
            }
        }
        var numbers = [Int](repeating: -1, count: runs.count)
        for index in runs.indices {
            let top = forest.root(index)
            if numbers[top] < 0 {
                numbers[top] = sizes.count
                sizes.append(0)
                touchEdge.append(false)
            }
            let number = numbers[top]
            runs[index].component = number
            sizes[number] += runs[index].length
            touchEdge[number] = touchEdge[number] || runs[index].touchesEdge
        }
        self.runs = runs
    }

    /// Runs that belong together, by the first of them.
    private struct Forest {
        var parents: [Int] = []

        mutating func root(_ index: Int) -> Int {
            var index = index
            while parents[index] != index {
                parents[index] = parents[parents[index]]
                index = parents[index]
            }
            return index
        }

        mutating func join(_ one: Int, _ other: Int) {
            let (a, b) = (root(one), root(other))
            if a != b { parents[max(a, b)] = min(a, b) }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A block of voxels, `lower` up to but not including `upper`, along D, H, W.
struct Box: Equatable {
    var lower: [Int]
    var upper: [Int]

    init(shape: [Int]) {
        lower = [0, 0, 0]
        upper = shape
    }
    init(lower: [Int], upper: [Int]) {
        self.lower = lower
        self.upper = upper
    }

    var isEmpty: Bool { (0..<3).contains { lower[$0] >= upper[$0] } }
    var shape: [Int] { (0..<3).map { max(0, upper[$0] - lower[$0]) } }

    func expanded(by margin: [Int]) -> Box {
        Box(lower: zip(lower, margin).map { $0 - $1 }, upper: zip(upper, margin).map { $0 + $1 })
    }
    func expanded(by margin: [Int], within shape: [Int]) -> Box {
        expanded(by: margin).intersection(Box(shape: shape))
    }
    func intersection(_ other: Box) -> Box {
        Box(lower: zip(lower, other.lower).map { max($0, $1) }, upper: zip(upper, other.upper).map { min($0, $1) })
    }
    func contains(_ other: Box) -> Bool { intersection(other) == other }
    func moved(by offset: [Int]) -> Box {
        Box(lower: zip(lower, offset).map { $0 + $1 }, upper: zip(upper, offset).map { $0 + $1 })
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Finished channels of neighbouring planes of the network's lattice. Lent: valid only while it is handed on.
struct Slab {
    /// Dimensions of the network's lattice in the order of the slab: the one that it is cut along first.
    var order: [Int]
    /// Of the whole volume, in that order.
    var shape: [Int]
    /// Planes that are here. The first was the last of the slab before, except at the start.
    var planes: Range<Int>
    var channels: Int
    /// [channels, planes, shape[1], shape[2]], with this many values from one channel to the next.
    var stride: Int
    var values: UnsafeMutablePointer<Float>

    var isLast: Bool { planes.upperBound == shape[0] }
    /// Planes whose upper neighbour is here too: over all slabs, each plane of the volume is in one of these.
    var readable: Range<Int> { planes.lowerBound..<(isLast ? planes.upperBound : planes.upperBound - 1) }
}

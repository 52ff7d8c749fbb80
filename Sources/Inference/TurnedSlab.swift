// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch

/// A slab whose dimensions are laid down in the order of the lattice that it is read for, so that a row of that reads
/// neighbours in memory. Belongs to one thread.
final class TurnedSlab {
    /// Dimensions of the network's lattice.
    let order: [Int]
    /// Of the slab's dimensions, where each lies now.
    private let places: [Int]
    /// Voxels that memory has room for along each dimension.
    private let extents: [Int]
    private let channels: Int
    private let memory: UnsafeMutablePointer<Float>

    /// Nil where nothing is gained.
    init?(_ slab: Slab, _ sampler: Sampler) {
        guard let followed = sampler.followed, followed != [0, 1, 2], !sampler.isNearest else { return nil }
        places = followed
        var (order, extents) = ([0, 0, 0], [0, 0, 0])
        let depth = slab.stride / (slab.shape[1] * slab.shape[2])
        for (dimension, place) in followed.enumerated() {
            order[place] = slab.order[dimension]
            extents[place] = dimension == 0 ? depth : slab.shape[dimension]
        }
        (self.order, self.extents) = (order, extents)
        channels = slab.channels
        memory = .allocate(capacity: slab.channels * slab.stride)
    }

    deinit { memory.deallocate() }

    var bytes: Int { 4 * channels * extents.reduce(1, *) }

    /// - Parameter sampler: that of `order`.
    func sampler(_ sampler: Sampler) -> Sampler { sampler.laid(extents, cut: places[0]) }

    /// Valid until the next one.
    func turned(_ slab: Slab) -> Slab {
        let size = extents.reduce(1, *)
        let steps = places.map { [extents[1] * extents[2], extents[2], 1][$0] }
        let (rows, columns) = (slab.shape[1], slab.shape[2])
        // Where the planes become neighbours, they are gone through last.
        let isAcross = steps[0] == 1
        let counts = isAcross ? (rows, slab.planes.count) : (slab.planes.count, rows)
        let from = isAcross ? (columns, rows * columns) : (rows * columns, columns)
        let to = isAcross ? (steps[1], steps[0]) : (steps[0], steps[1])
        let several = 16
        let blocks = (columns + several - 1) / several
        // Each block of columns of a channel is written by one iteration.
        nonisolated(unsafe) let (source, target) = (slab.values, memory)
        let stride = slab.stride
        DispatchQueue.concurrentPerform(iterations: blocks * channels) { iteration in
            let (channel, block) = iteration.quotientAndRemainder(dividingBy: blocks)
            let first = block * several
            let width = min(several, columns - first)
            for i in 0..<counts.0 {
                for j in 0..<counts.1 {
                    let read = source + (channel * stride + i * from.0 + j * from.1 + first)
                    let write = target + (channel * size + i * to.0 + j * to.1 + first * steps[2])
                    for k in 0..<width { write[k * steps[2]] = read[k] }
                }
            }
        }
        var result = slab
        result.values = memory
        result.stride = size
        return result
    }
}

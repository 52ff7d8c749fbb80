// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Sampler {
    /// A row of the target where one channel is the greatest at all voxels that a target voxel lies between: it is the
    /// greatest between them too, whatever the others are there, and they need not be read.
    /// - Parameters:
    ///   - slab: with its owners.
    ///   - isAsked: whether the other channels are asked for, though the owner is clear.
    ///   - owner, best: which channel it is, and its value there, from W = `range.lowerBound` on.
    ///   - unclear: what remains to be read, counted from `range.lowerBound`.
    func readUniform(
        _ slab: Slab, d: Int, h: Int, range: Range<Int>, isAsked: (Float) -> Bool, _ owner: UnsafeMutablePointer<Int32>,
        _ best: UnsafeMutablePointer<Float>, unclear: inout [Range<Int>]
    ) {
        unclear.removeAll(keepingCapacity: true)
        guard let owners = slab.owners, readsBetween else { return unclear.append(0..<range.count) }
        let (atD, atH) = (tables[0][d], tables[1][h])
        let plane = slab.planes.lowerBound * strides[0]
        let lines = (
            atD.lower + atH.lower - plane, atD.lower + atH.upper - plane, atD.upper + atH.lower - plane,
            atD.upper + atH.upper - plane
        )
        let weights = (
            atD.lowerWeight * atH.lowerWeight, atD.lowerWeight * atH.upperWeight, atD.upperWeight * atH.lowerWeight,
            atD.upperWeight * atH.upperWeight
        )
        let (a, b, c, e) = (owners + lines.0, owners + lines.1, owners + lines.2, owners + lines.3)
        // Fewer voxels between two unclear ones are not worth a run of their own.
        let gap = 8
        tables[2].withUnsafeBufferPointer { taps in
            for w in range {
                let place = w - range.lowerBound
                let (l, u) = (taps[w].lower, taps[w].upper)
                let first = a[l]
                let isUniform =
                    a[u] == first && b[l] == first && b[u] == first && c[l] == first && c[u] == first && e[l] == first
                    && e[u] == first
                guard isUniform, !isAsked(first) else {
                    if let last = unclear.last, place - last.upperBound < gap {
                        unclear[unclear.count - 1] = last.lowerBound..<place + 1
                    } else {
                        unclear.append(place..<place + 1)
                    }
                    continue
                }
                // As `read` does it.
                let values = slab.values + Int(first) * slab.stride
                let (va, vb, vc, ve) = (values + lines.0, values + lines.1, values + lines.2, values + lines.3)
                let low = va[l] * weights.0 + vb[l] * weights.1 + vc[l] * weights.2 + ve[l] * weights.3
                let high = va[u] * weights.0 + vb[u] * weights.1 + vc[u] * weights.2 + ve[u] * weights.3
                owner[place] = Int32(first)
                best[place] = low + (high - low) * taps[w].upperWeight
            }
        }
    }

    /// Whether each target voxel is a mean of source voxels, along axes that are parallel.
    private var readsBetween: Bool { followed != nil && isWhole && !isNearest }
}

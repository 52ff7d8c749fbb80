// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Sampler {
    /// A block of the target outside of which no voxel reads a source voxel inside `box`.
    func targets(of box: Box) -> Box {
        guard !box.isEmpty else { return Box(lower: [0, 0, 0], upper: [0, 0, 0]) }
        // Readers lie less than one source voxel away; at the border, everything beyond reads it too.
        let ends = (0..<3).map { i -> [Double] in
            let reach = 1e7
            return [
                box.lower[i] <= axes[i].first ? -reach : Double(box.lower[i]) - 1,
                box.upper[i] > axes[i].last ? reach : Double(box.upper[i]),
            ]
        }
        let inverse = map.inverse
        var result = Box(shape: target)
        for i in 0..<3 {
            var lower = inverse.offset[i]
            var upper = inverse.offset[i]
            for j in 0..<3 where abs(inverse.matrix[i][j]) > 1e-9 {
                let a = inverse.matrix[i][j] * ends[j][0]
                let b = inverse.matrix[i][j] * ends[j][1]
                lower += min(a, b)
                upper += max(a, b)
            }
            result.lower[i] = Int(min(max(lower.rounded(.down) - 1, 0), Double(target[i])))
            result.upper[i] = Int(min(max(upper.rounded(.up) + 2, 0), Double(target[i])))
        }
        return result.intersection(within)
    }

    /// The W of a target row whose lower tap along the source's `cut` lies in `planes`. They read these planes and the one
    /// after, and where `planes` partition the source, each target voxel is in one range.
    func range(d: Int, h: Int, readingFrom planes: Range<Int>) -> Range<Int> {
        let line = line(cut, d: d, h: h)
        func lower(_ w: Int) -> Int {
            guard let axis = followed?[cut] else { return line.axis.taps(line.start + line.step * Double(w)).lower }
            return tables[axis][axis == 0 ? d : axis == 1 ? h : w].lower / strides[cut]
        }
        // Outside `within` a table knows no plane.
        let whole = within.lower[2]..<max(within.lower[2], within.upper[2])
        guard let first = whole.first, let last = whole.last, d >= within.lower[0], d < within.upper[0],
            h >= within.lower[1], h < within.upper[1]
        else { return whole.lowerBound..<whole.lowerBound }
        let rises = lower(first) <= lower(last)
        /// The first W at or beyond a plane, counted in the row's direction.
        func search(_ isBeyond: (Int) -> Bool) -> Int {
            var (low, high) = (whole.lowerBound, whole.upperBound)
            while low < high {
                let middle = (low + high) / 2
                if isBeyond(lower(middle)) { high = middle } else { low = middle + 1 }
            }
            return low
        }
        return rises
            ? search { $0 >= planes.lowerBound }..<search { $0 >= planes.upperBound }
            : search { $0 < planes.upperBound }..<search { $0 < planes.lowerBound }
    }
}

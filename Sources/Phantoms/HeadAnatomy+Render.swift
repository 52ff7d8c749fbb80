// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// One rendered slice.
struct RenderedSlice: Sendable {
    /// Hounsfield units, rounded, -1024 to 3071.
    var hounsfield: [Int16]
    /// 1 where the voxel's centre lies in the bleed, inside the brain's hull and outside the clip.
    var bleed: [UInt8]
}

extension HeadAnatomy {
    /// Renders a plane. `number` separates its noise from other planes'.
    func slice(origin: Vector3, columnStep: Vector3, rowStep: Vector3, columns: Int, rows: Int, number: Int)
        -> RenderedSlice
    {
        var hounsfield = [Int16](repeating: 0, count: columns * rows)
        var marked = [UInt8](repeating: 0, count: columns * rows)
        let (dx, dy, dz) = (Float(columnStep.x), Float(columnStep.y), Float(columnStep.z))
        let stepLength = Float(columnStep.length)
        let outer = HeadAnatomy.scalp.shape
        let hull = HeadAnatomy.brain.shape
        // Where the soft edges of the three shells cannot reach.
        let insideLimit = (1 - 2 / hull.shortestRadius) * (1 - 2 / hull.shortestRadius)
        let outsideLimit = (1 + 2 / outer.shortestRadius) * (1 + 2 / outer.shortestRadius)
        // A reconstruction smears metal within the plane that holds it.
        let normal = columnStep.cross(rowStep)
        let streaking = clip.flatMap { part -> HeadAnatomy.Part? in
            let toClip = Vector3(Double(part.shape.x), Double(part.shape.y), Double(part.shape.z)) - origin
            return abs(toClip.dot(normal) / normal.length) < 4 ? part : nil
        }
        hounsfield.withUnsafeMutableBufferPointer { values in
            marked.withUnsafeMutableBufferPointer { marks in
                for row in 0..<rows {
                    let start = origin + rowStep * Double(row)
                    let (x0, y0, z0) = (Float(start.x), Float(start.y), Float(start.z))
                    let near = inside.filter { $0.shape.mayTouch(x0, y0, z0, dx, dy, dz, columns, stepLength) }
                    let nearBleed = bleed.flatMap {
                        $0.shape.mayTouch(x0, y0, z0, dx, dy, dz, columns, stepLength) ? $0 : nil
                    }
                    var random = NoiseGenerator(seed: seed, slice: number, row: row)
                    for column in 0..<columns {
                        let k = Float(column)
                        let (x, y, z) = (x0 + dx * k, y0 + dy * k, z0 + dz * k)
                        var value = HeadAnatomy.air
                        let q = outer.squared(x, y, z)
                        if q < outsideLimit {
                            value = HeadAnatomy.brain.density
                            for part in near { value += (part.density - value) * part.shape.coverage(x, y, z) }
                            if let streaking { value += streaking.streak(x, y) }
                            if hull.squared(x, y, z) > insideLimit {
                                let inner = hull.coverage(x, y, z)
                                value = HeadAnatomy.skull.density + (value - HeadAnatomy.skull.density) * inner
                                let bone = HeadAnatomy.skull.shape.coverage(x, y, z)
                                value = HeadAnatomy.scalp.density + (value - HeadAnatomy.scalp.density) * bone
                                value = HeadAnatomy.air + (value - HeadAnatomy.air) * outer.coverage(x, y, z)
                            }
                            if let nearBleed, nearBleed.shape.squared(x, y, z) <= 1, hull.squared(x, y, z) <= 1,
                                clip.map({ $0.shape.squared(x, y, z) > 1 }) ?? true
                            {
                                marks[row * columns + column] = 1
                            }
                        }
                        value += noise * random.next()
                        value.round()
                        values[row * columns + column] = Int16(min(max(value, -1024), 3071))
                    }
                }
            }
        }
        return RenderedSlice(hounsfield: hounsfield, bleed: marked)
    }
}

extension Ellipsoid {
    /// False where the line of `count` points surely stays clear of the ellipsoid's bounding sphere and soft edge.
    func mayTouch(
        _ x0: Float, _ y0: Float, _ z0: Float, _ dx: Float, _ dy: Float, _ dz: Float, _ count: Int, _ step: Float
    ) -> Bool {
        let along = ((x - x0) * dx + (y - y0) * dy + (z - z0) * dz) / (step * step)
        let k = min(max(along, 0), Float(count - 1))
        let (ex, ey, ez) = (x0 + dx * k - x, y0 + dy * k - y, z0 + dz * k - z)
        let reach = longestRadius + 2
        return ex * ex + ey * ey + ez * ez <= reach * reach
    }
}

extension HeadAnatomy.Part {
    /// Sixteen rays, bright and dark in turn, that fade over 20 mm: what a metal clip does to a reconstruction.
    func streak(_ px: Float, _ py: Float) -> Float {
        let (u, v) = (px - shape.x, py - shape.y)
        let r2 = u * u + v * v
        guard r2 > 9 else { return 0 }
        // cos 8θ by three doublings of cos 2θ = (u² − v²) / r².
        var c = (u * u - v * v) / r2
        c = 2 * c * c - 1
        c = 2 * c * c - 1
        return 150 * c * 400 / (400 + r2)
    }
}

/// Nearly Gaussian noise of unit variance, the same on every machine: the sum of eight bytes of one draw.
struct NoiseGenerator {
    private var state: UInt64

    init(seed: UInt64, slice: Int, row: Int) {
        state =
            seed &* 0x9E37_79B9_7F4A_7C15 ^ UInt64(slice) &* 0xBF58_476D_1CE4_E5B9 ^ UInt64(row)
            &* 0x94D0_49BB_1331_11EB
        _ = next()
    }

    mutating func next() -> Float {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        z ^= z >> 31
        // Adds the eight bytes pairwise; their sum has mean 1020 and standard deviation 209.02.
        let pairs = (z & 0x00FF_00FF_00FF_00FF) &+ ((z >> 8) & 0x00FF_00FF_00FF_00FF)
        let sum = (pairs &* 0x0001_0001_0001_0001) >> 48
        return (Float(sum) - 1020) / 209.02
    }
}

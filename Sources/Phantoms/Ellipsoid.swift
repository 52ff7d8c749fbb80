// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// An ellipsoid along the patient's axes: the one shape that the anatomy is made of. Scalars, not SIMD types, because
/// tests render unoptimised.
struct Ellipsoid: Sendable {
    var x: Float, y: Float, z: Float
    /// Reciprocals of the half axes, 1/mm.
    var inverseX: Float, inverseY: Float, inverseZ: Float
    var longestRadius: Float, shortestRadius: Float

    /// mL.
    var volume: Double { 4 / 3 * Double.pi / (Double(inverseX) * Double(inverseY) * Double(inverseZ)) / 1000 }

    init(centre: Vector3, radii: Vector3) {
        (x, y, z) = (Float(centre.x), Float(centre.y), Float(centre.z))
        (inverseX, inverseY, inverseZ) = (Float(1 / radii.x), Float(1 / radii.y), Float(1 / radii.z))
        longestRadius = Float(max(radii.x, radii.y, radii.z))
        shortestRadius = Float(min(radii.x, radii.y, radii.z))
    }

    /// Squared distance from the centre in half axes: below 1 inside.
    func squared(_ px: Float, _ py: Float, _ pz: Float) -> Float {
        let u = (px - x) * inverseX
        let v = (py - y) * inverseY
        let w = (pz - z) * inverseZ
        return u * u + v * v + w * w
    }

    /// Signed distance from the surface to first order, mm: negative inside.
    func distance(_ px: Float, _ py: Float, _ pz: Float) -> Float {
        let u = (px - x) * inverseX
        let v = (py - y) * inverseY
        let w = (pz - z) * inverseZ
        let q = (u * u + v * v + w * w).squareRoot()
        let (gx, gy, gz) = (u * inverseX, v * inverseY, w * inverseZ)
        let gradient = (gx * gx + gy * gy + gz * gz).squareRoot()
        guard gradient > 0 else { return -shortestRadius }
        return (q - 1) * q / gradient
    }

    /// How much of a voxel there lies inside, with an edge that is 1 mm soft.
    func coverage(_ px: Float, _ py: Float, _ pz: Float) -> Float {
        let share = 0.5 - distance(px, py, pz)
        return share < 0 ? 0 : share > 1 ? 1 : share
    }
}

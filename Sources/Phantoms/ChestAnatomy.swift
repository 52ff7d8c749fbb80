// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The chest as ellipsoids that a ray adds up, and as bands for ribs and clavicles. Units: mm, and mm of water.
struct ChestAnatomy {
    /// A density over what is there already, times the ray's length inside.
    struct Part {
        var shape: Ellipsoid
        var density: Float
    }

    static func lung(_ side: HeadCT.Side) -> Ellipsoid {
        // +x is the patient's left (PS3.3 C.7.6.2.1.1).
        side == .right
            ? Ellipsoid(centre: Vector3(-72, 0, 25), radii: Vector3(58, 85, 130))
            : Ellipsoid(centre: Vector3(72, 0, 25), radii: Vector3(54, 85, 126))
    }

    private let parts: [Part]
    private let lungs: [Part]
    private let collapsed: (whole: Ellipsoid, rest: Ellipsoid, core: Ellipsoid)?

    init(_ finding: ChestXRay.Finding) {
        func part(_ x: Double, _ y: Double, _ z: Double, _ a: Double, _ b: Double, _ c: Double, _ density: Float)
            -> Part
        {
            Part(shape: Ellipsoid(centre: Vector3(x, y, z), radii: Vector3(a, b, c)), density: density)
        }
        // Trunk, shoulders, heart, great vessels, spine, liver and stomach under the diaphragm.
        parts = [
            part(0, 0, -60, 178, 112, 290, 0.55), part(-150, 5, 120, 62, 55, 60, 0.35),
            part(150, 5, 120, 62, 55, 60, 0.35), part(26, -25, -45, 66, 48, 58, 0.75), part(0, 0, 70, 30, 35, 70, 0.5),
            part(0, 75, -40, 19, 18, 400, 1.6), part(-75, 0, -150, 82, 80, 88, 0.7),
            part(72, 0, -160, 80, 80, 86, 0.7),
        ]
        lungs = [.right, .left].map { Part(shape: ChestAnatomy.lung($0), density: -0.42) }
        guard case .pneumothorax(let side, let share) = finding else {
            collapsed = nil
            return
        }
        // The lung shrinks about a point near its root, so the rest lies inside and keeps 1 − share of the volume.
        let whole = ChestAnatomy.lung(side)
        let k = cubeRoot(1 - share)
        let root = Vector3(side == .right ? -35 : 37, 0, -10)
        let centre = Vector3(Double(whole.x), Double(whole.y), Double(whole.z))
        let moved = root + (centre - root) * k
        let radii = Vector3(1 / Double(whole.inverseX), 1 / Double(whole.inverseY), 1 / Double(whole.inverseZ))
        let skin = 0.8
        collapsed = (
            whole, Ellipsoid(centre: moved, radii: radii * k),
            Ellipsoid(
                centre: moved, radii: Vector3(radii.x * k - skin, radii.y * k - skin, radii.z * k - skin))
        )
    }

    /// Water that the ray meets, and whether some of it is air around a lung.
    func ray(_ view: ChestXRay.View, _ across: Float, _ z: Float) -> (Float, Bool) {
        func length(_ shape: Ellipsoid) -> Float {
            view == .lateral ? shape.chordAlongX(across, z) : shape.chordAlongY(across, z)
        }
        var sum: Float = 0
        for part in parts { sum += part.density * length(part.shape) }
        for part in lungs { sum += part.density * length(part.shape) }
        var isAir = false
        if let collapsed {
            let rest = length(collapsed.rest)
            let free = length(collapsed.whole) - rest
            isAir = free > 0
            // Free air holds no vessels; the rest of the lung is denser; its skin shows as a line where rays graze it.
            sum += -0.13 * free + 0.06 * rest + 1.4 * (rest - length(collapsed.core))
        }
        if view != .lateral, sum > 0 { sum += bones(across, z) }
        return (max(sum, 0), isAir)
    }

    /// Nine ribs a side that fall to the outside, and the clavicles.
    private func bones(_ x: Float, _ z: Float) -> Float {
        let u = (abs(x) - 16) / 112
        guard u > 0, u < 1 else { return 0 }
        var sum: Float = 0
        for rib in 0..<9 {
            let middle = 140 - 27 * Float(rib) + 16 * u - 62 * u * u
            sum += 13 * band(z - middle, width: 9)
        }
        return sum + 18 * band(z - (148 + 26 * u), width: 11)
    }

    private func band(_ distance: Float, width: Float) -> Float {
        min(max((width / 2 - abs(distance)) / 2 + 0.5, 0), 1)
    }
}

extension Ellipsoid {
    /// mm of a ray from front to back inside.
    func chordAlongY(_ px: Float, _ pz: Float) -> Float { chord((px - x) * inverseX, (pz - z) * inverseZ, inverseY) }
    /// mm of a ray from side to side inside.
    func chordAlongX(_ py: Float, _ pz: Float) -> Float { chord((py - y) * inverseY, (pz - z) * inverseZ, inverseX) }

    private func chord(_ u: Float, _ v: Float, _ inverse: Float) -> Float {
        let left = 1 - u * u - v * v
        return left > 0 ? 2 * left.squareRoot() / inverse : 0
    }
}

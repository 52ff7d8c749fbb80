// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The head's tissues as functions of place, centred on the origin of the patient coordinate system.
///
/// Values are sampled at voxel centres; an in-plane edge is 1 mm soft, thickness is not averaged over. There is no
/// face, neck or skull base: the skull is closed below.
struct HeadAnatomy: Sendable {
    struct Part: Sendable {
        var shape: Ellipsoid
        var density: Float
    }

    static let air: Float = -1000
    static let scalp = Part(
        shape: Ellipsoid(centre: Vector3(0, 0, 0), radii: Vector3(74, 92, 80)), density: 40)
    /// 6 mm thick.
    static let skull = Part(
        shape: Ellipsoid(centre: Vector3(0, 0, 0), radii: Vector3(69, 87, 75)), density: 1000)
    /// 1.4 L inside the skull.
    static let brain = Part(
        shape: Ellipsoid(centre: Vector3(0, 0, 0), radii: Vector3(63, 81, 69)), density: 35)

    /// In the order in which they cover each other.
    var inside: [Part]
    var bleed: Part?
    var clip: Part?
    var noise: Float
    var seed: UInt64

    init(_ choices: HeadCT) {
        func ellipsoid(_ x: Double, _ y: Double, _ z: Double, _ a: Double, _ b: Double, _ c: Double, _ hu: Float)
            -> Part
        {
            Part(shape: Ellipsoid(centre: Vector3(x, y, z), radii: Vector3(a, b, c)), density: hu)
        }
        noise = Float(choices.noise)
        seed = choices.seed
        // Lateral and third ventricles, cerebrospinal fluid.
        inside = [
            ellipsoid(9, -4, 14, 5, 24, 9, 8), ellipsoid(-9, -4, 14, 5, 24, 9, 8), ellipsoid(0, 2, -2, 2.5, 10, 8, 8),
        ]
        if choices.deceivers.contains(.falx) { inside.append(ellipsoid(0, 0, 30, 1.5, 80, 38, 55)) }
        if choices.deceivers.contains(.contrast) {
            inside += [
                ellipsoid(0, 0, -16, 9, 7, 2, 180), ellipsoid(26, -6, -14, 20, 2, 2, 180),
                ellipsoid(-26, -6, -14, 20, 2, 2, 180), ellipsoid(0, -24, -8, 2, 18, 2, 180),
                ellipsoid(0, 76, 20, 4, 5, 40, 180),
            ]
        }
        if choices.deceivers.contains(.calcification) {
            inside += [
                ellipsoid(0, 16, 4, 3, 3, 3, 200), ellipsoid(20, 0, 2, 2.5, 4, 2.5, 120),
                ellipsoid(-20, 0, 2, 2.5, 4, 2.5, 120),
            ]
        }
        if case .bleed(let bleed) = choices.finding {
            let centre = HeadAnatomy.centre(of: bleed)
            // Half axes in the ratio 1 : 1.3 : 0.9, so that 4/3 π abc is the volume; 1 mL is 1000 mm³.
            let a = cubeRoot(bleed.volume * 1000 * 3 / (4 * Double.pi * 1.3 * 0.9))
            let part = Part(
                shape: Ellipsoid(centre: centre, radii: Vector3(a, 1.3 * a, 0.9 * a)), density: Float(bleed.density))
            self.bleed = part
            inside.append(part)
        }
        if choices.deceivers.contains(.metal) {
            let part = ellipsoid(-24, -22, -12, 3, 3, 3, 3071)
            clip = part
            inside.append(part)
        }
    }

    static func centre(of bleed: HeadCT.Bleed) -> Vector3 {
        // +x is the patient's left (PS3.3 C.7.6.2.1.1).
        Vector3(bleed.side == .left ? bleed.lateral : -bleed.lateral, bleed.posterior, bleed.superior)
    }
}

/// By Newton's method: the libraries' cbrt differs from machine to machine in its last bit, this does not.
func cubeRoot(_ value: Double) -> Double {
    guard value > 0 else { return 0 }
    var root = max(value, 1)
    for _ in 0..<200 { root = (2 * root + value / (root * root)) / 3 }
    return root
}

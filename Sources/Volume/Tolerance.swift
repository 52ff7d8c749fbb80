// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// How far geometry may be off before it is refused. In one place, so that a change is seen.
enum Tolerance {
    /// Largest difference of a direction cosine between slices. Files round cosines to six digits or worse; 0.001 turns
    /// a plane by 0.06°, which moves the rim of a 250 mm field by 0.13 mm, under half a pixel.
    static let cosine = 0.001
    /// How far cosines may be from unit length and from a right angle before they are no directions.
    static let unitCosine = 0.01
    /// Relative difference of pixel spacing between slices: half a pixel over 512.
    static let pixelSpacing = 0.001
    /// Positions nearer than this along the stack, mm, are one: no scanner reconstructs in such steps.
    static let samePosition = 0.01
    /// A step between slices may differ from the median by 2 %, or by what rounding positions to 0.01 mm does to a
    /// difference of two.
    static func spacing(_ expected: Double) -> Double { max(0.02, 0.02 * expected) }
    /// A step of more than one and a half is a gap, not a wobble.
    static let gap = 1.5
    /// How far a slice may lie from the straight, even stack: a quarter of a step along it …
    static func alongStack(_ expected: Double) -> Double { max(0.05, 0.25 * expected) }
    /// … and a quarter of a pixel across it, or what rounding to 0.1 mm does.
    static func acrossStack(_ pixel: Double) -> Double { max(0.1, 0.25 * pixel) }
    /// Shear below this, degrees, is rounding and not worth a note.
    static let tilt = 0.1
    /// No gantry tilts further, degrees.
    static let largestTilt = 45.0
    /// Difference between the tilt that positions show and the one that an attribute says, degrees.
    static let tiltAttribute = 0.5
}

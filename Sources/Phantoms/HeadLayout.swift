// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// Where the slices of a phantom lie, defects included.
struct HeadLayout {
    struct Plane {
        /// Centre of the first pixel, mm, as rounded in the file.
        var position: Vector3
        var rowCosines: Vector3
        var columnCosines: Vector3
        /// Position along the stack, mm.
        var location: Double
        /// Of the plane in the stack; two planes share one only under `Defect.duplicate`.
        var number: Int
        var hasPosition = true
    }

    var pixelSpacing: Double
    var sliceSpacing: Double
    var sliceThickness: Double
    var planes: [Plane]

    init(_ choices: HeadCT) throws(PhantomError) {
        guard (1...65_535).contains(choices.columns), (1...65_535).contains(choices.rows) else {
            throw .impossible("columns and rows are 1 to 65535")
        }
        guard choices.noise.isFinite, (0...1000).contains(choices.noise) else {
            throw .impossible("noise is 0 to 1000 HU")
        }
        if case .bleed(let bleed) = choices.finding {
            guard bleed.volume.isFinite, bleed.volume > 0, bleed.volume <= 2000 else {
                throw .impossible("a bleed has more than 0 and at most 2000 mL")
            }
            guard bleed.density.isFinite, (-1000...3000).contains(bleed.density) else {
                throw .impossible("a bleed has -1000 to 3000 HU")
            }
            guard [bleed.lateral, bleed.posterior, bleed.superior].allSatisfy({ $0.isFinite && abs($0) <= 500 }) else {
                throw .impossible("a bleed lies within 500 mm of the centre")
            }
        }
        guard choices.slices >= 1, choices.slices <= 100_000 else { throw .impossible("slices are 1 to 100000") }
        guard choices.defects.isEmpty || choices.slices >= 6 else {
            throw .impossible("a defect needs at least 6 slices to show among")
        }
        guard abs(choices.tilt) <= 45 else { throw .impossible("a gantry tilts by 45 degrees at most") }
        guard choices.tilt == 0 || choices.orientation == .axial else {
            throw .impossible("only axial slices are tilted")
        }
        pixelSpacing = rounded(choices.pixelSpacing ?? 240 / Double(max(choices.columns, choices.rows)))
        sliceSpacing = rounded(choices.sliceSpacing ?? 160 / Double(choices.slices))
        sliceThickness = rounded(choices.sliceThickness ?? sliceSpacing)
        guard pixelSpacing > 0, sliceSpacing > 0, sliceThickness > 0 else { throw .impossible("spacings are positive") }

        let row: Vector3
        let column: Vector3
        let step: Vector3
        switch choices.orientation {
        case .axial:
            row = Vector3(1, 0, 0)
            column = turned(Vector3(0, 1, 0), by: choices.tilt)
            // The table moves along the head whatever the gantry's tilt: the planes are sheared.
            step = Vector3(0, 0, 1)
        case .coronal: (row, column, step) = (Vector3(1, 0, 0), Vector3(0, 0, -1), Vector3(0, 1, 0))
        case .sagittal: (row, column, step) = (Vector3(0, 1, 0), Vector3(0, 0, -1), Vector3(-1, 0, 0))
        }
        let (spacing, between) = (pixelSpacing, sliceSpacing)
        var offsets = (0..<choices.slices).map { Double($0) * between }
        let middle = choices.slices / 2
        if choices.defects.contains(.mixedSpacing) {
            for index in middle..<choices.slices { offsets[index] += Double(index - middle) * between }
        }
        let centre = (offsets.last ?? 0) / 2
        planes = offsets.enumerated().map { number, offset in
            let isTurned = choices.defects.contains(.mixedOrientation) && number == choices.slices - 1
            let down = isTurned ? turned(column, by: 10) : column
            let corner =
                step * (offset - centre) - row * (Double(choices.columns - 1) / 2 * spacing) - down
                * (Double(choices.rows - 1) / 2 * spacing)
            return Plane(
                position: Vector3(rounded(corner.x), rounded(corner.y), rounded(corner.z)), rowCosines: row,
                columnCosines: down, location: rounded(offset - centre), number: number)
        }
        if choices.defects.contains(.missingPosition) { planes[middle].hasPosition = false }
        if choices.defects.contains(.duplicate) { planes.insert(planes[middle], at: middle) }
        if choices.defects.contains(.gap) { planes.removeAll { $0.number == middle + 1 } }
    }
}

/// Six decimals: a nanometre, and short enough for a DS (PS3.5 6.2).
func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

/// About the left-right axis: a positive angle lifts the back of the plane.
private func turned(_ v: Vector3, by degrees: Double) -> Vector3 {
    guard degrees != 0 else { return v }
    let angle = degrees * Double.pi / 180
    let (c, s) = (cos(angle), sin(angle))
    func nine(_ value: Double) -> Double { (value * 1e9).rounded() / 1e9 }
    return Vector3(v.x, nine(v.y * c - v.z * s), nine(v.y * s + v.z * c))
}

/// A decimal string of at most 16 characters (PS3.5 6.2).
func decimal(_ value: Double) -> String {
    let whole = Int(exactly: value)
    return whole.map(String.init) ?? "\(value)"
}

func decimals(_ vectors: Vector3...) -> String {
    vectors.flatMap { [$0.x, $0.y, $0.z] }.map { decimal($0 == 0 ? 0 : $0) }.joined(separator: "\\")
}

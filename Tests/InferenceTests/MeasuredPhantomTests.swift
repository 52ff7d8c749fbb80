// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

/// Measurements against bodies whose size is known, within the errors that docs/model-packages.md states.
@Suite struct MeasuredPhantomTests {
    struct Cut: Sendable, CustomStringConvertible {
        var description: String
        var columnStep = Vector3(0.7, 0, 0)
        var rowStep = Vector3(0, 0.7, 0)
        var sliceStep = Vector3(0, 0, 2.5)

        /// Around (0, 0, 0).
        var grid: Grid {
            let size = [64, 64, 24]
            let corner =
                columnStep * (-Double(size[0] - 1) / 2) + rowStep * (-Double(size[1] - 1) / 2)
                + sliceStep * (-Double(size[2] - 1) / 2)
            return Grid(
                origin: corner, columnStep: columnStep, rowStep: rowStep, sliceStep: sliceStep, columns: size[0],
                rows: size[1], slices: size[2])
        }
    }

    static let cuts = [
        Cut(description: "axial"),
        Cut(description: "anisotropic pixels", rowStep: Vector3(0, 0.9, 0)),
        Cut(description: "gantry tilt", sliceStep: Vector3(0, 0.9, 2.5)),
        Cut(
            description: "oblique", columnStep: Vector3(0.6, 0.36, 0), rowStep: Vector3(-0.36, 0.6, 0),
            sliceStep: Vector3(0, 0, -2.5)),
    ]

    private static func marking(_ grid: Grid, _ belongs: (Vector3) -> Bool) -> Marking {
        var voxels = [UInt8](repeating: 0, count: grid.count)
        for s in 0..<grid.slices {
            for r in 0..<grid.rows {
                for c in 0..<grid.columns
                where belongs(grid.point(column: Double(c), row: Double(r), slice: Double(s))) {
                    voxels[grid.index(column: c, row: r, slice: s)] = 1
                }
            }
        }
        return Marking(shape: [grid.slices, grid.rows, grid.columns], voxels: voxels)
    }

    @Test("an ellipsoid has its volume within 1 % and its axes within a pixel", arguments: cuts)
    func ellipsoid(_ cut: Cut) throws {
        let grid = cut.grid
        let (a, b, c) = (19.0, 12.0, 22.0)
        let mask = Self.marking(grid) { p in
            (p.x / a) * (p.x / a) + (p.y / b) * (p.y / b) + (p.z / c) * (p.z / c) <= 1
        }
        let measured = try measure(mask, grid)
        let volume = 4 / 3 * Double.pi * a * b * c
        #expect(abs(measured["Volume mm3"]! / volume - 1) < 0.01)
        let pixel = max(grid.spacing.column, grid.spacing.row)
        // The widest slice may pass half a slice beside the centre.
        let widest = (1 - 1.25 * 1.25 / (c * c)).squareRoot()
        #expect(abs(measured["Long Axis mm"]! - 2 * a * widest) < pixel)
        #expect(abs(measured["Short Axis mm"]! - 2 * b * widest) < pixel)
        #expect(measured["Quantity 1"] == 1)
    }

    @Test(
        "the axes of an ellipse are within a pixel, however it lies", arguments: Array(stride(from: 0, to: 180, by: 15))
    )
    func ellipse(_ degrees: Int) throws {
        for cut in Self.cuts {
            let grid = cut.grid
            let angle = Double(degrees) * .pi / 180
            let mask = Self.marking(grid) { p in
                let u = p.x * cos(angle) + p.y * sin(angle)
                let v = p.y * cos(angle) - p.x * sin(angle)
                return abs(p.z) < 2.4 && (u / 18) * (u / 18) + (v / 8) * (v / 8) <= 1
            }
            let measured = try measure(mask, grid)
            let pixel = max(grid.spacing.column, grid.spacing.row)
            #expect(abs(measured["Long Axis mm"]! - 36) < pixel, "\(cut)")
            #expect(abs(measured["Short Axis mm"]! - 16) < pixel, "\(cut)")
        }
    }

    @Test("parts that do not touch are counted")
    func parts() throws {
        let grid = Self.cuts[0].grid
        let centers = [Vector3(-12, 0, 0), Vector3(12, 0, 0), Vector3(0, 14, 12)]
        let mask = Self.marking(grid) { p in centers.contains { (p - $0).length < 6 } }
        #expect(try measure(mask, grid)["Quantity 1"] == 3)
    }

    @Test("mean and deviation are those of the voxels, in Hounsfield units")
    func attenuation() throws {
        let grid = Self.cuts[2].grid
        let mask = Self.marking(grid) { $0.length < 10 }
        var isHigh = false
        let values = mask.voxels.map { voxel -> Float in
            guard voxel != 0 else { return -1000 }
            isHigh.toggle()
            return isHigh ? 71 : 49
        }
        let measurements = try list(mask, grid, values)
        let odd = Double(mask.count() % 2)
        let mean = try #require(measurements.first { $0.derivation?.value == "373098007" })
        let deviation = try #require(measurements.first { $0.derivation?.value == "386136009" })
        #expect(abs(mean.value - 60) < 0.01 + odd && abs(deviation.value - 11) < 0.01 + odd)
        #expect(mean.unit.value == "[hnsf'U]" && deviation.unit == mean.unit && deviation.concept == mean.concept)
    }

    @Test("a mask on an image without a place in the patient has an area and no volume")
    func area() throws {
        let grid = Self.cuts[0].grid
        let mask = Self.marking(grid) { abs($0.z) < 2.4 && abs($0.x) < 7 && abs($0.y) < 3.5 }
        var volume = Fixtures.volume(
            mask.voxels.map { Float($0) }, shape: mask.shape, steps: [grid.sliceStep, grid.rowStep, grid.columnStep])
        let measuring = Measuring(grid: grid)
        let longAxis = measuring.longAxis(of: mask)
        for (placement, unit) in [(VoxelVolume.Placement.image, "mm2"), (.pixels, "{pixels}")] {
            volume.placement = placement
            let measurements = measuring.measurements(of: mask, longAxis: longAxis, volume: volume)
            #expect(measurements[0].concept.value == "42798000" && measurements[0].unit.value == unit)
            #expect(!measurements.contains { $0.concept.value == "118565006" })
        }
    }

    @Test("a distance from the midline is that of the centre of mass, within a tenth of a voxel", arguments: cuts)
    func midline(_ cut: Cut) throws {
        let grid = cut.grid
        // A sheet that leans 10° in two directions, and a ball 6.3 mm beside it.
        let lean = 10 * Double.pi / 180
        var normal = Vector3(1, tan(lean), tan(lean))
        normal = normal * (1 / normal.length)
        let sheet = Self.marking(grid) { p in abs(p.dot(normal)) < 1.2 && abs(p.y) < 16 && abs(p.z) < 22 }
        let plane = try #require(MidlinePlane(through: sheet, on: Lattice(grid)))
        let ball = Self.marking(grid) { ($0 - normal * 6.3).length < 7 }
        #expect(abs(plane.distance(of: ball.center(on: Lattice(grid))) - 6.3) < 0.1)
    }

    @Test("what is no sheet makes no plane")
    func noPlane() {
        let grid = Self.cuts[0].grid
        let lattice = Lattice(grid)
        #expect(MidlinePlane(through: Self.marking(grid) { $0.length < 9 }, on: lattice) == nil)
        #expect(MidlinePlane(through: .empty(lattice.shape), on: lattice) == nil)
    }

    private func list(_ mask: Marking, _ grid: Grid, _ values: [Float]) throws -> [DICOM.Measurement] {
        let volume = Fixtures.volume(
            values, shape: mask.shape, steps: [grid.sliceStep, grid.rowStep, grid.columnStep], origin: grid.origin)
        let measuring = Measuring(grid: grid)
        return measuring.measurements(of: mask, longAxis: measuring.longAxis(of: mask), volume: volume)
    }

    private func measure(_ mask: Marking, _ grid: Grid) throws -> [String: Double] {
        let measurements = try list(mask, grid, mask.voxels.map { Float($0) })
        return Dictionary(
            measurements.map { ("\($0.concept.meaning) \($0.unit.value)", $0.value) }, uniquingKeysWith: { a, _ in a })
    }
}

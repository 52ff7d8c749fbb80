// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

/// Shells and spheres only; the node's phantoms and the card's numbers are made elsewhere.
private struct TinyHead {
    var bleed: Double = 0
    var centre = Vector3(25, 8, 4)
    var hounsfield: Float = 70
    var falx = 0.0
    var calcification = 0.0
    var tilt = 0.0
    var isUpsideDown = false
    var hasVault = true
    var slices = 26

    /// 160 × 160 × 130 mm at 2 × 2 × 5 mm, and the truth.
    func make() -> (volume: VoxelVolume, truth: [UInt8]) {
        let angle = tilt * .pi / 180
        let column = Vector3(2, 0, 0)
        let row = Vector3(0, 2 * cos(angle), 2 * sin(angle))
        let slice = Vector3(0, 0, isUpsideDown ? -5 : 5)
        let origin = column * -39.5 + row * -39.5 + slice * (-Double(slices - 1) / 2)
        let grid = Grid(
            origin: origin, columnStep: column, rowStep: row, sliceStep: slice, columns: 80, rows: 80, slices: slices)
        let radius = cbrt(bleed * 1000 * 3 / (4 * .pi))
        var values = [Float](repeating: -1000, count: grid.count)
        var truth = [UInt8](repeating: 0, count: grid.count)
        var state: UInt64 = 7
        for s in 0..<slices {
            for r in 0..<80 {
                for c in 0..<80 {
                    let p = grid.point(column: Double(c), row: Double(r), slice: Double(s))
                    let i = grid.index(column: c, row: r, slice: s)
                    func inside(_ a: Double, _ b: Double, _ c: Double) -> Bool {
                        p.x * p.x / (a * a) + p.y * p.y / (b * b) + p.z * p.z / (c * c) < 1
                    }
                    guard inside(70, 77, 64) else { continue }
                    values[i] = 40
                    if inside(67, 74, 61) { values[i] = hasVault || p.x < 0 ? 1000 : 40 }
                    if inside(61, 68, 55) {
                        values[i] =
                            abs(p.x) < falx / 2 && p.z > 0
                            ? 60 : (p - Vector3(-20, 5, 2)).length < calcification ? 250 : 35
                        if (p - centre).length < radius {
                            values[i] = hounsfield
                            truth[i] = 1
                        }
                    }
                    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    values[i] += (Float(state >> 40) / Float(1 << 24) - 0.5) * 16
                }
            }
        }
        return (
            VoxelVolume(
                grid: grid, voxels: values, unit: Fixtures.hounsfield, frames: Fixtures.frames(slices), notes: []),
            truth
        )
    }
}

@Suite(.serialized) struct ReferencePackageTests {
    private func analyse(_ head: TinyHead) throws -> (result: AnalysisResult, truth: [UInt8]) {
        let package = try ModelPackage.load(folder: Fixtures.packages + "/head-ct-hyperdensity")
        let (volume, truth) = head.make()
        return (try Analysis(engine: Engine(threads: 2)).run(package, on: volume), truth)
    }

    @Test(
        "A bleed is found where it is, on straight, tilted and upside-down grids",
        arguments: [(0.0, false), (18, false), (0, true)])
    func bleed(_ tilt: Double, _ isUpsideDown: Bool) throws {
        let (result, truth) = try analyse(TinyHead(bleed: 12, tilt: tilt, isUpsideDown: isUpsideDown))
        let finding = try #require(result.findings.first)
        #expect(result.findings.count == 1)
        #expect(finding.code.value == "1386000" && finding.priority == .critical)
        #expect(abs((finding.volumeML ?? 0) - 12) < 1.8)
        let mask = result.masks[0].voxels
        let both = zip(mask, truth).reduce(0) { $0 + Int($1.0 & $1.1) }
        let sum = mask.reduce(0) { $0 + Int($1) } + truth.reduce(0) { $0 + Int($1) }
        #expect(Double(2 * both) / Double(sum) > 0.85, "Dice")
        #expect(result.model.isDemonstration)
    }

    @Test("A head without blood, with calcification and with a thin falx gives no finding, and a negative may be given")
    func quiet() throws {
        let (result, _) = try analyse(TinyHead(falx: 3, calcification: 6))
        #expect(result.findings.isEmpty)
        #expect(result.coverage.isNegativeAccepted)
    }

    @Test("Blood of a quarter of a millilitre, and brain of 45 HU, are below what is reported")
    func small() throws {
        #expect(try analyse(TinyHead(bleed: 0.25)).result.findings.isEmpty)
        #expect(try analyse(TinyHead(bleed: 12, hounsfield: 45)).result.findings.isEmpty)
    }

    @Test("A skull that does not close is not looked into, and no negative is given")
    func open() throws {
        let (result, _) = try analyse(TinyHead(bleed: 12, hasVault: false))
        #expect(result.findings.isEmpty)
        #expect(!result.coverage.isNegativeAccepted)
        #expect(result.coverage.reason?.hasPrefix("the network looked at") == true)
    }

    @Test("A stack of less than 40 mm is refused")
    func short() throws {
        #expect(throws: InferenceError.refused(["the slices cover 35.0 mm, at least 40.0 mm needed"])) {
            _ = try analyse(TinyHead(slices: 7))
        }
    }
}

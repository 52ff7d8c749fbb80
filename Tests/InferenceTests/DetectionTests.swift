// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Testing
import Volume

@testable import Inference

/// A detector from voxels to findings, with the stand-in network.
@Suite struct DetectionTests {
    /// Balls of 0 HU in air, on slices that are tilted, flipped or upright.
    private static func volume(
        _ balls: [(center: Vector3, radius: Double)], steps: [Vector3], shape: [Int] = [40, 96, 90]
    ) -> VoxelVolume {
        let origin = Vector3(-60, -50, -40)
        var values = [Float](repeating: -1000, count: shape.reduce(1, *))
        for s in 0..<shape[0] {
            for r in 0..<shape[1] {
                let row = origin + steps[0] * Double(s) + steps[1] * Double(r)
                for c in 0..<shape[2] {
                    let point = row + steps[2] * Double(c)
                    for ball in balls where (point - ball.center).length <= ball.radius {
                        values[(s * shape[1] + r) * shape[2] + c] = 0
                    }
                }
            }
        }
        return Fixtures.volume(values, shape: shape, steps: steps, origin: origin)
    }

    private static let upright = [Vector3(0, 0, 2), Vector3(0, 0.9, 0), Vector3(0.9, 0, 0)]
    private static let tilted = [Vector3(0, 0.5, 2), Vector3(0, 0.9, 0), Vector3(0.9, 0, 0)]
    private static let flipped = [Vector3(0, 0, -2), Vector3(0, 0.9, 0), Vector3(-0.9, 0, 0)]
    private static let preprocess = """
        [{orientation: RAS}, {spacing: {mm: [0.8, 0.8, 1.25]}}, {scaleRange: {from: [-1024, 300], to: [0, 1]}}]
        """

    @Test(
        "A ball is found as a box at its place in the patient, within a voxel", arguments: [upright, tilted, flipped])
    func place(_ steps: [Vector3]) throws {
        let grid = Self.volume([], steps: steps).grid
        let ball = (center: grid.point(column: 37.3, row: 51.6, slice: 17.4), radius: 6.0)
        // One alone: the stand-in takes what it sees at a place for one body.
        let volume = Self.volume([ball], steps: steps)
        let result = try Analysis(engine: Engine(threads: 1)).run(
            Fixtures.detector(preprocess: Self.preprocess), on: volume)
        #expect(result.findings.count == 1)
        #expect(result.masks.isEmpty)
        let finding = try #require(result.findings.first)
        let box = try #require(finding.box)
        let apart = box.center - ball.center
        #expect(abs(apart.x) < 0.8 && abs(apart.y) < 0.8 && abs(apart.z) < 1.25, "\(apart)")
        for size in box.size { #expect(abs(size - 2 * ball.radius) < 2, "\(box.size)") }
        // The rectangle on the key slice is around the ball's centre there.
        let column = (box.rectangle.left + box.rectangle.right) / 2 - 0.5
        let row = (box.rectangle.top + box.rectangle.bottom) / 2 - 0.5
        let slice = try #require(finding.keySlice)
        let seen = grid.point(column: column, row: row, slice: Double(slice)) - ball.center
        #expect(seen.length < 2.2, "\(seen)")
        #expect(finding.label == "nodule" && finding.priority == .urgent && finding.maskIndex == nil)
        #expect(finding.measurements.map(\.concept.meaning) == ["Width", "Height", "Depth"])
    }

    @Test("A box below the manifest's size or score is no finding")
    func thresholds() throws {
        let volume = Self.volume([(Vector3(-20, -10, 0), 6)], steps: Self.upright)
        let engine = try Engine(threads: 1)
        for scores in ["", ", minimumSize: 11"] {
            let package = try Fixtures.detector(preprocess: Self.preprocess, scores: scores)
            #expect(try Analysis(engine: engine).run(package, on: volume).findings.count == 1)
        }
        let large = try Fixtures.detector(preprocess: Self.preprocess, scores: ", minimumSize: 16")
        #expect(try Analysis(engine: engine).run(large, on: volume).findings.isEmpty)
        var manifest = large.manifest
        manifest.scores[0].minimumSize = 0
        manifest.scores[0].threshold = 0.9999
        let sure = ModelPackage(manifest: manifest, folder: large.folder, identity: large.identity)
        #expect(try Analysis(engine: engine).run(sure, on: volume).findings.isEmpty)
    }

    @Test("Air has no finding, and a network of other levels is refused")
    func nothing() throws {
        let volume = Self.volume([], steps: Self.upright)
        let engine = try Engine(threads: 1)
        let package = try Fixtures.detector(preprocess: Self.preprocess)
        #expect(try Analysis(engine: engine).run(package, on: volume).findings.isEmpty)
        var manifest = package.manifest
        guard case .detection(var detector) = manifest.inference else { return }
        detector.scales = [1, 2]
        manifest.inference = .detection(detector)
        let other = ModelPackage(manifest: manifest, folder: package.folder, identity: package.identity)
        #expect(throws: InferenceError.self) { try Analysis(engine: engine).run(other, on: volume) }
    }

    @Test("A run stops when it is told to, and is refused beyond its budget")
    func limits() throws {
        let volume = Self.volume([], steps: Self.upright)
        let engine = try Engine(threads: 1)
        #expect(throws: InferenceError.cancelled) {
            try Analysis(engine: engine).run(
                Fixtures.detector(preprocess: Self.preprocess), on: volume, shouldStop: { true })
        }
        #expect(throws: InferenceError.self) {
            try Analysis(engine: engine).run(
                Fixtures.detector(preprocess: Self.preprocess, memory: 1), on: volume)
        }
    }

    @Test("The weaker of two boxes of one class goes, and of two classes both stay")
    func suppression() {
        func box(_ start: Float, _ score: Float, _ label: Int) -> DetectedBox {
            DetectedBox(lower: [start, 0, 0], upper: [start + 10, 10, 10], score: score, label: label)
        }
        let kept = BoxSelection.suppressed(
            [box(1, 0.5, 0), box(0, 0.9, 0), box(0, 0.4, 1), box(8, 0.3, 0)], above: 0.22, maximum: 300)
        #expect(kept.map(\.score) == [0.9, 0.4, 0.3])
        #expect(BoxSelection.suppressed([box(0, 0.9, 0), box(20, 0.8, 0)], above: 0.22, maximum: 1).count == 1)
    }
}

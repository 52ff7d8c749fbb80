// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Phantoms
import Testing
import Volume

@testable import Inference

/// Stand-in networks on a phantom's files: something denser than bone in a head, small enough for a detector.
@Suite struct FromFilesTests {
    private static func phantom(tilt: Double = 0) -> HeadCT {
        var head = HeadCT(seed: 71, finding: .bleed(.init(volume: 2.5, density: 2800)))
        (head.columns, head.rows, head.slices, head.tilt) = (128, 128, 40, tilt)
        (head.pixelSpacing, head.sliceSpacing) = (1.8, 3)
        return head
    }

    private static func read(
        _ head: HeadCT, _ body: (VoxelVolume, PhantomStudy) throws -> Void
    ) throws {
        let directory = NSTemporaryDirectory() + "/triaged-from-files-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let study = try head.write(to: directory)
        try body(try VoxelVolume.read(paths: study.files, options: VolumeOptions(admit: { _ in })), study)
    }

    @Test("A detector finds it at its place in the patient, within a voxel", arguments: [0.0, 15])
    func detection(_ tilt: Double) throws {
        try Self.read(Self.phantom(tilt: tilt)) { volume, study in
            let package = try Fixtures.detector(
                roi: "[128, 128, 48]",
                preprocess:
                    "[{orientation: RAS}, {spacing: {mm: [1.5, 1.5, 2.5]}}, {scaleRange: {from: [1600, 2600], to: [0, 1]}}]"
            )
            let result = try Analysis(engine: Engine(threads: 2)).run(package, on: volume)
            let centre = try #require(study.truth.bleedCentre)
            #expect(result.findings.count == 1)
            let box = try #require(result.findings.first?.box)
            let apart = box.center - centre
            #expect(abs(apart.x) < 1.5 && abs(apart.y) < 1.5 && abs(apart.z) < 2.5, "\(apart)")
            // A ball of 2.5 mL has 16.8 mm.
            #expect(box.size.allSatisfy { (12...23).contains($0) }, "\(box.size)")
        }
    }

    @Test("A point on it marks it on every slice that it reaches")
    func prompt() throws {
        let head = Self.phantom()
        try Self.read(head) { volume, study in
            let centre = try #require(study.truth.bleedCentre)
            let lattice = Lattice(volume.grid)
            let index = lattice.map(
                from: Lattice(
                    shape: [1, 1, 1], origin: centre, steps: [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)])
            ).offset
            let prompt = Prompt(slice: Int(index[0].rounded()), points: [.init(x: index[2], y: index[1])])
            let result = try Analysis(engine: Engine(threads: 2)).segment(
                Fixtures.promptable("{family: sam, propagate: 0.2}"), on: volume, prompts: [prompt])
            let mask = try #require(result.masks.first)
            let truth = try (0..<head.slices).flatMap { try head.truth(ofSlice: $0).bleed }
            let shared = zip(mask.voxels, truth).count { $0 & $1 != 0 }
            let dice = 2 * Double(shared) / Double(mask.voxels.count { $0 != 0 } + truth.count { $0 != 0 })
            // The stand-in stops a slice early at both ends, where the body is faint.
            #expect(dice > 0.7, "\(dice)")
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Phantoms
import Testing
import Volume

@testable import Inference
@testable import Models

/// Runs within what another package marked, from files; and what gates say of a run.
@Suite struct RegionRunTests {
    private static func read(_ body: (VoxelVolume) throws -> Void) throws {
        var head = HeadCT(seed: 71, finding: .bleed(.init(volume: 2.5, density: 2800)))
        (head.columns, head.rows, head.slices) = (128, 128, 40)
        (head.pixelSpacing, head.sliceSpacing) = (1.8, 3)
        let directory = NSTemporaryDirectory() + "/triaged-region-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let study = try head.write(to: directory)
        try body(try VoxelVolume.read(paths: study.files, options: VolumeOptions(admit: { _ in })))
    }

    /// Marks the dense body and nothing else.
    private static func marker(quality: String = #"{unit: "[hnsf'U]"}"#) throws -> ModelPackage {
        var package = try Fixtures.package(
            network: "threshold.onnx", folder: Fixtures.standIns,
            preprocess: "[{scaleRange: {from: [1000, 2600], to: [0, 1]}}]",
            decision: "{activation: softmax, rule: argmax, restore: nearest}", quality: quality,
            outputs: """
                [{channel: 1, label: body, code: [A, "99T", Thing], category: [B, "99T", Cat], type: [C, "99T", Type],
                  priority: routine, confidence: mean}]
                """)
        package.identity.name = "marker"
        return package
    }

    private static func restricted(_ package: ModelPackage, margin: Double) throws -> ModelPackage {
        var package = package
        package.manifest.region = .init(package: "marker", label: "body", margin: margin)
        return package.restricted(by: try marker())
    }

    @Test("A detector that looks at a part of the series gives its box in the pixels of the whole")
    func detector() throws {
        try Self.read { volume in
            let detector = try Fixtures.detector(
                preprocess:
                    "[{orientation: RAS}, {spacing: {mm: [1.5, 1.5, 2.5]}}, {scaleRange: {from: [1600, 2600], to: [0, 1]}}]"
            )
            let analysis = Analysis(engine: try Engine(threads: 2))
            let whole = try #require(try analysis.run(detector, on: [volume]).findings.first)
            let result = try analysis.run(Self.restricted(detector, margin: 50), on: [volume])
            let part = try #require(result.findings.first)
            let (a, b) = (try #require(whole.box), try #require(part.box))
            #expect((a.center - b.center).length < 2)
            // A voxel of the network is not a pixel of the series: the two grids begin at other places.
            #expect(abs(a.rectangle.left - b.rectangle.left) < 2 && abs(a.rectangle.top - b.rectangle.top) < 2)
            #expect(abs(try #require(whole.keySlice) - (try #require(part.keySlice))) <= 1)
            #expect(result.notes.contains { $0.hasPrefix("Only within 50 mm of the body that marker 1 marked") })
        }
    }

    @Test("Of several series each is read within the region that was found on the first, on whatever grid it lies")
    func severalSeries() throws {
        try Self.read { volume in
            // Marks what is above 400 HU in the third series: the dense body, and the skull.
            let package = try Fixtures.package(
                network: "glioma.onnx", folder: Fixtures.standIns,
                preprocess: "[{scaleRange: {from: [0, 400], to: [0, 2], clip: false}}]",
                decision: "{activation: sigmoid, rule: threshold, restore: linear}", channels: 4)
            var third = volume
            third.grid.origin = volume.grid.point(column: 0, row: 0, slice: Double(volume.grid.slices - 1))
            third.grid.sliceStep = volume.grid.sliceStep * -1
            let plane = volume.grid.columns * volume.grid.rows
            third.voxels = (0..<volume.grid.slices).reversed().flatMap { volume.voxels[$0 * plane..<($0 + 1) * plane] }
            let volumes = [volume, volume, third, volume]
            let analysis = Analysis(engine: try Engine(threads: 2))
            let whole = try #require(try analysis.run(package, on: volumes).masks.first)
            let result = try analysis.run(Self.restricted(package, margin: 50), on: volumes)
            let part = try #require(result.masks.first)
            let body = try analysis.run(Self.marker(), on: [volume]).masks
            let box = try #require(VoxelBox(around: body, margin: 50, in: volume.grid))
            // A mask's voxels are made anew each time.
            let (voxels, all) = (part.voxels, whole.voxels)
            // Of the whole what lies in the box, row by row.
            var expected = [UInt8](repeating: 0, count: all.count)
            for slice in box.slices {
                for row in box.rows {
                    let start = volume.grid.index(column: 0, row: row, slice: slice)
                    let range = start + box.columns.lowerBound..<start + box.columns.upperBound
                    expected.replaceSubrange(range, with: all[range])
                }
            }
            let counts = [voxels, all].map { $0.count { $0 != 0 } }
            #expect(voxels == expected && 0 < counts[0] && counts[0] < counts[1], "\(counts)")
            #expect(result.notes.contains { $0.hasPrefix("Only within 50 mm of the body that marker 1 marked") })
        }
    }

    @Test("A promptable package is prompted by what another package marked, slice by slice")
    func promptable() throws {
        try Self.read { volume in
            let analysis = Analysis(engine: try Engine(threads: 2))
            let marked = try #require(try analysis.run(Self.marker(), on: [volume]).masks.first)
            let result = try analysis.run(Self.restricted(Fixtures.promptable(), margin: 2), on: [volume])
            let mask = try #require(result.masks.first)
            let shared = zip(mask.voxels, marked.voxels).count { $0 & $1 != 0 }
            let both = mask.voxels.count { $0 != 0 } + marked.voxels.count { $0 != 0 }
            #expect(2 * Double(shared) / Double(both) > 0.7, "\(shared) of \(both)")
            #expect(result.findings.first?.label == "organ")
        }
    }

    @Test("A gate that blocks refuses the series before or after the run, and one that warns is a note")
    func gates() throws {
        try Self.read { volume in
            let analysis = Analysis(engine: try Engine(threads: 2))
            func run(_ gates: String) throws -> AnalysisResult {
                try analysis.run(Self.marker(quality: #"{unit: "[hnsf'U]", \#(gates)}"#), on: [volume])
            }
            #expect(throws: InferenceError.self) { try run("gates: {air: {block: {maximum: 0.001}}}") }
            let warned = try run(
                "gates: {air: {warn: {maximum: 0.001}}}, whole: [{label: body, minimumVolume: 100, action: warn}]")
            #expect(warned.notes.contains { $0.hasPrefix("the share of air is 0.") })
            #expect(warned.notes.contains { $0.hasSuffix("at least 100 mL expected") })
            #expect(warned.findings.count == 1)
            do {
                _ = try run("whole: [{label: body, minimumVolume: 100, action: block}]")
                Issue.record("it was not refused")
            } catch let error as InferenceError {
                #expect(error.isRefusal && error.description.contains("at least 100 mL expected"))
            }
            // The phantom's header declares no contrast agent, and the body is dense.
            let contrast = try run("contrast: {label: body, enhancedFrom: 200, action: warn}")
            #expect(
                contrast.notes.contains { $0.hasPrefix("the header declares no contrast agent, and body measures 2") })
            #expect(try run("contrast: {label: body, enhancedFrom: 3000, action: block}").findings.count == 1)
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

@Suite struct AnalysisTests {
    private func volume(_ values: [Float]? = nil) -> VoxelVolume {
        Fixtures.volume(values ?? [Float](repeating: 2, count: 6 * 8 * 8), shape: [6, 8, 8])
    }
    private func failure(_ package: ModelPackage, _ volume: VoxelVolume) -> InferenceError? {
        do throws(InferenceError) {
            _ = try Analysis(engine: Engine(threads: 1)).run(package, on: volume)
            return nil
        } catch {
            return error
        }
    }

    @Test("A finding carries the manifest's words, its mask on the source grid, and the volume's notes")
    func finding() throws {
        // ln 2 = 0.69 inside a block, ln 1 = 0 outside.
        var values = [Float](repeating: 1, count: 6 * 8 * 8)
        for s in 2..<5 { for r in 1..<5 { for c in 3..<8 { values[(s * 8 + r) * 8 + c] = 2 } } }
        let package = try Fixtures.package(
            network: "logarithm.onnx", quality: #"{unit: "[hnsf'U]", negativeExtent: 5}"#)
        let result = try Analysis(engine: Engine(threads: 1)).run(package, on: volume(values))
        let finding = try #require(result.findings.first)
        #expect(result.findings.count == 1 && result.masks.count == 1 && result.longAxes.count == 1)
        #expect(finding.label == "thing" && finding.code == Code("A", "99T", "Thing") && finding.priority == .urgent)
        #expect(result.masks[0].voxels == values.map { $0 == 2 ? 1 : 0 })
        #expect(abs(finding.confidence - 0.693_147) < 1e-5)
        #expect(finding.volumeML == 0.06 && finding.keySlice == 2 && finding.maskIndex == 0)
        #expect(result.notes == ["a note of the volume"])
        #expect(result.coverage == .init(slices: 6, extent: 6, isNegativeAccepted: true, reason: nil))
        #expect(result.timing.total >= result.timing.engine)
    }

    @Test("Nothing marked is no finding, and a negative needs the extent that the manifest asks for")
    func negative() throws {
        let package = try Fixtures.package(
            network: "logarithm.onnx", quality: #"{unit: "[hnsf'U]", negativeExtent: 7}"#)
        let result = try Analysis(engine: Engine(threads: 1)).run(
            package, on: volume([Float](repeating: 1, count: 384)))
        #expect(result.findings.isEmpty && result.masks.isEmpty)
        #expect(!result.coverage.isNegativeAccepted && result.coverage.reason?.contains("7.0 mm") == true)
        let silent = try Fixtures.package(network: "logarithm.onnx")
        let second = try Analysis(engine: Engine(threads: 1)).run(silent, on: volume([Float](repeating: 1, count: 384)))
        #expect(!second.coverage.isNegativeAccepted)
    }

    @Test("A negative needs that the network looked at enough")
    func examined() throws {
        for (least, isAccepted) in [(0.3, true), (0.5, false)] {
            let package = try Fixtures.package(
                network: "logarithm.onnx",
                quality: #"{unit: "[hnsf'U]", negativeExtent: 1, examined: {channel: 0, minimumVolume: \#(least)}}"#)
            // 384 voxels of 1 mm³ at ln 2.
            let result = try Analysis(engine: Engine(threads: 1)).run(package, on: volume())
            #expect(result.coverage.isNegativeAccepted == isAccepted)
        }
    }

    @Test("An output that is not reported serves as a region, and a small finding is none")
    func regions() throws {
        func outputs(minimum: Double) -> String {
            let codes =
                #"code: [A, "99T", Thing], category: [B, "99T", Cat], type: [C, "99T", Type], priority: urgent, confidence: mean"#
            return """
                [{channel: 0, threshold: 1.0, label: core, report: false, \(codes)},
                 {channel: 0, threshold: 0.5, label: around, minimumVolume: \(minimum), postprocess: [{restrict: {to: core, margin: 1}}], \(codes)}]
                """
        }
        var values = [Float](repeating: 2, count: 384)
        values[(3 * 8 + 3) * 8 + 3] = 8
        let analysis = Analysis(engine: try Engine(threads: 1))
        let result = try analysis.run(
            Fixtures.package(network: "logarithm.onnx", outputs: outputs(minimum: 0.007)), on: volume(values))
        // The voxel and its six neighbours.
        #expect(result.findings.map(\.label) == ["around"])
        #expect(result.masks.first?.voxels.reduce(0) { $0 + Int($1) } == 7)
        let none = try analysis.run(
            Fixtures.package(network: "logarithm.onnx", outputs: outputs(minimum: 0.008)), on: volume(values))
        #expect(none.findings.isEmpty)
    }

    @Test("A distance from a landmark is measured where the landmark makes a plane, and its absence is noted")
    func midline() throws {
        let codes =
            #"category: [B, "99T", Cat], type: [C, "99T", Type], priority: urgent, confidence: mean"#
        let outputs = """
            [{channel: 0, threshold: 1.0, label: sheet, report: false, code: [A, "99T", Thing], \(codes)},
             {channel: 0, threshold: 0.5, label: all, code: [A, "99T", Thing],
              midline: {landmark: sheet, code: [M, "99T", Shift]}, \(codes)}]
            """
        let package = try Fixtures.package(network: "logarithm.onnx", outputs: outputs)
        let analysis = Analysis(engine: try Engine(threads: 1))
        // A sheet of 48 voxels at x = 3 mm, and 12 more at x = 7 mm.
        var values = (0..<384).map { Float($0 % 8 == 3 ? 8 : 1) }
        for s in 0..<6 { for r in 0..<2 { values[(s * 8 + r) * 8 + 7] = 2 } }
        let result = try analysis.run(package, on: volume(values))
        let shift = result.findings.first?.measurements.first { $0.concept == Code("M", "99T", "Shift") }
        #expect(abs((shift?.value ?? .nan) - 0.8) < 1e-6 && shift?.unit.value == "mm")
        let without = try analysis.run(package, on: volume(values.map { min($0, 2) }))
        #expect(without.findings.first?.measurements.contains { $0.concept.value == "M" } == false)
        #expect(without.notes.contains("no Shift of all: sheet makes no plane"))
    }

    @Test("Labels restored by the nearest voxel come back to the source grid")
    func nearest() throws {
        var values = [Float](repeating: 1, count: 384)
        for s in 2..<4 { for r in 2..<6 { for c in 2..<6 { values[(s * 8 + r) * 8 + c] = 4 } } }
        for codes in ["SPL", "RAS", "IAR"] {
            let package = try Fixtures.package(
                network: "logarithm.onnx", preprocess: "[{orientation: \(codes)}]",
                decision: "{activation: none, rule: threshold, restore: nearest}")
            let result = try Analysis(engine: Engine(threads: 1)).run(package, on: volume(values))
            #expect(result.masks.first?.voxels == values.map { $0 == 4 ? 1 : 0 })
        }
    }

    @Test(
        "Where the manifest asks for them, each voxel of a mask has its probability",
        arguments: ["linear", "nearest"])
    func probabilities(_ restore: String) throws {
        // ln 2 = 0.693, 0.8 and 0.55, and a hole that is filled.
        var values = [Float](repeating: 1, count: 384)
        for r in 2..<5 { for c in 2..<5 { values[(3 * 8 + r) * 8 + c] = 2 } }
        values[(3 * 8 + 2) * 8 + 2] = Foundation.exp(0.8)
        values[(3 * 8 + 4) * 8 + 4] = Foundation.exp(0.55)
        values[(3 * 8 + 3) * 8 + 3] = 1
        func package(_ asked: String) throws -> ModelPackage {
            try Fixtures.package(
                network: "logarithm.onnx", preprocess: "[{orientation: IAR}]",
                decision: "{activation: none, rule: threshold, restore: \(restore)\(asked)}",
                outputs: """
                    [{channel: 0, threshold: 0.5, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat],
                      type: [C, "99T", Type], priority: urgent, confidence: maximum, postprocess: [{fillHoles: slices}]}]
                    """)
        }
        let analysis = Analysis(engine: try Engine(threads: 1))
        #expect(try analysis.run(package(""), on: volume(values)).probabilities.isEmpty)
        let result = try analysis.run(package(", probabilities: true"), on: volume(values))
        #expect(result.masks.first?.blockRows == 2..<5 && result.masks.first?.blockSlices == 3..<4)
        // What was added is as certain as the finding.
        #expect(result.probabilities == [[204, 177, 177, 177, 204, 177, 177, 177, 140]])
    }

    @Test(
        "A volume that breaks a quality gate is refused with the measure",
        arguments: [
            (#"{unit: "[hnsf'U]", minimumExtent: 10}"#, "the slices cover 6.0 mm, at least 10.0 mm needed"),
            (#"{unit: "[hnsf'U]", maximumSliceSpacing: 0.5}"#, "the slices are 1.0 mm apart, at most 0.5 mm allowed"),
            (
                #"{unit: "[hnsf'U]", orientation: {plane: coronal, within: 20}}"#,
                "the slices lie 90.0° from the coronal plane, at most 20.0° allowed"
            ),
            (#"{unit: "Bq/ml"}"#, "the voxels are in [hnsf'U], and the package needs Bq/ml"),
        ])
    func gates(_ quality: String, _ reason: String) throws {
        let error = failure(try Fixtures.package(network: "logarithm.onnx", quality: quality), volume())
        #expect(error == .refused([reason]))
        #expect(error?.isRefusal == true)
    }

    @Test("A volume beyond the memory budget is refused before it is run")
    func memory() throws {
        let package = try Fixtures.package(network: "logarithm.onnx", memory: 1)
        let large = Fixtures.volume([Float](repeating: 1, count: 1 << 17), shape: [32, 64, 64])
        guard case .refused(let reasons)? = failure(package, large) else {
            Issue.record("not refused")
            return
        }
        #expect(reasons.first?.contains("budget is 1 MiB") == true)
        #expect(failure(package, volume()) == nil)
    }

    @Test("A value that is no number is an error, not a finding")
    func notFinite() throws {
        var values = [Float](repeating: 1, count: 384)
        values[383] = -1
        #expect(failure(try Fixtures.package(network: "logarithm.onnx"), volume(values)) == .notFinite(package: "test"))
    }

    @Test("A network that does not fit the manifest is told apart from one that cannot be read")
    func misfits() throws {
        let outputs =
            #"[{channel: 2, label: a, code: [A, "99T", A], category: [B, "99T", B], type: [C, "99T", C], priority: urgent, confidence: mean}]"#
        guard
            case .mismatch(_, let reason)? = failure(
                try Fixtures.package(network: "two-kernels.onnx", outputs: outputs), volume())
        else {
            Issue.record("channels not compared")
            return
        }
        #expect(reason == "the network gives 2 channels, and an output needs channel 2")

        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("inference-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        for (name, bytes) in [
            ("broken.onnx", Data("not a graph".utf8)),
            ("cut.onnx", try Data(contentsOf: Fixtures.goldens.appendingPathComponent("two-kernels.onnx")).prefix(60)),
        ] {
            try bytes.write(to: folder.appendingPathComponent(name))
            let error = failure(try Fixtures.package(network: name, folder: folder.path), volume())
            guard case .engine(let operation, let message)? = error else {
                Issue.record("\(name) was read")
                continue
            }
            #expect(operation.hasPrefix("read the graph /") && !message.isEmpty && !message.contains("\n"))
            #expect(error?.isTransient == false)
        }
        guard case .engine? = failure(try Fixtures.package(network: "absent.onnx"), volume()) else {
            Issue.record("a file that is not there was read")
            return
        }
    }

    @Test("A run stops between windows when it is told to")
    func cancelled() throws {
        let package = try Fixtures.package(
            network: "two-kernels.onnx", inference: "{slidingWindow: {roi: [4, 4, 4], overlap: 0}}")
        var windows = 0
        #expect(throws: InferenceError.cancelled) {
            _ = try Analysis(engine: Engine(threads: 1)).run(
                package, on: self.volume(), progress: { _ in windows += 1 }, shouldStop: { windows == 3 })
        }
        #expect(windows == 3)
    }

    @Test("An engine keeps a compiled network until it is told to forget it")
    func cache() throws {
        let engine = try Engine(threads: 1)
        let package = try Fixtures.package(network: "two-kernels.onnx")
        let first = try engine.volumetricNetworks(of: package)[0]
        #expect(try engine.volumetricNetworks(of: package)[0] === first)
        engine.forget(package)
        #expect(try engine.volumetricNetworks(of: package)[0] !== first)
    }
}

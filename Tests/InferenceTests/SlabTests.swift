// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

private struct WindowGoldens: Decodable, Sendable {
    struct Window: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var graphs: [String]
        var channels: Int
        var shape: [Int]
        var window: String
        var input: String
        var output: String
        var testDescription: String { name }
    }
    struct Pipeline: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var shape: [Int]
        var steps: [[Double]]
        var origin: [Double]
        var restore: String
        var input: String
        var output: String
        var testDescription: String { name }
    }
    var windows: [Window]
    var pipelines: [Pipeline]

    static let folder = Fixtures.goldens.appendingPathComponent("Windows")
    static let all = try! JSONDecoder().decode(
        WindowGoldens.self, from: Data(contentsOf: folder.appendingPathComponent("goldens.json")))
}

@Suite struct SlabTests {
    private let steps = [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(1, 0, 0)]
    private func field(_ values: [Float], _ shape: [Int], channels: Int = 1) -> Field {
        Field(
            lattice: Lattice(shape: shape, origin: Vector3(0, 0, 0), steps: steps), channels: channels, values: values)
    }
    private func package(_ graphs: [String], window: String, channels: Int = 1) throws -> ModelPackage {
        var package = try Fixtures.package(
            network: graphs[0], folder: WindowGoldens.folder.path, inference: "{slidingWindow: {\(window)}}",
            preprocess: channels == 1 ? "[]" : "[{repeatChannels: \(channels)}]")
        for graph in graphs.dropFirst() {
            var fold = package.manifest.networks[0].graphs[0]
            fold.file = graph
            package.manifest.networks[0].graphs.append(fold)
        }
        return package
    }
    private func run(
        _ package: ModelPackage, _ field: Field
    ) throws -> (channels: Channels, skipped: Int, progress: [Double]) {
        var progress: [Double] = []
        var run = try NetworkRun(
            networks: Engine(threads: 1).volumetricNetworks(of: package), package: package,
            progress: { progress.append($0) })
        let channels = try run.channels(of: field)
        return (channels, run.skipped, progress)
    }
    private func failure(_ body: () throws -> Void) -> InferenceError? {
        do {
            try body()
            return nil
        } catch { return error as? InferenceError }
    }

    @Test(
        "Batches, channels, mirrored copies and folds are tiled and averaged as MONAI and nnU-Net do",
        arguments: WindowGoldens.all.windows)
    private func windows(_ golden: WindowGoldens.Window) throws {
        let package = try package(golden.graphs, window: golden.window, channels: golden.channels)
        let values = try Fixtures.floats("Windows/" + golden.input)
        let (channels, _, progress) = try run(package, field(values, golden.shape, channels: golden.channels))
        let expected = try Fixtures.floats("Windows/" + golden.output)
        #expect(progress.last == 1 && progress == progress.sorted())
        #expect(channels.values.count == expected.count)
        let worst = zip(channels.values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst < 1e-3, "worst \(worst)")
        let voxels = golden.shape.reduce(1, *)
        func labels(_ values: [Float]) -> [Int] {
            (0..<voxels).map { i in
                (0..<channels.count).max { (values[$0 * voxels + i], $1) < (values[$1 * voxels + i], $0) } ?? 0
            }
        }
        let wrong = zip(labels(channels.values), labels(expected)).count { $0 != $1 }
        #expect(wrong * 10_000 <= voxels, "\(wrong) of \(voxels)")
    }

    @Test(
        "A whole pipeline gives the labels of MONAI's, on awkward geometry", arguments: WindowGoldens.all.pipelines)
    private func pipelines(_ golden: WindowGoldens.Pipeline) throws {
        func vector(_ v: [Double]) -> Vector3 { Vector3(v[0], v[1], v[2]) }
        let volume = Fixtures.volume(
            try Fixtures.floats("Windows/" + golden.input), shape: golden.shape, steps: golden.steps.map(vector),
            origin: vector(golden.origin))
        let package = try Fixtures.package(
            network: "fold-0.onnx", folder: WindowGoldens.folder.path,
            inference: "{slidingWindow: {roi: [16, 16, 8], overlap: 0.25, weighting: gaussian}}",
            preprocess:
                "[{orientation: RAS}, {spacing: {mm: [1.25, 1.25, 2.1]}}, {scaleRange: {from: [-150, 200], to: [0, 1], clip: true}}]",
            decision: "{activation: softmax, rule: argmax, restore: \(golden.restore)}",
            outputs: """
                [{channel: 1, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat], type: [C, "99T", Type],
                  priority: urgent, confidence: mean}]
                """)
        let result = try Analysis(engine: Engine(threads: 1)).run(package, on: volume)
        let expected = try Fixtures.bytes("Windows/" + golden.output)
        let found = try #require(result.masks.first).voxels
        let wrong = zip(found, expected).count { $0 != $1 }
        #expect(found.count == expected.count && wrong * 10_000 <= expected.count, "\(wrong) of \(expected.count)")
    }

    @Test("Windows of one value are asked for once, and the answer stays the same")
    func background() throws {
        var values = [Float](repeating: 0, count: 20 * 20 * 60)
        for i in 0..<400 { values[(i % 20 * 20 + i / 20) * 60 + i % 7] = Float(i % 13) }
        let window = "roi: [16, 16, 16], overlap: 0.5, weighting: gaussian, mirror: [2]"
        let whole = try run(package(["fold-0.onnx", "fold-1.onnx"], window: window), field(values, [20, 20, 60]))
        let skipping = try run(
            package(["fold-0.onnx", "fold-1.onnx"], window: window + ", skipBackground: {atMost: 0}"),
            field(values, [20, 20, 60]))
        #expect(whole.skipped == 0 && skipping.skipped > 4)
        let worst = zip(whole.channels.values, skipping.channels.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        #expect(worst < 1e-5)
    }

    @Test("A window of background gets the outputs that the manifest says, and no pass")
    func backgroundOutputs() throws {
        let window =
            "roi: [16, 16, 16], overlap: 0.25, skipBackground: {atMost: 0.5, outputs: [3, -2]}"
        var values = [Float](repeating: 0.25, count: 16 * 16 * 40)
        values[0] = 0.5
        let all = try run(package(["fold-0.onnx"], window: window), field(values, [16, 16, 40]))
        #expect(all.skipped == 3 && all.progress.isEmpty)
        #expect(all.channels.values[0] == 3 && all.channels.values[16 * 16 * 40] == -2)
        values[16 * 16 * 40 - 1] = 1
        let some = try run(package(["fold-0.onnx"], window: window), field(values, [16, 16, 40]))
        #expect(some.skipped == 2 && some.channels.values[0] == 3)
        let wrong = try package(["fold-0.onnx"], window: window.replacingOccurrences(of: "[3, -2]", with: "[3]"))
        guard case .mismatch? = failure({ _ = try run(wrong, field(values, [16, 16, 40])) }) else {
            Issue.record("one output for two channels")
            return
        }
    }

    @Test("A slab holds one window and a plane more, and each plane is readable once")
    func slabs() throws {
        let package = try package(["fold-0.onnx"], window: "roi: [16, 16, 16], overlap: 0.25")
        var run = try NetworkRun(networks: Engine(threads: 1).volumetricNetworks(of: package), package: package)
        var planes: [Int] = []
        let field = field([Float](repeating: 1, count: 17 * 20 * 50), [17, 20, 50])
        try run.slabs(of: field, as: .channels(.softmax)) { slab throws(InferenceError) in
            #expect(slab.order == [2, 0, 1] && slab.planes.count <= 17 && slab.stride <= 17 * 17 * 20)
            planes += Array(slab.readable)
        }
        #expect(planes == Array(0..<50))
        #expect(Accumulator.bytes(shape: [287, 287, 397], roi: [96, 96, 96], channels: 105, marks: 2) < 3_500_000_000)
    }

    @Test("A whole body of 105 classes is told to need less than 5 GB, and no budget beneath that runs it")
    func wholeBody() throws {
        let outputs = (1..<105).map {
            """
            {channel: \($0), label: L\($0), code: ["\($0)", "99T", L], category: [B, "99T", Cat], type: ["\($0)", "99T", L],
             priority: routine, confidence: mean}
            """
        }
        let grid = Grid(
            origin: Vector3(0, 0, 0), columnStep: Vector3(0.84, 0, 0), rowStep: Vector3(0, 0.84, 0),
            sliceStep: Vector3(0, 0, 1.5), columns: 512, rows: 512, slices: 397)
        for restore in ["nearest", "linear"] {
            let manifest = try Fixtures.package(
                network: "fold-0.onnx", inference: "{slidingWindow: {roi: [96, 96, 96], overlap: 0.25}}",
                preprocess: "[{orientation: RAS}, {spacing: {mm: [1.5, 1.5, 1.5]}}]",
                decision: "{activation: softmax, rule: argmax, restore: \(restore)}",
                outputs: "[\(outputs.joined(separator: ", "))]"
            ).manifest
            let need = MemoryNeed(manifest, grid: grid, channels: 105)
            #expect((4_000_000_000..<5_000_000_000).contains(need.peak), "\(need.peak)")
            #expect(need.refusals(budget: need.peak - 1).count == 1 && need.refusals(budget: need.peak).isEmpty)
        }
    }

    @Test("A package that is slower than its budget stops between windows")
    func tooSlow() throws {
        var package = try package(["fold-0.onnx"], window: "roi: [16, 16, 16], overlap: 0.9")
        package.manifest.budget.time = 0.2
        var run = try NetworkRun(
            networks: Engine(threads: 1).volumetricNetworks(of: package), package: package,
            progress: { _ in Thread.sleep(forTimeInterval: 0.05) })
        let error = failure {
            _ = try run.channels(of: self.field([Float](repeating: 1, count: 16 * 16 * 64), [16, 16, 64]))
        }
        #expect(error == .tooSlow(package: "test", budget: 0.2))
        #expect(error?.isRefusal == false && error?.isTransient == false)
    }

    @Test("A graph that does not fit the manifest is refused when it is loaded, in one line")
    func misfits() throws {
        let engine = try Engine(threads: 1)
        let cases = [
            (["attention.onnx"], "roi: [8, 8, 8]", "the manifest gives it [1, 1, 8, 8, 8]"),
            (["two-channels.onnx"], "roi: [16, 16, 16]", "the manifest gives it [1, 1, 16, 16, 16]"),
            (["unknown-operator.onnx"], "roi: [16, 16, 16]", "Frobnicate"),
            (["fold-0.onnx"], "roi: [16, 16, 16], batch: 2", "the manifest gives it [2, 1, 16, 16, 16]"),
        ]
        for (graphs, window, words) in cases {
            let error = failure { try engine.prepare(try package(graphs, window: window)) }
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains(words) && !text.contains("\n"), "\(text)")
            #expect(text.count < 500)
        }
    }
}

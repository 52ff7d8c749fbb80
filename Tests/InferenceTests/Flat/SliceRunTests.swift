// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Inference

/// Networks of scripts/goldens/flat in packages.
enum FlatFixtures {
    static func package(
        _ network: String, folder: URL = FlatGoldens.folder, inference: String, preprocess: String = "[]",
        activation: String = "sigmoid", marks: String, explain: String = "", memory: Int = 1000,
        unit: String = "[hnsf'U]"
    ) throws -> ModelPackage {
        let text = """
            schema: 1
            name: test
            version: "1"
            title: test
            manufacturer: test
            use: research
            licence: {spdx: Apache-2.0, file: LICENSE}
            card: CARD.md
            intendedUse: tests
            \(network)
            claim: {modality: [CT], bodyPartExamined: {oneOf: [HEAD]}}
            quality: {unit: "\(unit)"}
            preprocess: \(preprocess)
            inference: \(inference)
            decision: {activation: \(activation)\(marks.hasPrefix("outputs") ? ", rule: argmax, restore: linear" : "")}
            \(marks)
            \(explain)
            budget: {memory: \(memory), time: 60}
            """
        return ModelPackage(
            manifest: try Manifest.read(text, file: "manifest.yaml"), folder: folder.path,
            identity: ModelIdentity(
                name: "test", version: "1", manufacturer: "test", digest: network + inference, isDemonstration: false))
    }

    static func graph(_ file: String, _ rest: String = "") -> String {
        "{file: \(file), sha256: \(String(repeating: "0", count: 64))\(rest)}"
    }

    static func score(_ channel: Int, threshold: Double = 0.5, _ rest: String = "") -> String {
        """
        {channel: \(channel), threshold: \(threshold), label: class \(channel), code: [A\(channel), "99T", Thing],
          priority: urgent\(rest)}
        """
    }
}

@Suite struct SliceRunTests {
    @Test(
        "Slices in windows are tiled, padded and blended as MONAI's SliceInferer does it",
        arguments: FlatGoldens.all.slices)
    func windows(_ golden: FlatGoldens.Slices) throws {
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("maps.onnx"), inference: "{slices: {batch: 4, roi: [16, 16]}}",
            activation: "none",
            marks: """
                outputs: [{channel: 0, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat],
                  type: [C, "99T", Type], priority: urgent, confidence: mean}]
                """)
        guard case .slices(let rule) = package.manifest.inference else { return }
        let field = Field(
            lattice: Lattice(
                shape: golden.shape, origin: Vector3(0, 0, 0),
                steps: [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(1, 0, 0)]),
            values: try FlatGoldens.floats(golden.input))
        let run = SliceRun(
            engine: try Engine(threads: 1), package: package, role: .main, batch: rule.batch, shouldStop: { false })
        let maps = SliceMaps(run: run, window: rule.window, decision: package.manifest.decision)
        let channels = try maps.channels(of: SlicePlanes(field, [], stored: nil), on: field.lattice)
        #expect(FlatGoldens.worst(channels.values, try FlatGoldens.floats(golden.output)) < 1e-4)
    }

    @Test func `operating points are torchxrayvision's`() throws {
        let golden = FlatGoldens.all.operatingPoints
        let (raw, expected) = (try FlatGoldens.floats(golden.input), try FlatGoldens.floats(golden.output))
        let count = golden.points.count
        for (class_, point) in golden.points.enumerated() {
            // A class without a point is 0.5 there, and is not listed in a manifest.
            guard let point else { continue }
            for row in 0..<golden.rows {
                let score = SliceScores.activated([raw[row * count + class_]], .sigmoid)[0]
                #expect(abs(normalised(score, point: Float(point)) - expected[row * count + class_]) < 1e-6)
            }
        }
    }

    @Test func `features are followed by their differences to both neighbours`() throws {
        let golden = FlatGoldens.all.deltas
        let values = try FlatGoldens.floats(golden.input)
        let rows = (0..<golden.slices).map { Array(values[$0 * golden.features..<($0 + 1) * golden.features]) }
        #expect(Array(withDeltas(rows).joined()) == (try FlatGoldens.floats(golden.output)))
    }

    @Test func `scores of slices become one, and name the slice`() throws {
        let scores = try SliceScores(raw: [[0.1], [0.8], [0.6], [0.8]], .none, [], package: "test")
        func score(_ aggregate: String) throws -> Manifest.Score {
            try FlatFixtures.package(
                "network: " + FlatFixtures.graph("classifier.onnx"), inference: "{slices: {}}",
                marks: "scores: [\(FlatFixtures.score(0, threshold: 0.5, aggregate))]"
            ).manifest.scores[0]
        }
        let maximum = scores.together(try score(""))
        #expect(maximum.value == 0.8 && maximum.slice == 1)
        let mean = scores.together(try score(", aggregate: {meanOfTop: 3}"))
        #expect(abs(mean.value - 2.2 / 3) < 1e-6 && mean.slice == 1)
    }

    @Test func `softmax keeps its sum where values are great`() {
        let scores = SliceScores.activated([1000, 1001, 990], .softmax)
        #expect(abs(scores.reduce(0, +) - 1) < 1e-6 && scores[1] > scores[0])
    }
}

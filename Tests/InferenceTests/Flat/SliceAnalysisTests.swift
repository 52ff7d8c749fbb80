// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

/// Stand-ins of scripts/standins/slices, from voxels to findings.
@Suite struct SliceAnalysisTests {
    private struct Goldens: Decodable {
        struct Chest: Decodable {
            var height: Int
            var width: Int
            var points: [Double]
            var scores: [Double]
        }
        struct Head: Decodable {
            var shape: [Int]
            var scores: [Double]
            var slices: [Int]
        }
        var chest: Chest
        var head: Head
    }
    private static let folder = Fixtures.goldens.appendingPathComponent("slices")
    private let goldens: Goldens

    init() throws {
        goldens = try JSONDecoder().decode(
            Goldens.self, from: Data(contentsOf: Self.folder.appendingPathComponent("slices.json")))
    }

    private func values(_ name: String) throws -> [Float] {
        try Data(contentsOf: Self.folder.appendingPathComponent(name)).withUnsafeBytes {
            $0.bindMemory(to: Int16.self).map { Float($0) }
        }
    }

    @Test func `a radiograph is classified as torchxrayvision classifies it`() throws {
        let golden = goldens.chest
        let scores = golden.points.enumerated().map {
            FlatFixtures.score($0.offset, threshold: 0.5, ", operatingPoint: \($0.element)")
        }
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("chest.onnx", ", outputs: {scores: logits}"), folder: Self.folder,
            inference: "{projection: {}}",
            preprocess: """
                [{scaleStored: {to: [-1024, 1024]}}, {centerCropSquare: true},
                  {resize: {size: [224, 224], method: bilinearAntialiased}}]
                """,
            marks: "scores: [\(scores.joined(separator: ", "))]", explain: "explain: {activationMap: cam}",
            unit: "[arb'U]")
        var volume = Fixtures.volume(
            try values("chest.in.i16"), shape: [1, golden.height, golden.width], unit: VoxelVolume.arbitraryUnit)
        volume.declared.valueRange = 0...4095
        let result = try Analysis(engine: try Engine(threads: 1)).run(package, on: volume)
        #expect(result.scores.count == 18)
        for (score, expected) in zip(result.scores, golden.scores) { #expect(abs(score.value - expected) < 1e-4) }
        let positive = golden.scores.indices.filter { golden.scores[$0] >= 0.5 }
        #expect(result.findings.map(\.label) == positive.map { "class \($0)" })
        #expect(!positive.isEmpty && positive.count < 18)
        #expect(result.findings.allSatisfy { $0.maskIndex == nil && $0.type == $0.code })
        #expect(result.scores.allSatisfy { $0.isCalibrated && $0.code.scheme == "99T" })
        #expect(result.explanations.map(\.label) == result.findings.map(\.label))
        #expect(result.explanations.map(\.finding) == Array(result.findings.indices))
        let map = try #require(result.explanations[0].map)
        #expect(map.computed == [7, 7] && map.deletion != nil)
        // What the crop cut off was not looked at.
        #expect(map.values[..<(19 * golden.width)].allSatisfy { $0 == 0 })
    }

    @Test func `slices go through an encoder and a sequence network as in the second place of RSNA 2019`() throws {
        let golden = goldens.head
        let scores = golden.scores.indices.map { FlatFixtures.score($0) }
        let package = try FlatFixtures.package(
            "networks: {encoder: \(FlatFixtures.graph("encoder.onnx")), sequence: \(FlatFixtures.graph("sequence.onnx"))}",
            folder: Self.folder, inference: "{sliceSequence: {batch: 3, deltas: true}}",
            preprocess: """
                [{stretchWindows: [{center: 40, width: 80}, {center: 80, width: 200}, {center: 40, width: 380}]},
                  {autocrop: true}, {resize: {size: [48, 48], method: bilinearBytes}},
                  {normalize: {channelWise: true, mean: [57.02815665, 46.38553785, 64.3476435],
                    deviation: [82.7514168, 75.385497, 79.9049028]}}]
                """,
            marks: "scores: [\(scores.joined(separator: ", "))]",
            explain: "explain: {occlusion: {size: [16, 16], overlap: 0, passes: 9}}")
        let volume = Fixtures.volume(try values("head.in.i16"), shape: golden.shape)
        let result = try Analysis(engine: try Engine(threads: 1)).run(package, on: volume)
        for (score, expected) in zip(result.scores, golden.scores) { #expect(abs(score.value - expected) < 1e-4) }
        #expect(result.scores.map(\.slice) == golden.slices)
        #expect(
            result.findings.map(\.keySlice)
                == golden.slices.indices.filter { golden.scores[$0] >= 0.5 }.map { golden.slices[$0] })
        #expect(result.explanations.count == result.findings.count)
    }

    @Test func `slices that are resized are marked on the grid they came from`() throws {
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("maps.onnx"), folder: Self.folder, inference: "{slices: {batch: 2}}",
            preprocess: "[{centerCropSquare: true}, {resize: {size: [32, 32], method: bilinear}}]",
            activation: "softmax",
            marks: """
                outputs: [{channel: 1, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat],
                  type: [C, "99T", Type], priority: urgent, confidence: mean}]
                """)
        var values = [Float](repeating: 0, count: 3 * 64 * 80)
        for h in 20..<40 { for w in 30..<50 { values[64 * 80 + h * 80 + w] = 2 } }
        let result = try Analysis(engine: try Engine(threads: 1)).run(
            package, on: Fixtures.volume(values, shape: [3, 64, 80]))
        let finding = try #require(result.findings.first)
        #expect(finding.keySlice == 1)
        // 20 by 20 pixels, and one of the network's pixels, which are twice as large, around them.
        let count = result.masks[0].voxels.reduce(0) { $0 + Int($1) }
        #expect(count >= 20 * 20 && count <= 24 * 24)
        #expect(result.masks[0].isEmpty(slice: 0) && result.masks[0].isEmpty(slice: 2))
        #expect(result.explanations.map(\.kind) == [.mask])
    }

    @Test func `a package with more slices than its memory is refused before it runs`() throws {
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("maps.onnx"), folder: Self.folder, inference: "{slices: {}}",
            preprocess: "[{resize: {size: [32, 32], method: bilinear}}]",
            marks: "scores: [\(FlatFixtures.score(0))]", memory: 1)
        let volume = Fixtures.volume([Float](repeating: 0, count: 8 * 256 * 256), shape: [8, 256, 256])
        #expect {
            _ = try Analysis(engine: try Engine(threads: 1)).run(package, on: volume)
        } throws: { ($0 as? InferenceError)?.isRefusal == true }
    }

    @Test func `slices of different sizes in one batch are an error that says what helps`() throws {
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("maps.onnx"), folder: Self.folder, inference: "{slices: {}}",
            preprocess: "[{autocrop: true}]", marks: "scores: [\(FlatFixtures.score(0))]")
        var values = [Float](repeating: 0, count: 2 * 32 * 32)
        values[5] = 1
        for i in 1024..<1400 { values[i] = 1 }
        #expect {
            _ = try Analysis(engine: try Engine(threads: 1)).run(
                package, on: Fixtures.volume(values, shape: [2, 32, 32]))
        } throws: { "\($0)".contains("`resize`") }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Inference

@Suite struct PrecisionEffectTests {
    private func result(_ found: [(label: String, confidence: Double, voxels: [UInt8])], score: Double? = nil)
        -> AnalysisResult
    {
        var result = AnalysisResult(
            model: ModelIdentity(name: "test", version: "1", manufacturer: "t", digest: "d", isDemonstration: false),
            findings: [], masks: [], longAxes: [],
            coverage: .init(slices: 2, extent: 2, isNegativeAccepted: false, reason: nil), notes: [], timing: .init())
        for (label, confidence, voxels) in found {
            result.findings.append(
                Finding(
                    label: label, code: Code("A", "99T", "A"), category: Code("A", "99T", "A"),
                    type: Code("A", "99T", "A"), site: nil, laterality: nil, confidence: confidence, priority: .routine,
                    measurements: [], volumeML: Double(voxels.count { $0 != 0 }), maskIndex: result.masks.count,
                    keySlice: 0))
            result.masks.append(Mask(columns: 5, rows: 1, slices: 2, voxels: voxels))
        }
        if let score {
            result.scores = [ClassScore(label: "class", code: Code("A", "99T", "A"), value: score, threshold: 0.5)]
        }
        return result
    }

    @Test("Changed voxels are counted once, and each structure's against its own")
    func comparison() {
        let exact = result(
            [
                ("a", 0.9, [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]), ("b", 0.8, [0, 0, 0, 1, 1, 0, 0, 0, 0, 0]),
                ("gone", 0.6, [0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
            ], score: 0.7)
        let other = result(
            [("a", 0.85, [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]), ("b", 0.8, [0, 0, 1, 1, 1, 0, 0, 0, 0, 0])], score: 0.72)
        let effect = PrecisionEffect(of: other, against: exact)
        #expect(effect.structures.map(\.label) == ["a", "b", "gone", "class"])
        let volumesF32: [Double?] = [3, 2, 1, nil]
        let volumes: [Double?] = [2, 3, nil, nil]
        let disagreements: [Double?] = [1.0 / 3, 1.0 / 3, 1, nil]
        #expect(effect.structures.map(\.volumeF32) == volumesF32)
        #expect(effect.structures.map(\.volume) == volumes)
        #expect(effect.structures.map(\.disagreement) == disagreements)
        for (each, expected) in zip(effect.structures, [0.05, 0, 0.6, 0.02]) {
            #expect(abs(each.scoreChange - expected) < 1e-9)
        }
        #expect(effect.changedVoxels == 0.2 && effect.greatestScoreChange == 0.6)
        let none = PrecisionEffect(of: exact, against: exact)
        #expect(none.changedVoxels == 0 && none.greatestScoreChange == 0)
    }

    @Test("A package in bf16 runs in it, and its result is near that of f32")
    func bf16() throws {
        var package = try Fixtures.package(
            network: "fold-0.onnx", folder: Fixtures.goldens.appendingPathComponent("Windows").path,
            inference: "{slidingWindow: {roi: [16, 16, 16], overlap: 0.25}}",
            preprocess: "[{scaleRange: {from: [-150, 200], to: [0, 1], clip: true}}]",
            decision: "{activation: softmax, rule: argmax, restore: nearest}",
            outputs: """
                [{channel: 1, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat], type: [C, "99T", Type],
                  priority: urgent, confidence: mean}]
                """)
        let values = (0..<24 * 24 * 24).map { (index: Int) -> Float in Float(index * 7919 % 400) - 200 }
        let volume = Fixtures.volume(values, shape: [24, 24, 24])
        let exact = try Analysis(engine: Engine(threads: 1)).run(package, on: volume)
        package.manifest.networks[0].precision = .bf16
        let result = try Analysis(engine: Engine(threads: 1)).run(package, on: volume)
        let effect = PrecisionEffect(of: result, against: exact)
        #expect(effect.structures.count == 1 && effect.changedVoxels < 0.1 && effect.greatestScoreChange < 0.05)
        // Without these instructions OpenVINO computes in f32.
        let flags = try String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
        if flags.contains("avx512_bf16") || flags.contains("amx_bf16") {
            #expect(effect.greatestScoreChange > 1e-6, "\(effect)")
        }
    }
}

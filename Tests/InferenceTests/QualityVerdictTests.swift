// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Testing
import Volume

@testable import Inference

@Suite struct QualityVerdictTests {
    /// Twelve slices of 8×8 of air around a body of 40 HU; `change` spoils it.
    private func volume(
        steps: [Vector3] = [Vector3(0, 0, 3), Vector3(0, 1, 0), Vector3(1, 0, 0)],
        _ change: (_ slice: Int, _ row: Int, _ column: Int) -> Float? = { _, _, _ in nil }
    ) -> VoxelVolume {
        var values: [Float] = []
        for s in 0..<12 {
            for r in 0..<8 {
                for c in 0..<8 {
                    let isBody = (2..<6).contains(r) && (2..<6).contains(c)
                    values.append(change(s, r, c) ?? (isBody ? 40 + Float(s) : -1000))
                }
            }
        }
        var volume = Fixtures.volume(values, shape: [12, 8, 8], steps: steps)
        volume.declared.bitsStored = 12
        volume.declared.valueRange = -1024...3071
        return volume
    }

    /// What a gate that does not pass says.
    private struct Verdict: Equatable {
        var action: QualityGateResult.Outcome
        var evidence: String
    }

    private func broken(_ results: [QualityGateResult]) -> [Verdict] {
        results.filter { $0.outcome != .pass }.map { Verdict(action: $0.outcome, evidence: $0.evidence) }
    }

    private func results(_ gate: String, _ volume: VoxelVolume) throws -> [QualityGateResult] {
        let package = try Fixtures.package(
            network: "identity.onnx", quality: #"{unit: "[hnsf'U]", gates: {\#(gate)}}"#)
        return QualityVerdicts(
            gates: package.manifest.quality.gates, facts: VolumeFacts(volume), unit: volume.unit.value
        ).all
    }

    private func verdicts(_ gate: String, _ volume: VoxelVolume) throws -> [Verdict] {
        broken(try results(gate, volume))
    }

    @Test(
        "A sound volume passes every gate",
        arguments: [
            "tilt: {block: {maximum: 1}}", "percentile1: {block: {minimum: -1100, maximum: -900}}",
            "percentile99: {block: {maximum: 60}}", "air: {block: {minimum: 0.5, maximum: 0.9}}",
            "saturation: {block: {maximum: 0.001}}", "blankSlices: {block: {maximum: 0}}",
            "motion: {block: {maximum: 4}}", "truncation: {block: {maximum: 0}}",
            "bitsStored: {block: {minimum: 12, maximum: 12}}",
        ])
    func sound(_ gate: String) throws {
        let results = try results(gate, volume())
        #expect(results.map(\.outcome) == [.pass])
        #expect(results[0].value != nil && results[0].evidence.hasSuffix(" allowed"), "\(results)")
        #expect(gate.hasPrefix(results[0].name))
    }

    @Test("A number that a series does not give passes, and is said to be unknown; values have their unit")
    func unknown() throws {
        let image = Fixtures.volume([Float](repeating: 3, count: 64), shape: [1, 8, 8])
        #expect(
            try results("tilt: {block: {maximum: 1}}", image) == [
                QualityGateResult(
                    name: "tilt", outcome: .pass, value: nil, unit: "deg",
                    evidence: "the tilt between slices in degrees is not known")
            ])
        let bright = try results("percentile99: {warn: {maximum: 60}}", volume())[0]
        #expect(bright.unit == "[hnsf'U]" && bright.value.map { abs($0 - 51) < 1.1 } == true)
    }

    @Test("A gate that is broken says what was measured, where, and what is allowed; blocking comes before warning")
    func broken() throws {
        let tilted = volume(steps: [Vector3(0, 3, 3), Vector3(0, 1, 0), Vector3(1, 0, 0)])
        #expect(
            try verdicts("tilt: {warn: {maximum: 5}, block: {maximum: 30}}", tilted) == [
                .init(action: .block, evidence: "the tilt between slices in degrees is 45, at most 30 allowed")
            ])
        #expect(
            try verdicts("tilt: {warn: {maximum: 5}, block: {maximum: 50}}", tilted) == [
                .init(action: .warn, evidence: "the tilt between slices in degrees is 45, at most 5 allowed")
            ])
        let blank = volume { slice, _, _ in slice == 4 ? 0 : nil }
        #expect(
            try verdicts("blankSlices: {block: {maximum: 0}}", blank) == [
                .init(action: .block, evidence: "the number of blank slices is 1 from slice 5, at most 0 allowed")
            ])
        let bright = volume { _, row, _ in row == 3 ? 3071 : nil }
        #expect(try verdicts("saturation: {warn: {maximum: 0.01}}", bright).map(\.action) == [.warn])
        #expect(try verdicts("percentile99: {block: {maximum: 60}}", bright).count == 1)
        let cut = volume { _, row, column in row < 6 && (2..<6).contains(column) ? 40 : nil }
        #expect(try verdicts("truncation: {block: {maximum: 0.1}}", cut).count == 1)
        let airless = volume { _, _, _ in 20 }
        #expect(try verdicts("air: {block: {minimum: 0.1}}", airless).count == 1)
        #expect(try verdicts("bitsStored: {warn: {minimum: 16}}", volume()).count == 1)
    }

    @Test("One slice that is out of place stands out as motion, and is named")
    func motion() throws {
        let moved = volume { slice, row, column in
            slice == 6 ? ((4..<8).contains(row) && (2..<6).contains(column) ? 46 : -1000) : nil
        }
        let found = try verdicts("motion: {block: {maximum: 4}}", moved)
        #expect(found.count == 1)
        #expect(
            found.first?.evidence.contains("after slice 6,") == true
                || found.first?.evidence.contains("after slice 7,") == true)
    }

    private func anatomy(
        _ text: String, contrast: Bool = false, _ marked: Anatomy?
    ) throws -> [Verdict] {
        let package = try Fixtures.package(network: "identity.onnx", quality: #"{unit: "[hnsf'U]", \#(text)}"#)
        let results = AnatomyVerdicts(
            quality: package.manifest.quality, slices: 20, marked: { _ in marked }, declaresContrast: contrast
        ).all
        #expect(results.count == 1 && results[0].label == "thing" && (results[0].value == nil) == (marked == nil))
        return broken(results)
    }

    @Test("Anatomy that is missing, small or cut off by an end of the volume is said to be so")
    func whole() throws {
        let rule = "whole: [{label: thing, minimumVolume: 10, action: block}]"
        #expect(try anatomy(rule, Anatomy(volume: 50, mean: 0, slices: 1...18)) == [])
        #expect(try anatomy(rule, nil) == [.init(action: .block, evidence: "thing was not found")])
        #expect(
            try anatomy(rule, Anatomy(volume: 5, mean: 0, slices: 1...18)) == [
                .init(action: .block, evidence: "thing measures 5 mL, at least 10 mL expected")
            ])
        #expect(
            try anatomy(rule, Anatomy(volume: 50, mean: 0, slices: 0...19)).first?.evidence
                == "thing reaches the first and the last slice: it is not covered whole")
    }

    @Test(
        "The header's word on contrast is held against what a vessel measures",
        arguments: [(false, 40.0, true), (true, 200.0, true), (false, 200.0, false), (true, 40.0, false)])
    func contrast(_ declared: Bool, _ mean: Double, _ agrees: Bool) throws {
        let rule = "contrast: {label: thing, enhancedFrom: 120, action: warn}"
        let found = try anatomy(rule, contrast: declared, Anatomy(volume: 50, mean: mean, slices: 1...18))
        #expect(found.isEmpty == agrees)
        if !agrees {
            #expect(found.first?.evidence.contains(declared ? "declares a contrast agent" : "declares no") == true)
        }
    }
}

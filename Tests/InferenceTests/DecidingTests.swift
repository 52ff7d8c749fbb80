// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Inference

@Suite struct DecidingTests {
    private let lattice = Lattice(
        shape: [1, 1, 4], origin: Vector3(0, 0, 0), steps: [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(1, 0, 0)])

    private func output(channel: Int, confidence: String = "mean", threshold: Double = 0.5) throws -> Manifest.Output {
        let package = try Fixtures.package(
            network: "two-kernels.onnx",
            outputs: """
                [{channel: \(channel), threshold: \(threshold), label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat],
                  type: [C, "99T", Type], priority: urgent, confidence: \(confidence)}]
                """)
        return package.manifest.outputs[0]
    }
    /// What is marked of [C, 1, 1, 4] channels, read by `sampler`.
    private func marked(
        _ channels: Int, _ values: [Float], _ output: Manifest.Output, rule: String, sampler: Sampler? = nil,
        decision: String = "activation: none, restore: linear"
    ) throws -> (marking: Marking, voxels: MarkedVoxels) {
        // The output is put in afterwards: its threshold belongs to other rules than argmax.
        var manifest = try Fixtures.package(
            network: "two-kernels.onnx", decision: "{rule: \(rule), \(decision)}",
            outputs: """
                [{channel: 0, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat], type: [C, "99T", Type],
                  priority: urgent, confidence: mean}]
                """
        ).manifest
        manifest.outputs = [output]
        let sampler = sampler ?? Sampler(source: lattice, target: lattice, interpolation: .linear)
        let decider = Decider(manifest, shape: sampler.target) { _ in sampler }
        var values = values
        try values.withUnsafeMutableBufferPointer {
            try decider.take(
                Slab(
                    order: [0, 1, 2], shape: lattice.shape, planes: 0..<1, channels: channels, stride: 4,
                    values: $0.baseAddress!))
        }
        var scratch: [UInt8] = []
        let voxels = decider.marked[0]
        var marking = voxels.marking(shape: sampler.target, scratch: &scratch)
        if marking.voxels.isEmpty { marking = .empty(sampler.target) }
        return (marking, voxels)
    }

    @Test("Softmax and sigmoid are those of the textbook, and do not overflow")
    func activations() {
        // 18 voxels: a vector of 16, and a rest.
        let columns: [(Float, Float)] = [(0, 0), (1, 2), (500, 0), (-500, 0)]
        for count in [4, 18] {
            var values = (0..<2).flatMap { c in (0..<count).map { c == 0 ? columns[$0 % 4].0 : columns[$0 % 4].1 } }
            values.withUnsafeMutableBufferPointer {
                activate($0.baseAddress!, channels: 2, stride: count, count: count, .softmax)
            }
            let expected: [Float] = [0.5, 0.268_941_4, 1, 0]
            for i in 0..<count {
                #expect(abs(values[i] - expected[i % 4]) < 1e-6)
                #expect(abs(values[count + i] - (1 - expected[i % 4])) < 1e-6)
            }
            var single = (0..<count).map { [0, 2, 100, -100][$0 % 4] as Float }
            single.withUnsafeMutableBufferPointer {
                activate($0.baseAddress!, channels: 1, stride: count, count: count, .sigmoid)
            }
            for i in 0..<count { #expect(abs(Double(single[i]) - [0.5, 0.880_797, 1, 0][i % 4]) < 1e-6) }
        }
    }

    @Test("The fast exponential is right to two units of the last place")
    func exponential() {
        let points = (0..<4096).map { Float($0) / 4096 * 170 - 85 }
        var values = points.map { -$0 }
        values.withUnsafeMutableBufferPointer {
            activate($0.baseAddress!, channels: 1, stride: points.count, count: points.count, .sigmoid)
        }
        for (x, value) in zip(points, values) {
            let right = 1 / (1 + exp(Double(x)))
            #expect(abs(Double(value) - right) <= 4e-7 * right)
        }
    }

    @Test("Argmax marks the greatest channel, and the first of equals")
    func argmax() throws {
        let values: [Float] = [1, 5, 2, 0, 1, 5, 3, 0, 0, 4, 9, 0]
        for (channel, expected) in [[1, 1, 0, 1], [0, 0, 0, 0], [0, 0, 1, 0]].enumerated() {
            let found = try marked(3, values, try output(channel: channel), rule: "argmax")
            #expect(found.marking.voxels == expected.map { UInt8($0) })
        }
    }

    @Test("A voxel at the threshold does not belong")
    func threshold() throws {
        let found = try marked(1, [0.5, 0.500_1, 1, 0], try output(channel: 0), rule: "threshold")
        #expect(found.marking.voxels == [0, 1, 1, 0])
        #expect(found.marking.box == Box(lower: [0, 0, 1], upper: [1, 1, 3]))
        #expect(found.voxels.runs == [.init(row: 0, start: 1, length: 2)])
        #expect(found.voxels.values == [0.500_1, 1])
    }

    @Test("Of regions that overlap, the last listed takes the voxel")
    func regionsInOrder() throws {
        let codes =
            #"code: [A, "99T", A], category: [B, "99T", B], type: [C, "99T", C], priority: urgent, confidence: mean"#
        let manifest = try Fixtures.package(
            network: "two-kernels.onnx", decision: "{activation: none, rule: regions, restore: linear}",
            outputs:
                "[{channel: 2, threshold: 0.5, label: whole, \(codes)}, {channel: 0, threshold: 0.5, label: core, \(codes)}]"
        ).manifest
        let decider = Decider(manifest, shape: [1, 1, 4]) { _ in
            Sampler(source: self.lattice, target: self.lattice, interpolation: .nearest)
        }
        var values: [Float] = [0, 0.7, 0.6, 0, 1, 1, 1, 1, 0.9, 0.8, 0.2, 0.5]
        try values.withUnsafeMutableBufferPointer {
            try decider.take(
                Slab(
                    order: [0, 1, 2], shape: [1, 1, 4], planes: 0..<1, channels: 3, stride: 4, values: $0.baseAddress!))
        }
        #expect(decider.marked[0].runs == [.init(row: 0, start: 0, length: 1)] && decider.marked[0].values == [0.9])
        #expect(decider.marked[1].runs == [.init(row: 0, start: 1, length: 2)])
        #expect(decider.marked[1].values == [0.7, 0.6])
    }

    @Test("An activation after the resampling sees the interpolated outputs")
    func activatedAfterwards() throws {
        // Between −2 and 4 lies 1: above 0 as an output, and sigmoid(1) = 0.73; the mean of the sigmoids is 0.55.
        let target = Lattice(shape: [1, 1, 3], origin: Vector3(0.5, 0, 0), steps: lattice.steps)
        let sampler = Sampler(source: lattice, target: target, interpolation: .linear)
        for (after, expected) in [("true", 0.731_058_6), ("false", 0.550_608)] {
            let found = try marked(
                1, [-2, 4, -9, -9], try output(channel: 0), rule: "threshold", sampler: sampler,
                decision: "activation: sigmoid, restore: linear, activateAfterRestore: \(after)")
            // The slab of a real run comes activated where that comes first.
            if after == "true" {
                #expect(found.marking.voxels == [1, 0, 0])
                #expect(abs(Double(found.voxels.values[0]) - expected) < 1e-6)
            } else {
                #expect(found.voxels.values == [1])
            }
        }
    }

    @Test("Marked voxels beyond what the budget leaves end the run")
    func limit() throws {
        let manifest = try Fixtures.package(network: "two-kernels.onnx").manifest
        let decider = Decider(manifest, shape: [1, 1, 4], limit: 8) { _ in
            Sampler(source: self.lattice, target: self.lattice, interpolation: .nearest)
        }
        var values: [Float] = [1, 1, 1, 1]
        #expect(throws: InferenceError.self) {
            try values.withUnsafeMutableBufferPointer {
                try decider.take(
                    Slab(
                        order: [0, 1, 2], shape: [1, 1, 4], planes: 0..<1, channels: 1, stride: 4,
                        values: $0.baseAddress!))
            }
        }
    }

    @Test(
        "Every voxel is decided, whatever the grids' directions and borders", arguments: [-1.0, 1.0])
    func support(_ sign: Double) throws {
        // The same line seen from the other end, at twice the resolution and longer at both ends.
        let target = Lattice(
            shape: [1, 1, 12], origin: Vector3(sign > 0 ? -1 : 4, 0, 0),
            steps: [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(0.5 * sign, 0, 0)])
        let sampler = Sampler(source: lattice, target: target, interpolation: .linear)
        for values in [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]] as [[Float]] {
            let found = try marked(
                1, values, try output(channel: 0, threshold: 0.4), rule: "threshold", sampler: sampler)
            let all = sampler.resample(values).map { $0 > 0.4 ? UInt8(1) : 0 }
            #expect(found.marking.voxels == all)
            #expect(all.contains(1))
        }
    }

    @Test(
        "Confidence follows the manifest's rule over what post-processing left",
        arguments: [
            ("mean", 0.7), ("maximum", 0.9), ("{percentile: 50}", 0.7), ("{percentile: 25}", 0.6),
            ("{fixed: 0.25}", 0.25),
        ])
    func confidence(_ rule: String, _ expected: Double) throws {
        let found = try marked(
            1, [0.5, 0.7, 0.9, 0.3], try output(channel: 0, confidence: rule, threshold: 0.2), rule: "threshold")
        // The last was removed.
        let left = Marking(shape: lattice.shape, voxels: [1, 1, 1, 0])
        let confidence = found.voxels.confidence(try output(channel: 0, confidence: rule).confidence, in: left)
        #expect(abs(confidence - expected) < 1e-6)
    }

    @Test("Intensity steps follow MONAI's ScaleIntensityRange, with and without clipping")
    func intensity() throws {
        let volume = Fixtures.volume([-1000, -175, 37.5, 250, 1000], shape: [1, 1, 5])
        #expect(
            try preprocess(volume, [.scaleRange(from: -175...250, to: 0...1, clip: true)]).values == [0, 0, 0.5, 1, 1])
        let open = try preprocess(volume, [.scaleRange(from: -175...250, to: -1...1, clip: false)]).values
        for (value, right) in zip(open, [-4.882_353, -1, 0, 1, 4.529_412]) {
            #expect(abs(Double(value) - right) < 1e-5)
        }
        #expect(try preprocess(volume, [.clip(-100...100)]).values == [-100, -100, 37.5, 100, 100])
    }

    @Test("Steps that only turn the axes move voxels exactly")
    func turning() throws {
        let volume = Fixtures.volume([0, 1, 2, 3, 4, 5], shape: [1, 2, 3])
        // Slices up, rows to the back, columns to the left: RAS puts columns first and turns rows and columns round.
        let field = try preprocess(volume, [.orientation(try #require(AxisCodes("RAS")))])
        #expect(field.lattice.shape == [3, 2, 1])
        #expect(field.values == [5, 2, 4, 1, 3, 0])
        #expect(field.lattice.origin == Vector3(2, 1, 0))
    }
}

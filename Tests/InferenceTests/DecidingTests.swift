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
    private var identity: Sampler { Sampler(source: lattice, target: lattice, interpolation: .linear) }

    @Test("Softmax and sigmoid are those of the textbook, and do not overflow")
    func activations() {
        var channels = Channels(count: 2, lattice: lattice, values: [0, 1, 500, -500, 0, 2, 0, 0])
        channels.activate(.softmax)
        let expected: [Float] = [0.5, 0.268_941_4, 1, 0, 0.5, 0.731_058_6, 0, 1]
        for (value, right) in zip(channels.values, expected) { #expect(abs(value - right) < 1e-6) }
        channels = Channels(count: 1, lattice: lattice, values: [0, 2, 100, -100])
        channels.activate(.sigmoid)
        for (value, right) in zip(channels.values, [0.5, 0.880_797, 1, 0]) {
            #expect(abs(Double(value) - right) < 1e-6)
        }
    }

    @Test("Argmax marks the greatest channel, and the first of equals")
    func argmax() throws {
        let channels = Channels(count: 3, lattice: lattice, values: [1, 5, 2, 0, 1, 5, 3, 0, 0, 4, 9, 0])
        #expect(channels.marking(of: try output(channel: 0), rule: .argmax, sampler: identity).voxels == [1, 1, 0, 1])
        #expect(channels.marking(of: try output(channel: 1), rule: .argmax, sampler: identity).voxels == [0, 0, 0, 0])
        #expect(channels.marking(of: try output(channel: 2), rule: .argmax, sampler: identity).voxels == [0, 0, 1, 0])
    }

    @Test("A voxel at the threshold does not belong")
    func threshold() throws {
        let channels = Channels(count: 1, lattice: lattice, values: [0.5, 0.500_1, 1, 0])
        #expect(
            channels.marking(of: try output(channel: 0), rule: .threshold, sampler: identity).voxels == [0, 1, 1, 0])
    }

    @Test(
        "The block that is searched holds every voxel, whatever the grids' directions and borders",
        arguments: [-1.0, 1.0])
    func support(_ sign: Double) throws {
        // The same line seen from the other end, at twice the resolution and longer at both ends.
        let target = Lattice(
            shape: [1, 1, 12], origin: Vector3(sign > 0 ? -1 : 4, 0, 0),
            steps: [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(0.5 * sign, 0, 0)])
        let sampler = Sampler(source: lattice, target: target, interpolation: .linear)
        for values in [[1, 0, 0, 0], [0, 0, 0, 1], [0, 1, 0, 0]] as [[Float]] {
            let marking = Channels(count: 1, lattice: lattice, values: values)
                .marking(of: try output(channel: 0, threshold: 0.4), rule: .threshold, sampler: sampler)
            let all = sampler.resample(values).map { $0 > 0.4 ? UInt8(1) : 0 }
            #expect(marking.voxels == all)
            #expect(all.contains(1))
        }
    }

    @Test(
        "Confidence follows the manifest's rule",
        arguments: [
            ("mean", 0.7), ("maximum", 0.9), ("{percentile: 50}", 0.7), ("{percentile: 25}", 0.6),
            ("{fixed: 0.25}", 0.25),
        ])
    func confidence(_ rule: String, _ expected: Double) throws {
        let channels = Channels(count: 1, lattice: lattice, values: [0.5, 0.7, 0.9, 0.1])
        let marking = Marking(shape: lattice.shape, voxels: [1, 1, 1, 0])
        let confidence = channels.confidence(
            of: try output(channel: 0, confidence: rule), in: marking, sampler: identity)
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

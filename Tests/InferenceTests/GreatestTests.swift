// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Inference

/// Argmax without all channels gives what argmax over all channels gives.
@Suite struct GreatestTests {
    private static let channels = 7
    private static let shape = [9, 8, 11]
    private static let steps = [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(1, 0, 0)]

    /// Channels that are greatest in blocks, so that there are voxels inside of one and between several.
    private static let logits: [Float] = {
        var state: UInt32 = 7
        func noise() -> Float {
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
            return Float(state >> 8) / Float(1 << 24)
        }
        var values: [Float] = []
        for c in 0..<channels {
            for d in 0..<shape[0] {
                for h in 0..<shape[1] {
                    for w in 0..<shape[2] { values.append(3 * noise() + (d / 4 + h / 4 + w / 4 == c ? 4 : 0)) }
                }
            }
        }
        return values
    }()

    private func manifest(_ decision: String, quality: String = "") throws -> Manifest {
        let outputs = (1..<Self.channels).map {
            """
            {channel: \($0), label: L\($0), code: ["\($0)", "99T", L], category: [B, "99T", Cat], type: ["\($0)", "99T", L],
             priority: routine, confidence: \($0 == 3 ? "{fixed: 0.5}" : "mean")}
            """
        }
        return try Fixtures.package(
            network: "two-kernels.onnx", decision: "{rule: argmax, \(decision)}",
            quality: #"{unit: "[hnsf'U]"\#(quality)}"#,
            outputs: "[\(outputs.joined(separator: ", "))]"
        ).manifest
    }

    /// Windows of two planes' overlap over the whole, as a network that gives `logits` would be put together.
    private func decided(_ manifest: Manifest, _ form: Slab.Form, sampler: @escaping ([Int]) -> Sampler) throws
        -> Decider
    {
        let (shape, roi) = (Self.shape, [9, 8, 5])
        let windows = Windows(
            volume: shape,
            window: Manifest.Window(
                roi: roi, overlap: [0, 0, 0.4], weighting: .gaussian(sigma: 0.125), padding: .constant(0)))
        let decider = Decider(manifest, shape: sampler([0, 1, 2]).target, sampler: sampler)
        let assembly = Assembly(shape: shape, windows: windows, background: nil, share: 1) { _ in form }
        for (index, group) in assembly.groups.enumerated() {
            try assembly.advance(to: index, channels: Self.channels) { (slab) throws(InferenceError) in
                try decider.take(slab)
            }
            for start in group.run {
                var output: [Float] = []
                for c in 0..<Self.channels {
                    for d in 0..<roi[0] {
                        for h in 0..<roi[1] {
                            for w in 0..<roi[2] {
                                output.append(
                                    Self.logits[((c * shape[0] + d) * shape[1] + h) * shape[2] + start[2] + w])
                            }
                        }
                    }
                }
                assembly.add(output, mirrored: [], at: start)
            }
        }
        try assembly.advance(to: assembly.groups.count, channels: Self.channels) { (slab) throws(InferenceError) in
            try decider.take(slab)
        }
        return decider
    }

    @Test(
        "The greatest channel alone, or asked first, decides as all channels do, with the same values",
        arguments: [
            ("activation: softmax, restore: nearest", Slab.Form.Greatest.alone),
            ("activation: none, restore: nearest", .alone),
            ("activation: softmax, restore: linear", .beside),
            ("activation: none, restore: linear", .beside),
            ("activation: softmax, restore: linear, activateAfterRestore: true", .beside),
        ])
    private func forms(_ decision: String, _ greatest: Slab.Form.Greatest) throws {
        let manifest = try manifest(decision)
        let network = Lattice(shape: Self.shape, origin: Vector3(0, 0, 0), steps: Self.steps)
        let source = Lattice(
            shape: [12, 10, 15], origin: Vector3(0.2, 0.1, 0.3), steps: Self.steps.map { $0 * 0.7 })
        let isRestoredFirst = manifest.decision.restore == .linear
        func sampler(_ order: [Int]) -> Sampler {
            Sampler(
                source: network.transposed(order), target: isRestoredFirst ? source : network,
                interpolation: isRestoredFirst ? .linear : .nearest)
        }
        var form = manifest.slabForm(channels: Self.channels)
        #expect(form.greatest == greatest)
        let quick = try decided(manifest, form, sampler: sampler)
        form.greatest = .none
        let whole = try decided(manifest, form, sampler: sampler)
        var voxels = 0
        for (output, (a, b)) in zip(manifest.outputs, zip(quick.marked, whole.marked)) {
            #expect(a.runs == b.runs, "\(output.label)")
            voxels += a.runs.reduce(0) { $0 + Int($1.length) }
            guard a.keepsValues else { continue }
            let worst = zip(a.values, b.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
            #expect(a.values.count == b.values.count && worst < 1e-6, "\(output.label): \(worst)")
        }
        #expect(voxels > 500)
    }

    @Test("The first of equals is the greatest channel, at any place of a block")
    func equals() {
        let count = 21
        let values = (0..<3).flatMap { c in (0..<count).map { Float([[5, 1, 2], [5, 3, 2], [4, 3, 9]][c][$0 % 3]) } }
        var (owners, best) = ([Float](repeating: -1, count: count), [Float](repeating: -1, count: count))
        Finishing.findGreatest(values, channels: 3, stride: count, count: count, owners: &owners, best: &best)
        for i in 0..<count {
            #expect(owners[i] == [0, 1, 2][i % 3] && best[i] == [5, 3, 9][i % 3])
        }
    }

    @Test("A saturated sigmoid, few channels and a channel of what was examined are decided by all channels")
    func exceptions() throws {
        #expect(try manifest("activation: sigmoid, restore: nearest").slabForm(channels: 7).greatest == .none)
        #expect(try manifest("activation: softmax, restore: linear").slabForm(channels: 2).greatest == .none)
        let examining = try manifest(
            "activation: softmax, restore: nearest",
            quality: ", negativeExtent: 10, examined: {channel: 1, minimumVolume: 1}")
        #expect(examining.slabForm(channels: 7).greatest == .none)
    }
}

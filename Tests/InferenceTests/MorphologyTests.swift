// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Inference

@Suite struct MorphologyTests {
    static let shape = [14, 16, 12]
    /// Right, front, head.
    static let lattice = Lattice(
        shape: shape, origin: Vector3(0, 0, 0), steps: [Vector3(-1, 0, 0), Vector3(0, -1, 0), Vector3(0, 0, 1)])

    private func marking(_ name: String, part: Int = 0) throws -> Marking {
        let data = try Data(contentsOf: OperationGolden.folder.appendingPathComponent("post-\(name).u8"))
        let count = Self.shape.reduce(1, *)
        return Marking(shape: Self.shape, voxels: Array(Array(data)[part * count..<(part + 1) * count]))
    }

    /// The steps as a manifest writes them, on the second of two outputs.
    private func run(_ name: String, _ steps: String, part: Int = 0, region: Marking? = nil) throws -> Marking {
        let package = try Fixtures.package(
            network: "none.onnx",
            outputs: """
                [{channel: 0, label: organ, code: [A, "99T", Thing], category: [B, "99T", Cat],
                  type: [C, "99T", Type], priority: urgent, confidence: mean},
                 {channel: 1, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat],
                  type: [C, "99T", Type], priority: urgent, confidence: mean, postprocess: \(steps)}]
                """)
        var marking = try marking("\(name).in", part: part)
        Inference.postprocess(
            &marking, package.manifest.outputs[1].postprocess, lattice: Self.lattice,
            regions: region.map { ["organ": $0] } ?? [:])
        #expect(marking.box == Marking(shape: marking.shape, voxels: marking.voxels).box)
        return marking
    }

    @Test("The largest component of each label stays by itself, as MONAI keeps it", arguments: [0, 1])
    func largest(_ label: Int) throws {
        let result = try run("largest", "[{keepLargest: {}}]", part: label)
        let expected = try marking("largest.out", part: label)
        let before = try marking("largest.in", part: label)
        #expect(result == expected)
        #expect(expected != before)
    }

    @Test("The largest components of more than so many voxels stay, as SuPreM keeps tumours")
    func few() throws {
        let result = try run("few", "[{keepLargest: {count: 6}}, {removeSmall: {voxels: 13}}]")
        let expected = try marking("few.out")
        let more = try run("few", "[{keepLargest: {count: 6}}]")
        #expect(result == expected)
        #expect(result != more)
    }

    @Test("A tumour stays inside the closed and dilated organ, as SuPreM filters it")
    func near() throws {
        let organ = try marking("near.organ")
        let result = try run("near", "[{restrict: {to: [organ], closing: 2, dilation: 2}}]", region: organ)
        let expected = try marking("near.out")
        let unclosed = try run("near", "[{restrict: {to: [organ], dilation: 2}}]", region: organ)
        #expect(result == expected)
        #expect(result != unclosed)
    }

    @Test("Lungs are told apart by side after they are put together, as SuPreM does it")
    func side() throws {
        // In two halves, put together again.
        var upper = try marking("side.in")
        var lower = upper
        for i in upper.voxels.indices {
            if i % 12 < 6 { upper.voxels[i] = 0 } else { lower.voxels[i] = 0 }
        }
        upper.shrink()
        lower.shrink()
        lower.merge(upper)
        let whole = try marking("side.in")
        let expected = try marking("side.out")
        #expect(lower == whole)
        let steps = "[{merge: organ}, {keepSide: {side: right}}, {fillHoles: volume}]"
        let right = try run("side", steps, region: upper)
        let left = try run("side", "[{keepSide: {side: left}}, {fillHoles: volume}]")
        #expect(right == expected)
        #expect(!left.isEmpty)
        #expect(left != expected)
    }
}

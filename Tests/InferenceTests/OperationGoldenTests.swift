// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

/// A pre-processing of scripts/goldens/operations: what the original made of a volume, and of channels on the way back.
struct OperationGolden: Decodable, Sendable, CustomTestStringConvertible {
    struct Inverse: Decodable, Sendable {
        var count: Int
        var input: String
        var output: String
    }
    var name: String
    /// As in a manifest.
    var preprocess: String
    var shape: [Int]
    var channels: Int
    var steps: [[Double]]
    var origin: [Double]
    var targetShape: [Int]
    /// Where the original keeps a lattice.
    var targetSteps: [[Double]]?
    var targetOrigin: [Double]?
    var input: String
    var output: String
    var linear: Inverse?
    var nearest: Inverse?
    /// The greatest of the channels; nnU-Net after linear restoring, TotalSegmentator before the nearest.
    var labels: Inverse?
    var testDescription: String { name }

    static let folder = Fixtures.goldens.appendingPathComponent("operations")
    static let all: [OperationGolden] = {
        let data = try! Data(contentsOf: folder.appendingPathComponent("operations.json"))
        return try! JSONDecoder().decode([OperationGolden].self, from: data)
    }()

    func numbers<Number>(_ file: String, as type: Number.Type) throws -> [Number] {
        let data = try Data(contentsOf: Self.folder.appendingPathComponent(file))
        return data.withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Number>.stride).map {
                bytes.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Number>.stride, as: Number.self)
            }
        }
    }

    func volumes() throws -> [VoxelVolume] {
        let values = try numbers(input, as: Int16.self).map { Float($0) }
        let count = shape.reduce(1, *)
        return (0..<channels).map { c in
            Fixtures.volume(
                Array(values[c * count..<(c + 1) * count]), shape: shape,
                steps: steps.map { Vector3($0[0], $0[1], $0[2]) }, origin: Vector3(origin[0], origin[1], origin[2]))
        }
    }

    func prepared() throws -> Prepared {
        let package = try Fixtures.package(network: "none.onnx", preprocess: preprocess, channels: channels)
        return try prepare(try volumes(), package.manifest.preprocess)
    }

    /// Channels on the tensor's lattice, each at the voxels of the series.
    func restored(_ inverse: Inverse, _ interpolation: Manifest.Interpolation) throws -> [[Float]] {
        let restoration = try prepared().restoration
        let values = try numbers(inverse.input, as: Float16.self).map { Float($0) }
        let sampler = restoration.sampler(interpolation)
        let count = restoration.network.count
        #expect(values.count == inverse.count * count)
        return (0..<inverse.count).map { c in
            values.withUnsafeBufferPointer { sampler.resample($0.baseAddress! + c * count) }
        }
    }
}

/// The greatest difference as a share of the expected values' range.
private func worst(_ values: [Float], _ expected: [Float]) -> Float {
    guard values.count == expected.count, let low = expected.min(), let high = expected.max() else { return .infinity }
    return zip(values, expected).reduce(0) { max($0, abs($1.0 - $1.1)) } / max(high - low, 1e-6)
}

@Suite struct OperationGoldenTests {
    @Test("Pre-processing gives the tensor of the original", arguments: OperationGolden.all)
    func tensor(_ golden: OperationGolden) throws {
        let prepared = try golden.prepared()
        #expect(prepared.field.lattice.shape == golden.targetShape)
        #expect(prepared.field.lattice == prepared.restoration.network)
        if let steps = golden.targetSteps, let origin = golden.targetOrigin {
            for (step, expected) in zip(prepared.field.lattice.steps, steps) {
                #expect((step - Vector3(expected[0], expected[1], expected[2])).length < 1e-9)
            }
            #expect((prepared.field.lattice.origin - Vector3(origin[0], origin[1], origin[2])).length < 1e-6)
        }
        let expected = try golden.numbers(golden.output, as: Float.self)
        guard golden.preprocess.contains("truncate") else {
            return #expect(worst(prepared.field.values, expected) <= 1e-4)
        }
        // Where the interpolated value is whole, the last digit of scipy's sum says which whole number remains.
        let others = zip(prepared.field.values, expected).filter { $0 != $1 }
        #expect(others.allSatisfy { abs($0 - $1) == 1 } && others.count * 100 <= expected.count)
    }

    @Test(
        "Channels come back to the series as the original brings them",
        arguments: OperationGolden.all.filter { $0.linear != nil || $0.nearest != nil })
    func restoration(_ golden: OperationGolden) throws {
        for (inverse, interpolation) in [(golden.linear, Manifest.Interpolation.linear), (golden.nearest, .nearest)] {
            guard let inverse else { continue }
            let values = try golden.restored(inverse, interpolation).flatMap(\.self)
            #expect(worst(values, try golden.numbers(inverse.output, as: Float.self)) <= 1e-4)
        }
    }

    @Test(
        "Labels come back to the series as the original brings them",
        arguments: OperationGolden.all.filter { $0.labels != nil })
    func labels(_ golden: OperationGolden) throws {
        let inverse = try #require(golden.labels)
        let isNearest = golden.name.hasPrefix("total")
        let channels = try golden.restored(inverse, isNearest ? .nearest : .linear)
        let labels = channels[0].indices.map { i in
            UInt8(channels.indices.max { (channels[$0][i], -$0) < (channels[$1][i], -$1) }!)
        }
        let expected = try golden.numbers(inverse.output, as: UInt8.self)
        #expect(labels.count == expected.count)
        #expect(zip(labels, expected).filter { $0 != $1 }.count * 10_000 <= expected.count)
        #expect(Set(expected).count > 1)
    }
}

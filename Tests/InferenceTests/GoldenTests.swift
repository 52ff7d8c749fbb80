// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

struct Goldens: Decodable, Sendable {
    struct Resampling: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var shape: [Int]
        var steps: [[Double]]
        var origin: [Double]
        var codes: String
        /// 0 keeps the source's.
        var spacing: [Double]
        var interpolation: String
        var targetShape: [Int]
        var targetSteps: [[Double]]
        var targetOrigin: [Double]
        var input: String
        var output: String
        var testDescription: String { name }
    }
    struct Window: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var shape: [Int]
        var roi: [Int]
        var overlap: [Double]
        /// 0 for constant weights.
        var sigma: Double
        var isReplicated: Bool
        var fill: Double
        var input: String
        var output: String
        var testDescription: String { name }
    }
    struct Step: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var step: String
        var shape: [Int]
        var spacing: [Double]
        var connectivity: Int
        var amount: Double
        var input: String
        var output: String
        var testDescription: String { name }
    }
    var resampling: [Resampling]
    var windows: [Window]
    var postprocessing: [Step]

    static let all: Goldens = {
        let data = try! Data(contentsOf: Fixtures.goldens.appendingPathComponent("goldens.json"))
        return try! JSONDecoder().decode(Goldens.self, from: data)
    }()
}

private func vector(_ v: [Double]) -> Vector3 { Vector3(v[0], v[1], v[2]) }
private func worst(_ a: [Float], _ b: [Float]) -> Float {
    a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
}

@Suite struct GoldenTests {
    @Test("Orientation and spacing give the grid and values of MONAI's formulas", arguments: Goldens.all.resampling)
    func resampling(_ golden: Goldens.Resampling) throws {
        let volume = Fixtures.volume(
            try Fixtures.floats(golden.input), shape: golden.shape, steps: golden.steps.map(vector),
            origin: vector(golden.origin))
        let codes = try #require(AxisCodes(golden.codes))
        let interpolation = try #require(Manifest.Interpolation(rawValue: golden.interpolation))
        let spacing = Manifest.Spacing(mm: golden.spacing.map { $0 == 0 ? nil : $0 }, interpolation: interpolation)
        let field = try preprocess(volume, [.orientation(codes), .spacing(spacing)])
        #expect(field.lattice.shape == golden.targetShape)
        for (step, expected) in zip(field.lattice.steps, golden.targetSteps) {
            #expect((step - vector(expected)).length < 1e-9)
        }
        #expect((field.lattice.origin - vector(golden.targetOrigin)).length < 1e-7)
        // Values reach 1500: float32 resolves 1e-4.
        #expect(worst(field.values, try Fixtures.floats(golden.output)) < 1e-3)
    }

    @Test("A sliding window tiles, weighs and pads as MONAI's does", arguments: Goldens.all.windows)
    func windows(_ golden: Goldens.Window) throws {
        let weighting = golden.sigma == 0 ? "constant" : "gaussian, sigma: \(golden.sigma)"
        let package = try Fixtures.package(
            network: "two-kernels.onnx",
            inference: "{slidingWindow: {roi: \(golden.roi), overlap: \(golden.overlap), weighting: \(weighting), "
                + "padding: \(golden.isReplicated ? "replicate" : "\(golden.fill)")}}")
        let engine = try Engine(threads: 1)
        let volume = Fixtures.volume(try Fixtures.floats(golden.input), shape: golden.shape)
        var steps: [Double] = []
        var run = try NetworkRun(
            networks: try engine.volumetricNetworks(of: package), package: package, progress: { steps.append($0) })
        let channels = try run.channels(of: preprocess(volume, []))
        #expect(channels.count == 2)
        #expect(steps.last == 1 && steps == steps.sorted())
        #expect(worst(channels.values, try Fixtures.floats(golden.output)) < 1e-4)
    }

    @Test("Post-processing gives what scipy gives", arguments: Goldens.all.postprocessing)
    func postprocessing(_ golden: Goldens.Step) throws {
        let connectivity = try #require(Manifest.Connectivity(rawValue: golden.connectivity))
        let lattice = Lattice(
            shape: golden.shape, origin: Vector3(0, 0, 0),
            steps: [
                Vector3(0, 0, golden.spacing[0]), Vector3(0, golden.spacing[1], 0), Vector3(golden.spacing[2], 0, 0),
            ])
        let step: Manifest.Postprocessing =
            switch golden.step {
            case "removeSmall": .removeSmall(volume: golden.amount, connectivity)
            case "keepLargest": .keepLargest(count: Int(golden.amount), connectivity)
            case "fillHoles": .fillHoles(inSlices: false)
            case "fillSliceHoles": .fillHoles(inSlices: true)
            default: .restrict(toLabel: "region", margin: golden.amount)
            }
        var marking = Marking(shape: golden.shape, voxels: try Fixtures.bytes(golden.input))
        let region = Marking(shape: golden.shape, voxels: try Fixtures.bytes("post-region.u8"))
        Inference.postprocess(&marking, [step], lattice: lattice, regions: ["region": region])
        let expected = try Fixtures.bytes(golden.output)
        #expect(marking.voxels == expected)
        #expect(marking.voxels != (try Fixtures.bytes(golden.input)))
        #expect(marking.box == Marking(shape: golden.shape, voxels: expected).box)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

/// Several radiographs of one series, each an image of its own.
@Suite struct ImagesTests {
    private let golden = FlatGoldens.all.classifier

    /// - Parameter gates: of quality, in YAML.
    private func package(_ gates: String = "") throws -> ModelPackage {
        var package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("classifier.onnx"), inference: "{projection: {}}",
            marks: "scores: [\((0..<3).map { FlatFixtures.score($0, threshold: 0.02) }.joined(separator: ", "))]",
            explain: "explain: {activationMap: cam}")
        package.manifest.quality = try Fixtures.package(
            network: "identity.onnx", quality: #"{unit: "[arb'U]", negativeExtent: 0, gates: {\#(gates)}}"#
        ).manifest.quality
        return package
    }

    /// Of another brightness and contrast, so that each class prefers another image.
    private func images() throws -> [VoxelVolume] {
        let values = try FlatGoldens.floats(golden.input)
        return [(1, 0), (-2, 1), (0.3, 2)].enumerated().map { number, change -> VoxelVolume in
            var image = Fixtures.volume(
                values.map { $0 * Float(change.0) + Float(change.1) }, shape: [1, golden.side, golden.side],
                unit: VoxelVolume.arbitraryUnit)
            image.frames[0].sopInstanceUID = UID("1.2.3.\(number + 10)")!
            return image
        }
    }

    @Test func `of several radiographs that of the greatest score speaks for a class`() throws {
        let (package, images) = (try package(), try images())
        let analysis = Analysis(engine: try Engine(threads: 1))
        let single = try images.map { try analysis.run(package, on: [$0]) }
        let result = try analysis.run(package, onImages: images)
        #expect(result.scores.map(\.label) == ["class 0", "class 1", "class 2"])
        for (channel, score) in result.scores.enumerated() {
            let values = single.map { $0.scores[channel].value }
            let best = try #require(values.indices.max { values[$0] < values[$1] })
            #expect(score.value == values[best] && score.slice == best)
            let finding = try #require(result.findings.firstIndex { $0.label == score.label })
            #expect(result.findings[finding].confidence == values[best] && result.findings[finding].keySlice == best)
            // Its explanation is of that image, and of no other.
            let explanations = result.explanations.filter { $0.finding == finding }
            let own = single[best].explanations.first { $0.label == score.label }
            #expect(explanations.count == 1 && explanations[0].label == score.label)
            #expect(explanations[0].map?.slice == best && explanations[0].map?.values == own?.map?.values)
        }
        // Else the images would not be told apart.
        #expect(Set(result.scores.map(\.slice)).count > 1)
        #expect(result.findings.count == 3 && result.coverage.slices == 3 && result.coverage.isNegativeAccepted)
        #expect(result.notes == ["a note of the volume"])
        let turned = try analysis.run(package, onImages: images.reversed())
        #expect(turned.scores.map(\.value) == result.scores.map(\.value))
        #expect(turned.scores.map(\.slice) == result.scores.map { 2 - ($0.slice ?? 0) })
    }

    @Test func `an image that a gate refuses is named, and bars a negative`() throws {
        let package = try package("percentile99: {block: {maximum: 50}}")
        var images = try images()
        images[0].voxels = images[0].voxels.map { $0 + 100 }
        let analysis = Analysis(engine: try Engine(threads: 1))
        let result = try analysis.run(package, onImages: images)
        let rest = try analysis.run(package, onImages: Array(images[1...]))
        #expect(result.scores.map(\.value) == rest.scores.map(\.value))
        #expect(result.scores.map(\.slice) == rest.scores.map { $0.slice.map { $0 + 1 } })
        #expect(result.notes.contains { $0.hasPrefix("image 1 of 3: ") && $0.contains("at most 50 allowed") })
        #expect(!result.coverage.isNegativeAccepted && result.coverage.reason?.hasPrefix("image 1 of 3: ") == true)
        #expect(result.gates.map(\.outcome) == [.pass, .pass])
        #expect(result.gates.map { String($0.evidence.prefix(12)) } == ["image 2 of 3", "image 3 of 3"])

        let all = images.map { image in
            var image = image
            image.voxels = image.voxels.map { $0 + 200 }
            return image
        }
        let error = #expect(throws: InferenceError.self) { try analysis.run(package, onImages: all) }
        #expect(error?.isRefusal == true)
        #expect("\(error as Any)".contains("image 1 of 3") && "\(error as Any)".contains("image 3 of 3"))
    }

    @Test func `a warning of one image is said of that image`() throws {
        let package = try package("percentile99: {warn: {maximum: 50}}")
        var images = try images()
        images[2].voxels = images[2].voxels.map { $0 + 100 }
        let result = try Analysis(engine: try Engine(threads: 1)).run(package, onImages: images)
        #expect(result.gates.map(\.outcome) == [.pass, .pass, .warn])
        #expect(result.notes.first == "a note of the volume" && result.notes.count == 2)
        #expect(result.notes.last?.hasPrefix("image 3 of 3: the 99th percentile") == true)
        #expect(result.coverage.isNegativeAccepted)
    }

    @Test func `a package that marks does not choose among several radiographs`() throws {
        let package = try Fixtures.package(network: "identity.onnx")
        let images = try images()
        let error = #expect(throws: InferenceError.self) {
            try Analysis(engine: try Engine(threads: 1)).run(package, onImages: images)
        }
        #expect("\(error as Any)".contains("3 radiographs"))
    }
}

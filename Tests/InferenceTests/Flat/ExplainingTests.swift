// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

@Suite struct ExplainingTests {
    private let golden = FlatGoldens.all.classifier

    private func result(_ explain: String, threshold: Double = 0) throws -> AnalysisResult {
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("classifier.onnx"), inference: "{slices: {}}",
            marks: "scores: [\(FlatFixtures.score(1, threshold: threshold))]", explain: "explain: {\(explain)}")
        let image = try FlatGoldens.floats(golden.input)
        // The image and a brighter one, of which the network thinks less.
        let volume = Fixtures.volume(image + image.map { $0 + 5 }, shape: [2, golden.side, golden.side])
        return try Analysis(engine: try Engine(threads: 1)).run(package, on: volume)
    }

    private func map(_ result: AnalysisResult) throws -> Explanation.HeatMap {
        try #require(result.explanations.first?.map)
    }

    @Test("The occlusion map is MONAI's", arguments: FlatGoldens.all.occlusion)
    func occlusion(_ occlusion: FlatGoldens.Occlusion) throws {
        let package = try FlatFixtures.package(
            "network: " + FlatFixtures.graph("classifier.onnx"), inference: "{projection: {}}",
            marks: "scores: [\(FlatFixtures.score(0))]")
        let run = SliceRun(
            engine: try Engine(threads: 1), package: package, role: .main, batch: 5, shouldStop: { false })
        let image = Plane(height: golden.side, width: golden.side, values: try FlatGoldens.floats(golden.input))
        let expected = try FlatGoldens.floats(occlusion.output)
        for channel in 0..<3 {
            let map = try OcclusionMap(
                rule: .init(
                    size: occlusion.size, overlap: occlusion.overlap,
                    fill: occlusion.mode == "gaussian" ? .gaussian : .mean, passes: 10_000),
                batch: 5, isOver: { false }
            ) { (planes) throws(InferenceError) in
                try run.vectors(planes.count, [0]) { planes[$0] }.rows[0].map {
                    SliceScores.activated($0, .sigmoid)[channel]
                }
            }.run(image)
            let count = golden.side * golden.side
            #expect(map.isComplete)
            #expect(FlatGoldens.worst(map.scores, Array(expected[channel * count..<(channel + 1) * count])) < 1e-4)
        }
    }

    @Test func `a map of the graph lies on the slice with the greatest score`() throws {
        let result = try result("activationMap: cam")
        #expect(result.findings[0].keySlice == 0 && result.scores[0].slice == 0)
        let map = try map(result)
        #expect(map.computed == [8, 8] && map.isComplete)
        #expect(map.slice == 0 && map.rows == golden.side && map.columns == golden.side)
        #expect(result.explanations[0].finding == 0 && result.explanations[0].caveat.contains("not a diagnosis"))
        let maps = try FlatGoldens.floats(golden.cam)
        var plane = Plane(height: 8, width: 8, values: Array(maps[64..<128]))
        plane.rows = .resized(from: golden.side, to: 8)
        plane.columns = plane.rows
        // What speaks against the class is not shown, and the greatest is 1.
        let expected = plane.restored(channel: 0, height: golden.side, width: golden.side).map { max($0, 0) }
        #expect(map.values.max() == 1 && map.values.min() == 0)
        #expect(FlatGoldens.worst(map.values.map { $0 * Float(map.greatest) }, expected) < 1e-4)
    }

    @Test(
        "Features and weights give the same map, from the graph and from a file", arguments: ["weights", "weights.npy"])
    func features(_ weights: String) throws {
        let direct = try map(try result("activationMap: cam"))
        let made = try map(try result("features: {output: features, weights: \(weights)}"))
        #expect(FlatGoldens.worst(made.values, direct.values) < 1e-4)
    }

    @Test func `occlusion stops at its budget and says so`() throws {
        let result = try result("occlusion: {size: [8, 8], overlap: 0.5, passes: 7}")
        #expect(try !map(result).isComplete)
        #expect(result.explanations[0].notes.contains { $0.contains("7 of 49 positions") })
    }

    @Test func `covering what contributes most lowers a score more than covering anything`() throws {
        // The score is the mean of the bright pixels: a map of brightness is right, and its opposite is wrong.
        var values = [Float](repeating: 0, count: 400)
        for h in 0..<5 { for w in 0..<5 { values[h * 20 + w] = 1 } }
        let plane = Plane(height: 20, width: 20, values: values)
        let check = DeletionCheck(cells: [10, 10]) { (planes) throws(InferenceError) in
            planes.map { $0.values.reduce(0, +) / 400 }
        }
        let right = try #require(try check.run(plane, map: plane.cellMeans([10, 10])))
        #expect(right.isSupported && right.withoutGreatest < right.score)
        let wrong = try #require(try check.run(plane, map: plane.cellMeans([10, 10]).map { -$0 }))
        #expect(!wrong.isSupported)
    }

    @Test func `a map of slices that were turned lies on the frame that they came from`() throws {
        // Feet first and mirrored, 3 slices of 4 by 5: the network saw them with D up, H to the front, W to the right.
        let grid = Fixtures.volume([Float](repeating: 0, count: 60), shape: [3, 4, 5]).grid
        let lattice = Lattice(grid).oriented(AxisCodes("IAR")!)
        var values = [Float](repeating: 0, count: 20)
        values[1 * 5 + 0] = 1
        let map = ContributionMap(
            kind: .occlusion, values: values, computed: [4, 5], isComplete: true, deletion: nil, notes: [])
        var volume = Fixtures.volume([Float](repeating: 0, count: 60), shape: [3, 4, 5])
        volume.grid = grid
        let made = map.explanation(of: 0, label: "thing", slice: 0, lattice: lattice, volume: volume)
        let place = Lattice(grid).map(from: lattice)
        let point = (0..<3).map { place.offset[$0] + place.matrix[$0][1] }
        let shown = try #require(made.map)
        #expect(Double(shown.slice) == point[0].rounded())
        #expect(shown.values.indices.filter { shown.values[$0] > 0.5 } == [Int(point[1]) * 5 + Int(point[2])])

        // Slices across those of the series have no frame to lie on.
        let across = map.explanation(
            of: 0, label: "thing", slice: 0, lattice: Lattice(grid).transposed([1, 0, 2]), volume: volume)
        #expect(across.map == nil && across.notes.contains { $0.contains("across the slices") })
    }

    @Test func `a map of a region lies where the region is in the series`() throws {
        let volume = Fixtures.volume([Float](repeating: 0, count: 60), shape: [3, 4, 5])
        var voxels = [UInt8](repeating: 0, count: 60)
        for (row, column) in [(1, 2), (2, 3)] { voxels[(2 * 4 + row) * 5 + column] = 1 }
        let box = try #require(
            VoxelBox(around: [Mask(columns: 5, rows: 4, slices: 3, voxels: voxels)], margin: 0, in: volume.grid))
        let map = Explanation.HeatMap(
            slice: 0, rows: 2, columns: 2, values: [0.25, 0, 0, 1], greatest: 1, computed: [2, 2])
        let restored = map.restored(from: box, to: volume.grid)
        #expect(restored.slice == 2 && restored.rows == 4 && restored.columns == 5)
        var expected = [Float](repeating: 0, count: 20)
        (expected[1 * 5 + 2], expected[2 * 5 + 3]) = (0.25, 1)
        #expect(restored.values == expected)
    }

    @Test func `where nothing raises a score the map is empty and says so`() throws {
        let volume = Fixtures.volume([Float](repeating: 0, count: 20), shape: [1, 4, 5])
        let map = ContributionMap(
            kind: .features, values: [Float](repeating: -2, count: 20), computed: [2, 2], isComplete: true,
            deletion: nil, notes: []
        ).explanation(of: 0, label: "thing", slice: 0, lattice: Lattice(volume.grid), volume: volume)
        #expect(map.map?.values.allSatisfy { $0 == 0 } == true && map.map?.greatest == 0)
        #expect(map.notes == ["nothing in the image raises the score"])
    }

    @Test func `no map is made where nothing is found`() throws {
        #expect(try result("activationMap: cam", threshold: 1).explanations.isEmpty)
    }

    @Test func `an output that the graph lacks is named`() throws {
        #expect(throws: InferenceError.self) { try result("activationMap: heat") }
    }

    @Test func `an array that numpy did not write as floats is refused`() throws {
        var data = try Data(contentsOf: FlatGoldens.folder.appendingPathComponent("weights.npy"))
        #expect(try NumpyArray(data).shape == [3, 4])
        #expect(throws: NumpyArray.Defect.length) { try NumpyArray(data.dropLast(1)) }
        #expect(throws: NumpyArray.Defect.notNumpy) { try NumpyArray(Data("PK".utf8)) }
        data.replaceSubrange(data.range(of: Data("<f4".utf8))!, with: Data("<i4".utf8))
        #expect(throws: NumpyArray.Defect.element("<i4")) { try NumpyArray(data) }
    }
}

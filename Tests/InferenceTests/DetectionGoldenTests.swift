// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing

@testable import Inference

/// What scripts/goldens/detection wrote.
struct DetectionGoldens: Decodable, Sendable {
    struct Case: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var shape: [Int]
        var roi: [Int]?
        var overlap: Double
        var classes: Int
        var scoreThreshold: Double
        var candidates: Int
        var overlapThreshold: Double
        var maximum: Int
        /// Centre and size of the first boxes, RAS.
        var world: [[Double]]
        var testDescription: String { name }

        var image: [Float] {
            get throws {
                let bytes = try Fixtures.bytes("Detection/\(name).image.i16")
                return bytes.withUnsafeBytes { raw in
                    (0..<raw.count / 2).map { Float(raw.loadUnaligned(fromByteOffset: 2 * $0, as: Int16.self)) / 8192 }
                }
            }
        }
        /// Corners, score and class.
        var boxes: [DetectedBox] {
            get throws {
                let values = try Fixtures.floats("Detection/\(name).boxes.f32")
                return (0..<values.count / 8).map { (index: Int) -> DetectedBox in
                    let row = Array(values[index * 8..<index * 8 + 8])
                    return DetectedBox(
                        lower: Array(row[..<3]), upper: Array(row[3..<6]), score: row[6], label: Int(row[7]))
                }
            }
        }
    }
    var base: [[Double]]
    var strides: [[Int]]
    var affine: [[Double]]
    var cases: [Case]

    static let all: DetectionGoldens = {
        let data = try! Data(contentsOf: Fixtures.goldens.appendingPathComponent("Detection/detection.json"))
        return try! JSONDecoder().decode(DetectionGoldens.self, from: data)
    }()

    func detector(_ golden: Case) -> Manifest.Detector {
        Manifest.Detector(
            roi: golden.roi, overlap: golden.overlap, multiple: [16, 16, 8], anchors: base, scales: [1, 2, 4],
            scoreThreshold: golden.scoreThreshold, candidates: golden.candidates,
            overlapThreshold: golden.overlapThreshold, maximum: golden.maximum)
    }
}

/// The network of the goldens: linear in the means of blocks.
struct BlockHeads {
    let strides: [[Int]]
    let classes: Int

    func levels(_ image: [Float], _ shape: [Int]) -> [(shape: [Int], scores: [Float], offsets: [Float])] {
        strides.map { stride in
            let places = (0..<3).map { shape[$0] / stride[$0] }
            var means: [Float] = []
            for d in 0..<places[0] {
                for h in 0..<places[1] {
                    for w in 0..<places[2] {
                        var sum: Float = 0
                        for x in 0..<stride[0] {
                            for y in 0..<stride[1] {
                                for z in 0..<stride[2] {
                                    let at = (
                                        d * stride[0] + x, h * stride[1] + y, w * stride[2] + z
                                    )
                                    sum += image[(at.0 * shape[1] + at.1) * shape[2] + at.2]
                                }
                            }
                        }
                        means.append(sum / Float(stride.reduce(1, *)))
                    }
                }
            }
            var scores: [Float] = []
            for i in 0..<3 * classes {
                let (factor, shift) = (1 + 0.5 * Float(i), 4 + 0.25 * Float(i))
                scores += means.map { $0 * factor - shift }
            }
            var offsets: [Float] = []
            for i in 0..<18 {
                let factor = 0.0625 * Float((i * 5) % 7 - 3)
                offsets += means.map { $0 * factor }
            }
            return (places, scores, offsets)
        }
    }
}

@Suite struct DetectionGoldenTests {
    @Test("Boxes, scores and classes are those of MONAI's detector", arguments: DetectionGoldens.all.cases)
    func boxes(_ golden: DetectionGoldens.Case) throws {
        let all = DetectionGoldens.all
        let heads = BlockHeads(strides: all.strides, classes: golden.classes)
        let boxes = try Detection(detector: all.detector(golden)).boxes(
            Field(
                lattice: Lattice(
                    shape: golden.shape, origin: Vector3(0, 0, 0),
                    steps: [Vector3(1, 0, 0), Vector3(0, 1, 0), Vector3(0, 0, 1)]), values: try golden.image)
        ) { (windows, window, take) throws(InferenceError) in
            for index in 0..<windows {
                let (values, shape) = window(index)
                try take(index, heads.levels(values, shape))
            }
        }
        let expected = try golden.boxes
        #expect(boxes.count == expected.count)
        // Scores that are equal but for the last digit may be sorted otherwise: each box is looked up among theirs.
        var left = expected
        for box in boxes {
            let match = left.firstIndex { (other: DetectedBox) -> Bool in
                guard other.label == box.label, abs(other.score - box.score) < 1e-6 else { return false }
                return (0..<3).allSatisfy { (d: Int) -> Bool in
                    abs(other.lower[d] - box.lower[d]) < 1e-4 && abs(other.upper[d] - box.upper[d]) < 1e-4
                }
            }
            if let match { left.remove(at: match) }
        }
        #expect(left.count * 10_000 <= expected.count)
        #expect(boxes.map(\.score) == boxes.map(\.score).sorted(by: >))
    }

    @Test("A box lies in the patient where MONAI puts it", arguments: DetectionGoldens.all.cases)
    func world(_ golden: DetectionGoldens.Case) throws {
        let affine = DetectionGoldens.all.affine
        // RAS to the patient coordinates of DICOM.
        func column(_ i: Int) -> Vector3 { Vector3(-affine[0][i], -affine[1][i], affine[2][i]) }
        let lattice = Lattice(shape: golden.shape, origin: column(3), steps: (0..<3).map(column))
        let grid = Grid(
            origin: column(3), columnStep: column(0), rowStep: column(1), sliceStep: column(2),
            columns: golden.shape[0], rows: golden.shape[1], slices: golden.shape[2])
        for (box, expected) in zip(try golden.boxes, golden.world) {
            let placed = PlacedBox(box, on: lattice, grid: grid)
            let center = placed.box.center
            for (value, wanted) in zip([-center.x, -center.y, center.z] + placed.box.size, expected) {
                #expect(abs(value - wanted) < 1e-4)
            }
        }
    }
}

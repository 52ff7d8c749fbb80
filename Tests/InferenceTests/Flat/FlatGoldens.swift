// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Inference

/// What scripts/goldens/flat wrote.
struct FlatGoldens: Decodable, Sendable {
    struct Resize: Decodable, Sendable, CustomTestStringConvertible {
        var method: String
        var height: Int
        var width: Int
        var output: String
        var testDescription: String { "\(method) to \(height)×\(width)" }
    }
    struct Hemorrhage: Decodable, Sendable {
        var height: Int
        var width: Int
        var side: Int
        var input: String
        var stretched: String
        var cropped: String
        var output: String
    }
    struct Deltas: Decodable, Sendable {
        var slices: Int
        var features: Int
        var input: String
        var output: String
    }
    struct Projection: Decodable, Sendable {
        var height: Int
        var width: Int
        var bits: Int
        var input: String
        var scaled: String
        var cropped: String
        var output: String
        var inverted: String
    }
    struct OperatingPoints: Decodable, Sendable {
        var points: [Double?]
        var rows: Int
        var input: String
        var output: String
    }
    struct Classifier: Decodable, Sendable {
        var side: Int
        var input: String
        var scores: String
        var cam: String
    }
    struct Occlusion: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var size: [Int]
        var overlap: Double
        var mode: String
        var output: String
        var testDescription: String { name }
    }
    struct Slices: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var shape: [Int]
        var input: String
        var output: String
        var testDescription: String { name }
    }
    var resizes: [Resize]
    var image: String
    var bytes: String
    var rsna: Hemorrhage
    var deltas: Deltas
    var projection: Projection
    var operatingPoints: OperatingPoints
    var classifier: Classifier
    var occlusion: [Occlusion]
    var slices: [Slices]

    static let folder = Fixtures.goldens.appendingPathComponent("flat")
    static let all: FlatGoldens = {
        let data = try! Data(contentsOf: folder.appendingPathComponent("flat.json"))
        return try! JSONDecoder().decode(FlatGoldens.self, from: data)
    }()
    static func floats(_ name: String) throws -> [Float] { try Fixtures.floats("flat/" + name) }

    /// Greatest difference; infinite where the counts differ.
    static func worst(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
    }
}

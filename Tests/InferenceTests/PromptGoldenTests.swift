// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models
import Testing

@testable import Inference

/// What scripts/goldens/prompts wrote.
struct PromptGoldens: Decodable, Sendable {
    struct Image: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var family: String
        var rows: Int
        var columns: Int
        var side: Int
        var places: [Int]
        var values: [Float]
        var sums: [Double]
        var testDescription: String { name }
    }
    struct Mask: Decodable, Sendable, CustomTestStringConvertible {
        var number: Int
        var rows: Int
        var columns: Int
        var inside: Float
        var testDescription: String { "\(columns)×\(rows)" }
    }
    struct Coordinates: Decodable, Sendable {
        var rows: Int
        var columns: Int
        var side: Int
        var points: [[Double]]
        var placed: [[Float]]
    }
    var images: [Image]
    var masks: [Mask]
    var prompts: [Coordinates]

    static let all: PromptGoldens = {
        let data = try! Data(contentsOf: Fixtures.goldens.appendingPathComponent("Prompts/prompts.json"))
        return try! JSONDecoder().decode(PromptGoldens.self, from: data)
    }()

    static func bits(_ name: String, count: Int) throws -> [UInt8] {
        let bytes = try Fixtures.bytes("Prompts/\(name)")
        return (0..<count).map { bytes[$0 / 8] >> ($0 % 8) & 1 }
    }
}

@Suite struct PromptGoldenTests {
    @Test("A slice becomes the encoder's tensor as upstream makes it", arguments: PromptGoldens.all.images)
    func images(_ golden: PromptGoldens.Image) throws {
        let slice = try Fixtures.floats("Prompts/\(golden.name).in.f32")
        let family = try #require(Manifest.Promptable.Family(rawValue: golden.family))
        let image = EncoderImage.make(family, slice[...], rows: golden.rows, columns: golden.columns, side: golden.side)
        let plane = golden.side * golden.side
        if family == .sam, golden.side < 1024 {
            let bytes = ByteImage(
                rows: golden.rows, columns: golden.columns, values: EncoderImage.bytes(spreading: slice[...]))
            let scaled = bytes.resized(rows: image.frame.scaledRows, columns: image.frame.scaledColumns)
            #expect(scaled.values == (try Fixtures.bytes("Prompts/\(golden.name).scaled.u8")))
        }
        if family == .medSAM {
            let expected = try Fixtures.floats("Prompts/\(golden.name).plane.f32")
            // One grey level apart where a value in double precision lies on a whole number.
            let apart = zip(image.values, expected).count { abs($0 - $1) > 1e-6 }
            #expect(apart == 0)
        }
        #expect(image.values.count == 3 * plane)
        for (place, value) in zip(golden.places, golden.values) { #expect(abs(image.values[place] - value) < 2e-6) }
        for channel in 0..<3 {
            let sum = image.values[channel * plane..<(channel + 1) * plane].reduce(0.0) { $0 + Double($1) }
            #expect(abs(sum - golden.sums[channel]) < 1e-6 * Double(plane))
        }
    }

    @Test(
        "A decoder's mask comes to the slice, and goes back as a prompt, as upstream has it",
        arguments: PromptGoldens.all.masks)
    func masks(_ golden: PromptGoldens.Mask) throws {
        let logits = try Fixtures.bytes("Prompts/logits.i8").map { Float(Int8(bitPattern: $0)) / 16 }
        let frame = EncoderFrame.longestSide(rows: golden.rows, columns: golden.columns, side: 1024)
        let count = golden.rows * golden.columns
        func apart(_ a: [UInt8], _ b: [UInt8]) -> Int { zip(a, b).count { $0 != $1 } }
        let sam = LowResolutionMask.sam(logits, frame: frame)
        #expect(sam.count == count)
        // At most 1 in 10,000: a logit of ±1e-7 may fall either way.
        #expect(apart(sam, try PromptGoldens.bits("mask-\(golden.number).sam.bits", count: count)) * 10_000 <= count)
        let medSAM = LowResolutionMask.medSAM(logits, frame: frame)
        #expect(
            apart(medSAM, try PromptGoldens.bits("mask-\(golden.number).medSAM.bits", count: count)) * 10_000 <= count)
        let expected = try PromptGoldens.bits("mask-\(golden.number).prompt.bits", count: 256 * 256)
        let prompt = LowResolutionMask.prompt(
            try PromptGoldens.bits("mask-\(golden.number).sam.bits", count: count), rows: golden.rows,
            columns: golden.columns, side: 256)
        #expect(apart(prompt.map { $0 > 0 ? 1 : 0 }, expected) <= 6)
        #expect(abs((prompt.max() ?? 0) - golden.inside) < 1e-4 && abs((prompt.min() ?? 0) + golden.inside) < 1e-4)
    }

    @Test("Points of a slice lie in the encoder's square as upstream puts them")
    func coordinates() {
        for golden in PromptGoldens.all.prompts {
            let frame = EncoderFrame.longestSide(rows: golden.rows, columns: golden.columns, side: golden.side)
            for (point, expected) in zip(golden.points, golden.placed) {
                let placed = frame.placed(Prompt.Point(x: point[0], y: point[1]))
                #expect(placed.x == expected[0] && placed.y == expected[1])
            }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Testing
import Volume

@testable import Inference

/// Prompts from voxels to findings, with the stand-in networks: a region as bright as where the prompt is.
@Suite struct PromptTests {
    private static let shape = [7, 60, 80]

    /// An organ, brighter than what is around it and round on each slice, that ends before the last slice; and a bright
    /// ball elsewhere, so that the slice is no two values.
    private static let organ: [UInt8] = disc(center: (30, 25), radii: [6, 9, 11, 12, 10, 8, 0])
    private static let volume: VoxelVolume = {
        let bright = disc(center: (62, 40), radii: [7, 7, 7, 7, 7, 7, 7])
        let values = zip(organ, bright).map { Float($0 != 0 ? 60 : $1 != 0 ? 400 : -200) }
        return Fixtures.volume(values, shape: shape, steps: [Vector3(0, 0, 3), Vector3(0, 0.8, 0), Vector3(0.8, 0, 0)])
    }()

    private static func disc(center: (Double, Double), radii: [Double]) -> [UInt8] {
        var voxels = [UInt8](repeating: 0, count: shape.reduce(1, *))
        for s in 0..<shape[0] {
            for r in 0..<shape[1] {
                for c in 0..<shape[2] {
                    let (x, y) = (Double(c) - center.0, Double(r) - center.1)
                    if radii[s] > 0, x * x + y * y <= radii[s] * radii[s] {
                        voxels[(s * shape[1] + r) * shape[2] + c] = 1
                    }
                }
            }
        }
        return voxels
    }

    private static func dice(_ a: [UInt8], _ b: [UInt8]) -> Double {
        2 * Double(zip(a, b).count { $0 & $1 != 0 }) / Double(a.count { $0 != 0 } + b.count { $0 != 0 })
    }

    private func slice(_ voxels: [UInt8], _ slice: Int) -> [UInt8] {
        let plane = Self.shape[1] * Self.shape[2]
        return Array(voxels[slice * plane..<(slice + 1) * plane])
    }

    @Test(
        "A point or a box on an organ marks it on its slice",
        arguments: [
            Prompt(slice: 3, points: [.init(x: 30, y: 25)]),
            Prompt(slice: 3, box: .init(left: 16, top: 11, right: 45, bottom: 40)),
            Prompt(slice: 3, points: [.init(x: 27, y: 28), .init(x: 62, y: 40, isForeground: false)]),
        ])
    func organ(_ prompt: Prompt) throws {
        let result = try Analysis(engine: Engine(threads: 2)).segment(
            Fixtures.promptable(), on: Self.volume, prompts: [prompt])
        let finding = try #require(result.findings.first)
        let mask = try #require(result.masks.first)
        #expect(Self.dice(slice(mask.voxels, 3), slice(Self.organ, 3)) > 0.93)
        #expect((0..<7).allSatisfy { $0 == 3 || mask.isEmpty(slice: $0) })
        #expect(finding.keySlice == 3 && finding.label == "organ" && finding.confidence > 0.5)
    }

    @Test("A mask is carried to the neighbouring slices until the organ ends")
    func propagation() throws {
        let result = try Analysis(engine: Engine(threads: 2)).segment(
            Fixtures.promptable("{family: sam, propagate: 0.3}"), on: Self.volume,
            prompts: [Prompt(slice: 3, points: [.init(x: 30, y: 25)])])
        let mask = try #require(result.masks.first)
        #expect(Self.dice(mask.voxels, Self.organ) > 0.9)
        #expect(mask.isEmpty(slice: 6))
        let strict = try Analysis(engine: Engine(threads: 2)).segment(
            Fixtures.promptable("{family: sam, propagate: 0.75}"), on: Self.volume,
            prompts: [Prompt(slice: 3, points: [.init(x: 30, y: 25)])])
        // From 11 to 9 pixels of radius two thirds remain.
        #expect(strict.masks[0].isEmpty(slice: 1) && !strict.masks[0].isEmpty(slice: 2))
    }

    @Test("MedSAM's package takes windowed bytes and a box")
    func medSAM() throws {
        let package = try Fixtures.promptable(
            "{family: medSAM}",
            preprocess: "[{clip: [-160, 240]}, {scaleRange: {from: [-160, 240], to: [0, 255]}}]")
        let result = try Analysis(engine: Engine(threads: 2)).segment(
            package, on: Self.volume,
            prompts: [Prompt(slice: 2, box: .init(left: 17, top: 12, right: 43, bottom: 38))])
        #expect(Self.dice(slice(result.masks[0].voxels, 2), slice(Self.organ, 2)) > 0.93)
    }

    @Test("Another package's mask prompts with a box on each of its slices")
    func region() {
        let mask = Mask(columns: 80, rows: 60, slices: 7, voxels: Self.organ)
        let prompts = Prompt.boxes(around: mask, margin: 1.6, grid: Self.volume.grid)
        #expect(prompts.map(\.slice) == [0, 1, 2, 3, 4, 5])
        #expect(prompts[3].box == Prompt.Box(left: 16, top: 11, right: 45, bottom: 40))
    }

    @Test(
        "A prompt that is not on the image is refused with its reason",
        arguments: [
            (Prompt(slice: 9, points: [.init(x: 1, y: 1)]), "slice 9"),
            (Prompt(slice: 0, points: [.init(x: 80, y: 1)]), "(80.0, 1.0)"),
            (Prompt(slice: 0, points: [.init(x: 8, y: 1, isForeground: false)]), "neither a box"),
            (Prompt(slice: 0, box: .init(left: 5, top: 5, right: 5, bottom: 9)), "the box is empty"),
            (Prompt(slice: 0, points: [.init(x: .nan, y: 1)]), "not in the image"),
        ])
    func complaints(_ prompt: Prompt, _ reason: String) throws {
        let error = #expect(throws: InferenceError.self) {
            try Analysis(engine: Engine(threads: 1)).segment(Fixtures.promptable(), on: Self.volume, prompts: [prompt])
        }
        #expect(error?.isRefusal == true && "\(error!)".contains(reason))
        #expect(throws: InferenceError.self) {
            try Analysis(engine: Engine(threads: 1)).run(Fixtures.promptable(), on: Self.volume)
        }
    }

    @Test("One click is answered by the best mask for parts, all else by the first")
    func choice() {
        let frame = EncoderFrame.longestSide(rows: 10, columns: 10, side: 1024)
        let quality: [Float] = [0.99, 0.5, 0.9, 0.7]
        func choice(_ prompt: Prompt, withMask: Bool = false) -> Int {
            DecoderPrompt(prompt, in: frame).choice(among: quality, withMask: withMask)
        }
        let click = Prompt(slice: 0, points: [.init(x: 1, y: 1)])
        #expect(choice(click) == 2)
        #expect(choice(click, withMask: true) == 0)
        #expect(choice(Prompt(slice: 0, points: [.init(x: 1, y: 1), .init(x: 2, y: 2)])) == 0)
        #expect(choice(Prompt(slice: 0, box: .init(left: 0, top: 0, right: 5, bottom: 5))) == 0)
        let inputs = DecoderPrompt(click, in: frame)
        #expect(inputs.labels == [1, -1] && inputs.coordinates == [102.4, 102.4, 0, 0])
        let both = DecoderPrompt(
            Prompt(
                slice: 0, points: [.init(x: 1, y: 1, isForeground: false)],
                box: .init(left: 0, top: 0, right: 5, bottom: 5)),
            in: frame)
        #expect(both.labels == [0, 2, 3])
    }

    @Test("An embedding is made once for the same pixels and package, in memory and on disk")
    func cache() throws {
        let directory = NSTemporaryDirectory() + "/triaged-embeddings-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let image = EncoderImage.sam([1, 2, 3, 4], rows: 2, columns: 2, side: 64)
        let other = EncoderImage.sam([1, 2, 4, 3], rows: 2, columns: 2, side: 64)
        #expect(
            image.key(package: "a") == EncoderImage.sam([1, 2, 3, 4], rows: 2, columns: 2, side: 64).key(package: "a"))
        #expect(Set([image.key(package: "a"), image.key(package: "b"), other.key(package: "a")]).count == 3)

        let cache = EmbeddingCache(capacity: 48, directory: directory, limit: 3 * 48)
        for key in ["one", "two", "three"] { cache.store([1, 2, 3, 4], for: key) }
        _ = cache.embedding("one")
        cache.store([5, 6, 7, 8], for: "four")
        #expect(cache.count == 3)
        // "two" was used least recently; on disk the files have no such order within one second.
        let again = EmbeddingCache(capacity: 48, directory: directory, limit: 3 * 48)
        #expect(again.embedding("four") == [5, 6, 7, 8])
        #expect(try FileManager.default.contentsOfDirectory(atPath: directory).count == 3)
        cache.store([Float](repeating: 0, count: 13), for: "large")
        #expect(cache.embedding("large") == nil)
        // The oldest on disk goes first, whichever package's it is.
        for (age, key) in [(300, "four"), (200, "one"), (100, "three")] {
            let path = "\(directory)/\(key).embedding"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            try FileManager.default.setAttributes(
                [.modificationDate: Date(timeIntervalSinceNow: -Double(age))], ofItemAtPath: path)
        }
        let neighbour = EmbeddingCache(capacity: 4000, directory: directory, limit: 3 * 48)
        neighbour.store([9, 9, 9, 9], for: "five")
        #expect(EmbeddingCache(capacity: 48, directory: directory).embedding("four") == nil)
        #expect(EmbeddingCache(capacity: 48, directory: directory).embedding("five") == [9, 9, 9, 9])
        let path = directory + "/five.embedding"
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        bytes[40] ^= 1
        try bytes.write(to: URL(fileURLWithPath: path))
        #expect(EmbeddingCache(capacity: 48, directory: directory).embedding("five") == nil)
    }
}

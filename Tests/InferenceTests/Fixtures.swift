// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import Volume

@testable import Inference

/// Foundation has one too.
typealias Port = Inference.Port

enum Fixtures {
    static let goldens = Bundle.module.resourceURL!.appendingPathComponent("Goldens")
    static let packages = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("etc/models").path
    static let hounsfield = Code("[hnsf'U]", "UCUM", "Hounsfield unit")

    static func frames(_ count: Int) -> [SourceFrame] {
        (0..<count).map {
            SourceFrame(
                sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"), sopInstanceUID: UID("1.2.3.\($0 + 1)")!,
                frameNumber: nil)
        }
    }
    static func floats(_ name: String) throws -> [Float] {
        let data = try Data(contentsOf: goldens.appendingPathComponent(name))
        return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
    static func bytes(_ name: String) throws -> [UInt8] {
        Array(try Data(contentsOf: goldens.appendingPathComponent(name)))
    }

    static func volume(
        _ values: [Float], shape: [Int], steps: [Vector3] = [Vector3(0, 0, 1), Vector3(0, 1, 0), Vector3(1, 0, 0)],
        origin: Vector3 = Vector3(0, 0, 0), unit: Code = hounsfield
    ) -> VoxelVolume {
        VoxelVolume(
            grid: Grid(
                origin: origin, columnStep: steps[2], rowStep: steps[1], sliceStep: steps[0], columns: shape[2],
                rows: shape[1],
                slices: shape[0]),
            voxels: values, unit: unit, frames: frames(shape[0]), notes: ["a note of the volume"])
    }

    /// A package around a network of the goldens, or any file; its digest is the network's name.
    static func package(
        network: String, folder: String = goldens.path, inference: String = "{fullVolume: {}}",
        preprocess: String = "[]",
        decision: String = "{activation: none, rule: threshold, restore: linear}",
        quality: String = #"{unit: "[hnsf'U]"}"#,
        outputs: String = """
        [{channel: 0, threshold: 0.5, label: thing, code: [A, "99T", Thing], category: [B, "99T", Cat],
          type: [C, "99T", Type], priority: urgent, confidence: mean}]
        """, memory: Int = 1000, channels: Int = 1
    ) throws -> ModelPackage {
        let series = (0..<channels).map { "{name: c\($0), claim: {modality: [CT]}}" }.joined(separator: ", ")
        let text = """
            schema: 1
            name: test
            version: "1"
            title: test
            manufacturer: test
            use: research
            licence: {spdx: Apache-2.0, file: LICENSE}
            card: CARD.md
            intendedUse: tests
            network: {file: \(network), sha256: \(String(repeating: "0", count: 64))}
            claim: {modality: [CT], bodyPartExamined: {oneOf: [HEAD]}}
            channels: [\(channels > 1 ? series : "")]
            quality: \(quality)
            preprocess: \(preprocess)
            inference: \(inference)
            decision: \(decision)
            outputs: \(outputs)
            budget: {memory: \(memory), time: 10}
            """
        return ModelPackage(
            manifest: try Manifest.read(text, file: "manifest.yaml"), folder: folder,
            identity: ModelIdentity(
                name: "test", version: "1", manufacturer: "test", digest: network + inference, isDemonstration: false))
    }
}

/// All channels of a run at once: [C, D, H, W].
struct Channels {
    var count = 0
    var values: [Float] = []
}

extension NetworkRun {
    /// Puts the slabs together again, each plane taken once.
    mutating func channels(
        of field: Field, activation: Manifest.Decision.Activation = .none
    ) throws(InferenceError) -> Channels {
        let shape = field.lattice.shape
        var result = Channels()
        var next = 0
        try slabs(of: field, as: .channels(activation)) { (slab) throws(InferenceError) in
            if result.count == 0 {
                result = Channels(
                    count: slab.channels,
                    values: [Float](repeating: .nan, count: slab.channels * shape.reduce(1, *)))
            }
            var place = [0, 0, 0]
            for c in 0..<slab.channels {
                for p in next..<slab.planes.upperBound {
                    for a in 0..<slab.shape[1] {
                        for b in 0..<slab.shape[2] {
                            place[slab.order[0]] = p
                            place[slab.order[1]] = a
                            place[slab.order[2]] = b
                            let source = ((p - slab.planes.lowerBound) * slab.shape[1] + a) * slab.shape[2] + b
                            result.values[((c * shape[0] + place[0]) * shape[1] + place[1]) * shape[2] + place[2]] =
                                slab.values[c * slab.stride + source]
                        }
                    }
                }
            }
            next = slab.planes.upperBound
        }
        return result
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
import OpenInference
import Volume

@testable import Inference

/// A package around unet.onnx, and where it runs.
enum RemoteFixtures {
    static let network = Bundle.module.resourceURL!.appendingPathComponent("Networks/unet.onnx").path
    static let roi = [16, 24, 32]

    static func package(channel: Int = 1, time: Int = 60, network: String = "unet.onnx", outputs: String = "") throws
        -> ModelPackage
    {
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
            network: {file: \(network), sha256: \(String(repeating: "0", count: 64))\(outputs)}
            claim: {modality: [CT], bodyPartExamined: {oneOf: [HEAD]}}
            quality: {unit: "[hnsf'U]"}
            preprocess: []
            inference: {slidingWindow: {roi: \(roi), overlap: 0.25, weighting: gaussian, sigma: 0.125, padding: 0}}
            decision: {activation: none, rule: threshold, restore: linear}
            outputs: [{channel: \(channel), threshold: 0.5, label: thing, code: [A, "99T", Thing],
              category: [B, "99T", Cat], type: [C, "99T", Type], priority: urgent, confidence: mean}]
            budget: {memory: 1000, time: \(time)}
            """
        return ModelPackage(
            manifest: try Manifest.read(text, file: "manifest.yaml"),
            folder: URL(fileURLWithPath: Self.network).deletingLastPathComponent().path,
            identity: ModelIdentity(
                name: "test", version: "1", manufacturer: "test", digest: "d", isDemonstration: false))
    }

    static func servers(_ server: InferenceServer, model: String = "unet") -> RemoteServers {
        RemoteServers([
            ServerRoute(
                server: server, packages: [.init(package: "test", models: ["main": [ServedModel(name: model)]])])
        ])
    }

    /// Seeded values between -1 and 1 in windows of `roi`.
    static func windows(_ count: Int, shape: [Int] = [1, 1] + roi) -> [TensorInput] {
        var seed: UInt64 = 7
        return (0..<count).map { _ in
            TensorInput(
                shape: shape,
                values: (0..<shape.reduce(1, *)).map { _ in
                    seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                    return Float(Int32(truncatingIfNeeded: seed >> 32)) / 2_147_483_648
                })
        }
    }

    /// The outputs of every window, one after another.
    static func outputs(_ network: any NetworkRunner, _ windows: [TensorInput]) throws(InferenceError) -> [Float] {
        var values: [Float] = []
        try network.run(count: windows.count) { (pass) throws(InferenceError) in
            [windows[pass]]
        } take: { (_, views) throws(InferenceError) in
            values += views[0].values
        }
        return values
    }

    static func volume(_ shape: [Int]) -> VoxelVolume {
        let grid = Grid(
            origin: Vector3(0, 0, 0), columnStep: Vector3(1, 0, 0), rowStep: Vector3(0, 1, 0),
            sliceStep: Vector3(0, 0, 1), columns: shape[2], rows: shape[1], slices: shape[0])
        let frames = (0..<shape[0]).map {
            SourceFrame(
                sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"), sopInstanceUID: UID("1.2.3.\($0 + 1)")!,
                frameNumber: nil)
        }
        return VoxelVolume(
            grid: grid, voxels: windows(1, shape: shape)[0].values.map { 2 * $0 },
            unit: Code("[hnsf'U]", "UCUM", "Hounsfield unit"), frames: frames, notes: [])
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

@testable import Inference

extension Fixtures {
    static let standIns = goldens.appendingPathComponent("StandIns").path

    /// A package around the stand-ins of scripts/standins/prompts-and-boxes.
    static func standIn(
        networks: String, inference: String, preprocess: String = "[]", decision: String, marks: String,
        memory: Int = 4000
    ) throws -> ModelPackage {
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
            \(networks)
            claim: {modality: [CT], bodyPartExamined: {oneOf: [CHEST]}}
            quality: {unit: "[hnsf'U]"}
            preprocess: \(preprocess)
            inference: \(inference)
            decision: \(decision)
            \(marks)
            budget: {memory: \(memory), time: 60}
            """
        return ModelPackage(
            manifest: try Manifest.read(text, file: "manifest.yaml"), folder: standIns,
            identity: ModelIdentity(
                name: "test", version: "1", manufacturer: "test", digest: inference + preprocess,
                isDemonstration: false))
    }

    static func promptable(
        _ promptable: String = "{family: sam}", preprocess: String = "[]", outputs: String = "", memory: Int = 4000
    ) throws -> ModelPackage {
        let none = String(repeating: "0", count: 64)
        return try standIn(
            networks: """
                networks: {encoder: {file: sam-encoder.onnx, sha256: \(none)}, decoder: {file: sam-decoder.onnx, sha256: \(none)}}
                """, inference: "{promptable: \(promptable)}", preprocess: preprocess,
            decision: "{activation: none, rule: threshold, restore: linear}",
            marks: """
                outputs: [{channel: 0, label: organ, code: [A, "99T", Organ], category: [B, "99T", Cat],
                  type: [C, "99T", Type], priority: routine, confidence: mean\(outputs)}]
                """, memory: memory)
    }

    /// As a package of lung_nodule_ct_detection, with the whole volume at once where no window is given: the stand-in sees
    /// far, and cuts off what lies at a window's border.
    static func detector(
        roi: String? = nil, preprocess: String, scores: String = "", memory: Int = 4000
    ) throws -> ModelPackage {
        try standIn(
            networks: "network: {file: retinanet.onnx, sha256: \(String(repeating: "0", count: 64))}",
            inference: """
                {detection: {\(roi.map { "roi: \($0), " } ?? "")multiple: [16, 16, 8], anchors: [[6, 8, 4], [8, 6, 5], [10, 10, 6]]}}
                """, preprocess: preprocess, decision: "{activation: sigmoid}",
            marks: """
                scores: [{channel: 0, threshold: 0.6, label: nodule, code: ["27925004", SCT, Nodule], priority: urgent\(scores)}]
                """, memory: memory)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Packages of kinds without a reference package, around stand-in networks, through the built executable.
    @Suite("Stand-in packages", .serialized) struct StandInTests {
        /// Something denser than bone.
        private func head() throws -> TemporaryDirectory {
            let directory = try TemporaryDirectory()
            let outcome = try Command.run(
                "phantom", "head-ct", "--output", directory.path, "--finding", "bleed", "--volume", "2.5", "--density",
                "2800", "--seed", "71", "--slices", "40", "--matrix", "128", "--pixel-spacing", "1.8",
                "--slice-spacing", "3")
            #expect(outcome.status == 0, "\(outcome.output)")
            return directory
        }

        @Test("process runs a detector and writes a report of its boxes")
        func detector() throws {
            let study = try head()
            let models = try StandInModels()
            try models.add("dense", networks: ["StandIns/retinanet.onnx"]) { digests in
                """
                network: {file: retinanet.onnx, sha256: \(digests[0])}
                quality: {unit: "[hnsf'U]"}
                preprocess: [{orientation: RAS}, {spacing: {mm: [1.5, 1.5, 2.5]}}, {scaleRange: {from: [1600, 2600], to: [0, 1]}}]
                inference: {detection: {roi: [64, 64, 32], multiple: [16, 16, 8], anchors: [[6, 8, 4], [8, 6, 5], [10, 10, 6]]}}
                decision: {activation: sigmoid}
                scores: [{channel: 0, threshold: 0.6, label: Dense body, code: ["19227008", SCT, Foreign body], priority: urgent}]
                """
            }
            let result = try models.process(study)
            #expect(result.outcome.status == 0, "\(result.outcome.output)")
            #expect(try result.files("SR").count == 1 && result.files("SEG").isEmpty)
            #expect(result.items.first?.list("findings").map { $0.text("label") } == ["Dense body"])
            // The box is its own explanation.
            let analysis = try result.analysis("dense")
            #expect(analysis.list("explanations").map { $0.text("kind") } == ["box"])
            #expect(analysis.list("findings").first?["box"] != nil)
        }

        @Test("model segment writes the mask and findings of a prompt, and says what is wrong with another")
        func segment() throws {
            let study = try head()
            let models = try StandInModels()
            try models.add("prompted", networks: ["StandIns/sam-encoder.onnx", "StandIns/sam-decoder.onnx"]) {
                digests in
                """
                quality: {unit: "[hnsf'U]"}
                networks:
                  encoder: {file: sam-encoder.onnx, sha256: \(digests[0])}
                  decoder: {file: sam-decoder.onnx, sha256: \(digests[1])}
                preprocess: []
                inference: {promptable: {family: sam, propagate: 0.2}}
                decision: {activation: none, rule: threshold, restore: linear}
                outputs: [{channel: 0, label: Dense body, code: ["19227008", SCT, Foreign body],
                  category: ["260787004", SCT, Physical object], type: ["19227008", SCT, Foreign body], priority: urgent, confidence: mean}]
                """
            }
            let output = try TemporaryDirectory()
            // 32 mm to the left, 12 to the back and 8 to the head of the middle, at 1.8 and 3 mm.
            let outcome = try Command.run(
                "model", "segment", models.directory.file("prompted"), study.path, "--slice", "22", "--point",
                "81.3,70.2",
                "--output", output.file("out"))
            #expect(outcome.status == 0, "\(outcome.output)")
            let data = try Data(contentsOf: URL(fileURLWithPath: output.file("out/findings.json")))
            let findings = try JSONSerialization.jsonObject(with: data) as? [[String: Any]]
            let volume = findings?.first?["volumeML"] as? Double ?? 0
            #expect((1.2...3.2).contains(volume), "\(volume)")
            let mask = try Data(contentsOf: URL(fileURLWithPath: output.file("out/mask.nrrd")))
            #expect(mask.starts(with: Data("NRRD0004\ntype: uint8\n".utf8)))
            let counted = Double(mask.suffix(128 * 128 * 40).count { $0 == 1 }) * 1.8 * 1.8 * 3 / 1000
            #expect(abs(counted - volume) < 1e-6)

            let none = try Command.run(
                "model", "segment", models.directory.file("prompted"), study.path, "--slice", "99", "--point", "1,1",
                "--output",
                output.file("none"))
            #expect(none.status == 1 && none.output.contains("slice 99"), "\(none.output)")
            #expect(!FileManager.default.fileExists(atPath: output.file("none")))
        }

        @Test(
            "embeddings are kept below the storage directory, from one run to the next and within their bound [EMBED-1]"
        )
        func embeddings() throws {
            let study = try head()
            let models = try StandInModels()
            // Finds the region, in no series by itself.
            try models.add(
                "dense", claim: "{modality: [CT], bodyPartExamined: {oneOf: [FOOT]}}",
                networks: ["StandIns/threshold.onnx"]
            ) { digests in
                """
                network: {file: threshold.onnx, sha256: \(digests[0])}
                quality: {unit: "[hnsf'U]"}
                preprocess: [{scaleRange: {from: [1000, 2700], to: [0, 1]}}]
                inference: {fullVolume: {}}
                decision: {activation: softmax, rule: argmax, restore: nearest}
                outputs: [{channel: 1, label: Dense body, code: ["19227008", SCT, Foreign body],
                  category: ["260787004", SCT, Physical object], type: ["19227008", SCT, Foreign body], priority: urgent,
                  confidence: mean}]
                """
            }
            try models.add("prompted", networks: ["StandIns/sam-encoder.onnx", "StandIns/sam-decoder.onnx"]) {
                digests in
                """
                region: {package: dense, label: Dense body, margin: 4}
                quality: {unit: "[hnsf'U]"}
                networks:
                  encoder: {file: sam-encoder.onnx, sha256: \(digests[0])}
                  decoder: {file: sam-decoder.onnx, sha256: \(digests[1])}
                preprocess: []
                inference: {promptable: {family: sam}}
                decision: {activation: none, rule: threshold, restore: linear}
                outputs: [{channel: 0, label: Dense body, code: ["19227008", SCT, Foreign body],
                  category: ["260787004", SCT, Physical object], type: ["19227008", SCT, Foreign body], priority: urgent, confidence: mean}]
                """
            }
            let node = try Daemon(models: models.path)
            // Two of 4 MiB and no third.
            try node.edit { $0.replacingOccurrences(of: "models:\n", with: "models:\n  embeddings: 9\n") }
            try node.start()
            let files = try FileManager.default.contentsOfDirectory(atPath: study.path).map { study.file($0) }
            _ = try node.store(files)
            let item = try eventually(within: 60) {
                try node.worklist().first { ["analysed", "failed", "notAnalysed"].contains($0.text("state") ?? "") }
            }
            #expect(item?.text("state") == "analysed", "\(String(describing: item))\n\(node.output)")
            let folder = node.storeDirectory + "/embeddings"
            let kept = try FileManager.default.contentsOfDirectory(atPath: folder)
            #expect(kept.count == 2 && kept.allSatisfy { $0.hasSuffix(".embedding") }, "\(kept)")
            #expect(node.stop() == 0)
        }
    }
}

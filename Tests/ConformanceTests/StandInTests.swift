// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Packages of kinds without a reference package, around stand-in networks, through the built executable.
    @Suite("Stand-in packages", .serialized) struct StandInTests {
        private static let networks = Daemon.repository + "/Tests/InferenceTests/Goldens/StandIns"

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

        /// A package in a folder of packages.
        private func package(_ name: String, files: [String], _ pipeline: ([String]) -> String) throws
            -> TemporaryDirectory
        {
            let models = try TemporaryDirectory()
            let folder = models.file(name)
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            var digests: [String] = []
            for file in files {
                try FileManager.default.copyItem(atPath: Self.networks + "/" + file, toPath: folder + "/" + file)
                let sum = try Tool.run("/usr/bin/sha256sum", [folder + "/" + file], seconds: 10)
                digests.append(String(sum.output.prefix(64)))
            }
            for file in ["CARD.md", "LICENSE"] {
                try Data("of tests".utf8).write(to: URL(fileURLWithPath: "\(folder)/\(file)"))
            }
            let text = """
                schema: 1
                name: \(name)
                version: "1"
                title: Stand-in
                manufacturer: tests
                use: demonstration
                licence: {spdx: Apache-2.0, file: LICENSE}
                card: CARD.md
                intendedUse: tests
                claim: {modality: [CT], bodyPartExamined: {oneOf: [HEAD]}}
                quality: {unit: "[hnsf'U]"}
                budget: {memory: 4000, time: 60}
                \(pipeline(digests))
                """
            try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/manifest.yaml"))
            return models
        }

        @Test("process runs a detector and writes a report of its boxes")
        func detector() throws {
            let study = try head()
            let models = try package("dense", files: ["retinanet.onnx"]) { digests in
                """
                network: {file: retinanet.onnx, sha256: \(digests[0])}
                preprocess: [{orientation: RAS}, {spacing: {mm: [1.5, 1.5, 2.5]}}, {scaleRange: {from: [1600, 2600], to: [0, 1]}}]
                inference: {detection: {roi: [64, 64, 32], multiple: [16, 16, 8], anchors: [[6, 8, 4], [8, 6, 5], [10, 10, 6]]}}
                decision: {activation: sigmoid}
                scores: [{channel: 0, threshold: 0.6, label: Dense body, code: ["19227008", SCT, Foreign body], priority: urgent}]
                """
            }
            let output = try TemporaryDirectory()
            let outcome = try Command.run(
                "process", "--models", models.path, "--output", output.file("out"), study.path, seconds: 120)
            #expect(outcome.status == 0, "\(outcome.output)")
            let names = try FileManager.default.contentsOfDirectory(atPath: output.file("out")).sorted()
            #expect(names.count == 2 && names[0].hasPrefix("SR-"), "\(names)")
            let data = try Data(contentsOf: URL(fileURLWithPath: output.file("out/findings.json")))
            let items = (try JSONSerialization.jsonObject(with: data) as? [String: Any])?["items"] as? [[String: Any]]
            let findings = items?.first?["findings"] as? [[String: Any]]
            #expect(findings?.compactMap { $0["label"] as? String } == ["Dense body"])
        }

        @Test("model segment writes the mask and findings of a prompt, and says what is wrong with another")
        func segment() throws {
            let study = try head()
            let models = try package("prompted", files: ["sam-encoder.onnx", "sam-decoder.onnx"]) { digests in
                """
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
                "model", "segment", models.file("prompted"), study.path, "--slice", "22", "--point", "81.3,70.2",
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
                "model", "segment", models.file("prompted"), study.path, "--slice", "99", "--point", "1,1", "--output",
                output.file("none"))
            #expect(none.status == 1 && none.output.contains("slice 99"), "\(none.output)")
            #expect(!FileManager.default.fileExists(atPath: output.file("none")))
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// What each destination gets of one run.
    @Suite("Destinations", .serialized) struct DestinationTests {
        private static let report = "1.2.840.10008.5.1.4.1.1.88.34"
        private static let everything = [
            Fixtures.segmentation, report, "1.2.840.10008.5.1.4.1.1.88.59", "1.2.840.10008.5.1.4.1.1.7",
            "1.2.840.10008.5.1.4.1.1.11.1",
        ]

        @Test(
            "one destination gets every kind of object, one the report alone, one nothing; Orthanc commits to all, a heat map too, and gives them back unchanged [OBJ-8]"
        )
        func kinds() throws {
            let models = try Self.models()
            let port = freePort()
            let viewer = try ScriptedPACS { _, _ in .status(0) }
            defer { viewer.stop() }
            let other = try ScriptedPACS { _, _ in .status(0) }
            defer { other.stop() }
            let node = try Daemon(
                peers: ["CT1", "PACS"],
                destinations: """
                    destinations:
                      - name: pacs
                        aeTitle: PACS
                        host: 127.0.0.1
                        port: \(port)
                        objects: [segmentation, measurementReport, keyObjects, secondaryCapture, presentationState, heatMap]
                      - {name: viewer, aeTitle: VIEWER, host: 127.0.0.1, port: \(viewer.port), objects: [measurementReport]}
                      - {name: mr, aeTitle: MR, host: 127.0.0.1, port: \(other.port), when: {modality: [MR]}}
                    """, quietPeriod: 0.5, models: models.path)
            let pacs = try Orthanc(dicomPort: port, modalities: ["node": ("TRIAGED", node.dicomPort)])
            try pacs.start()
            defer { pacs.stop() }
            try node.start()
            let study = try Fixtures.smallBleed(seed: 350)
            try node.storeAll(study.files)
            let item = try #require(
                try node.settledItem(study: study.studyInstanceUID, within: 90), "\(node.output.suffix(3000))")
            let results = item["results"] as? [[String: Any]] ?? []
            func classes(_ destination: String) -> [String] {
                results.filter { $0["destination"] as? String == destination }
                    .compactMap { $0["sopClassUID"] as? String }.sorted()
            }
            #expect(classes("pacs") == Self.everything.sorted(), "\(results)")
            #expect(classes("viewer") == [Self.report] && classes("mr") == [])
            #expect(viewer.receptions.count == 1 && other.receptions.isEmpty)
            // The report that goes out without its Segmentation is another one.
            let reports = results.filter { $0["sopClassUID"] as? String == Self.report }
            #expect(Set(reports.compactMap { $0["sopInstanceUID"] as? String }).count == 2)
            #expect(
                results.allSatisfy { ["sent", "committed"].contains($0["delivery"] as? String ?? "") }, "\(results)")

            #expect(try committed(node, study.studyInstanceUID).count == Self.everything.count)
            try expectUnchanged(Self.everything.count, of: study.studyInstanceUID, pacs, node)

            // A radiograph with scores alone, and a map that explains one.
            let chest = try TemporaryDirectory()
            let made = try Command.run(
                "phantom", "chest-xray", "--cr", "--matrix", "240x220", "--finding", "pneumothorax", "--seed", "351",
                "--view", "PA", "--output", chest.path)
            #expect(made.status == 0, "\(made.output)")
            try node.storeAll([chest.path])
            let all = try node.worklist()
            let radiograph = try #require(all.first { $0.text("studyInstanceUID") != study.studyInstanceUID })
            let uid = try #require(radiograph.text("studyInstanceUID"))
            let objects = try committed(node, uid)
            #expect(objects.contains { $0["sopClassUID"] as? String == "1.2.840.10008.5.1.4.1.1.7" }, "\(objects)")
            let maps = try expectUnchanged(objects.count, of: uid, pacs, node).filter {
                $0.range(of: Data("Regions that contribute to the score".utf8)) != nil
            }
            #expect(maps.count == 1)
            #expect(node.stop() == 0)
        }

        /// The reference package, and one whose findings are explained by maps.
        private static func models() throws -> StandInModels {
            let models = try StandInModels()
            try FileManager.default.copyItem(
                atPath: Daemon.repository + "/etc/models/head-ct-hyperdensity",
                toPath: models.path + "/head-ct-hyperdensity")
            try models.add(
                "chest", claim: "{modality: [CR, DX], bodyPartExamined: {oneOf: [CHEST]}}",
                networks: ["slices/chest.onnx"]
            ) { digests in
                """
                network: {file: chest.onnx, sha256: \(digests[0]), outputs: {scores: logits}}
                quality: {unit: "[arb'U]"}
                preprocess: [{scaleStored: {to: [-1024, 1024]}}, {centerCropSquare: true},
                  {resize: {size: [224, 224], method: bilinearAntialiased}}]
                inference: {projection: {}}
                decision: {activation: sigmoid}
                scores:
                  - {channel: 0, operatingPoint: 0.25, label: Pneumothorax, code: ["36118008", SCT, Pneumothorax], priority: critical}
                explain: {activationMap: cam}
                """
            }
            return models
        }

        /// What the worklist says of a study's objects at the PACS, once it has committed to all.
        private func committed(_ node: Daemon, _ study: String) throws -> [[String: Any]] {
            func results() throws -> [[String: Any]] {
                (try node.item(study: study)?.list("results") ?? []).filter { $0["destination"] as? String == "pacs" }
            }
            let settled = try eventually(within: 90) {
                let shown = try results()
                return !shown.isEmpty && shown.allSatisfy { $0.text("proof") == "storageCommitment" } ? shown : nil
            }
            let last = try results()
            return try #require(settled, "\(last) \(node.output.suffix(3000))")
        }

        /// The data sets that the PACS holds of a study are those that the node keeps.
        @discardableResult
        private func expectUnchanged(_ count: Int, of study: String, _ pacs: Orthanc, _ node: Daemon) throws -> [Data] {
            let kept = try node.keptResults()
            let held = try pacs.instances(studyInstanceUID: study)
            #expect(held.count == count)
            let directory = try TemporaryDirectory()
            return try held.map { id in
                let path = directory.file(id)
                try pacs.file(id).write(to: URL(fileURLWithPath: path))
                let uid = try #require(try sopInstanceUIDs(ofFiles: [path])[path])
                let dataSet = try dataSet(ofFile: path)
                #expect(dataSet == kept[uid], "\(uid)")
                return dataSet
            }
        }
    }
}

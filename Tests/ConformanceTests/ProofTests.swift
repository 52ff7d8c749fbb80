// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Delivery with proof to a real archive, and what may come back from it (docs/decisions/26).
    @Suite("Proof", .serialized) struct ProofTests {
        private static let keyObjectSelection = "1.2.840.10008.5.1.4.1.1.88.59"
        /// Where the daemon is killed.
        static let points = ["commitmentAsked"]

        private func results(_ node: Daemon, _ study: Phantom) throws -> [[String: Any]] {
            try node.item(study: study.studyInstanceUID)?["results"] as? [[String: Any]] ?? []
        }

        private func committed(_ node: Daemon, _ study: Phantom, _ count: Int) throws -> [[String: Any]] {
            let settled = try eventually(within: 90) {
                let results = try results(node, study)
                return results.count == count && results.allSatisfy { $0["proof"] as? String == "storageCommitment" }
                    ? results : nil
            }
            let last = try results(node, study)
            return try #require(settled, "\(last)\n\(node.output.suffix(3000))")
        }

        @Test(
            "Orthanc commits to results on an association of its own; a repeated run sends nothing, late instances retract, and what Orthanc routes back is kept and not analysed [PROOF-3] [RERUN-1] [RETRACT-1] [LOOP-1]"
        )
        func orthanc() throws {
            let port = freePort()
            let node = try Daemon(
                peers: ["CT1", "PACS"],
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(port), retraction: keyObjects}
                    """, quietPeriod: 0.5)
            let pacs = try Orthanc(dicomPort: port, modalities: ["node": ("TRIAGED", node.dicomPort)])
            try pacs.start()
            defer { pacs.stop() }
            try node.start()
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "340"], slices: 28)
            try node.storeAll(Array(study.files.prefix(20)))
            let first = try committed(node, study, 2)
            #expect(first.allSatisfy { $0["delivery"] as? String == "committed" })
            let former = Set(first.compactMap { $0["sopInstanceUID"] as? String })

            // The same run again: the same objects, and none of them goes out.
            let before = try #require(try node.item(study: study.studyInstanceUID)?["runSequence"] as? Int)
            let asked = try Tool.run(
                Daemon.executable, ["rerun", study.studyInstanceUID, "--config", node.configurationPath], seconds: 30)
            #expect(asked.status == 0 && asked.output.contains("1 series"), "\(asked.output)")
            let again = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    item.state == "analysed" && (item["runSequence"] as? Int ?? 0) > before ? item : nil
                }
            }
            #expect(again != nil)
            #expect(Set(try committed(node, study, 2).compactMap { $0["sopInstanceUID"] as? String }) == former)
            #expect(try node.rows("SELECT attempts FROM delivery").map { $0[0] } == ["1", "1"])

            // Late instances: the former objects are taken back.
            try node.storeAll(Array(study.files.dropFirst(20)))
            let after = try committed(node, study, 3)
            #expect(former.isDisjoint(with: after.compactMap { $0["sopInstanceUID"] as? String }))
            let notes = try pacs.instances(sopClassUID: Self.keyObjectSelection)
            try #require(notes.count == 1)
            let directory = try TemporaryDirectory()
            let file = directory.file("note.dcm")
            try pacs.file(notes[0]).write(to: URL(fileURLWithPath: file))
            let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            #expect(bytes.range(of: Data("Rejected for Quality Reasons".utf8)) != nil)
            #expect(former.allSatisfy { bytes.range(of: Data($0.utf8)) != nil })
            let item = try #require(try node.item(study: study.studyInstanceUID))
            let warnings = item["warnings"] as? [String] ?? []
            #expect(
                warnings.contains { $0.contains("2 objects of an earlier run are taken back at pacs") }, "\(warnings)")

            // A PACS that routes everything sends it all back.
            let back = try pacs.instances().filter { !notes.contains($0) }
            let body = String(decoding: try JSONSerialization.data(withJSONObject: back), as: UTF8.self)
            let routed = try HTTP.post(
                "http://127.0.0.1:\(pacs.httpPort)/modalities/node/store", json: body, seconds: 60)
            #expect(routed.status == 200, "\(routed.text)")
            let returned = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    item.series.filter { $0["state"] as? String == "outOfScope" }.count >= 4 ? item : nil
                }
            }
            let shown = try #require(returned, "\(node.output.suffix(2000))")
            #expect(
                shown.series.filter { $0["state"] as? String == "outOfScope" }.allSatisfy {
                    ($0["reason"] as? String)?.contains("came back") == true
                })
            #expect(shown.state == "analysed" && shown["runSequence"] as? Int == item["runSequence"] as? Int)
            #expect(shown["warnings"] as? [String] == warnings)
            #expect(try results(node, study).count == 3)
            #expect(node.stop() == 0)
        }

        @Test(
            "a request for storage commitment that a kill kept from going out, or from its report, is made again; each object goes out once [PROOF-5]"
        )
        func killed() throws {
            // The first request is never reported on: the daemon is killed while it waits.
            let pacs = try ScriptedPACS(commitment: .reports { _ in 0 }, silentRequests: 1) { _, _ in .status(0) }
            defer { pacs.stop() }
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs.port)}
                    """, quietPeriod: 0.5)
            let soon = ["TRIAGED_DELIVERY_DELAY": "0.2"]
            try node.start(environment: soon.merging(["TRIAGED_CRASH_POINT": Self.points[0]]) { $1 })
            let study = try Fixtures.smallBleed(seed: 342)
            try node.storeAll(study.files)
            #expect(eventually(within: 60) { node.process?.poll() } == 128 + SIGKILL, "\(node.output.suffix(2000))")
            #expect(pacs.commitments.isEmpty)

            try node.start(environment: soon)
            let request = try #require(eventually(within: 30) { pacs.commitments.first }, "\(node.output)")
            #expect(node.stop(SIGKILL) == 128 + SIGKILL)
            try node.start(environment: soon)
            let settled = try committed(node, study, 2)
            let last = try #require(pacs.commitments.last)
            #expect(last.transactionUID != request.transactionUID && Set(last.instances) == Set(request.instances))
            // A kill between the two C-STOREs makes one of them unseen, and looked up: nothing is sent twice.
            let kept = try node.keptResults()
            #expect(pacs.receptions.count == 2)
            #expect(pacs.receptions.allSatisfy { kept[$0.sopInstanceUID] == Data($0.dataSet) })
            #expect(Set(settled.compactMap { $0["sopInstanceUID"] as? String }) == Set(kept.keys))
            #expect(node.stop() == 0)
        }

        /// Runs `triaged rerun`, and waits for the end of the run.
        private func rerun(_ node: Daemon, _ study: Phantom) throws {
            let before = try #require(try node.item(study: study.studyInstanceUID)?["runSequence"] as? Int)
            let asked = try Command.run("rerun", study.studyInstanceUID, "--config", node.configurationPath)
            #expect(asked.status == 0, "\(asked.output)")
            let ended = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    item.state == "analysed" && (item["runSequence"] as? Int ?? 0) > before ? true : nil
                }
            }
            #expect(ended == true, "\(node.output.suffix(2000))")
        }

        @Test(
            "a package that goes back to its former version makes new objects where the former were taken back; further runs send nothing [RETRACT-2]"
        )
        func rollback() throws {
            let pacs = try ScriptedPACS { _, _ in .status(0) }
            defer { pacs.stop() }
            let package = try PackageCopy()
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs.port), retraction: keyObjects}
                    """, quietPeriod: 0.5, models: package.directory.path)
            try node.start()
            let study = try Fixtures.smallBleed(seed: 343)
            try node.storeAll(study.files)
            func standing(_ count: Int, received: Int) throws -> Set<String> {
                let found: Set<String>? = try eventually(within: 30) {
                    guard pacs.receptions.count == received else { return nil }
                    let shown = try results(node, study)
                    return shown.count == count && shown.allSatisfy { $0["delivery"] as? String == "committed" }
                        ? Set(shown.compactMap { $0["sopInstanceUID"] as? String }) : nil
                }
                let last = try results(node, study)
                return try #require(
                    found,
                    "\(pacs.receptions.map(\.sopInstanceUID)) \(last) \(node.output.suffix(2000))")
            }
            let first = try standing(2, received: 2)
            let manifest = try String(contentsOfFile: package.manifest, encoding: .utf8)
            try package.edit { $0 + "\n# another\n" }
            #expect(node.stop() == 0)
            try node.start()
            try rerun(node, study)
            // Two objects and what takes the first two back.
            let second = try standing(3, received: 5)
            #expect(first.isDisjoint(with: second))

            try manifest.write(toFile: package.manifest, atomically: true, encoding: .utf8)
            #expect(node.stop() == 0)
            try node.start()
            try rerun(node, study)
            let third = try standing(4, received: 8)
            #expect(third.isDisjoint(with: first))
            #expect(third.intersection(second).count == 1, "the first rejection stays")
            // Once more: these stand, and are made again as they are.
            try rerun(node, study)
            #expect(try standing(4, received: 8) == third)
            #expect(try node.rows("SELECT count(*) FROM retraction") == [["4"]])
            #expect(try node.rows("SELECT count(*) FROM delivery") == [["8"]])
            #expect(node.stop() == 0)
        }
    }
}

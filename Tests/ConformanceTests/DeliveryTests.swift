// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Results on their way to a PACS on a bad day (docs/decisions/09 and 10).
    @Suite("Delivery", .serialized)
    struct DeliveryTests {
        private static func destination(_ pacs: ScriptedPACS) -> String {
            """
            destinations:
              - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs.port), negativeReports: false}
            """
        }

        /// A node that has analysed a bleed, and delivers.
        private static func node(seed: Int, to pacs: ScriptedPACS) throws -> (Daemon, Phantom) {
            let node = try Daemon(destinations: destination(pacs))
            try node.start()
            let study = try Fixtures.smallBleed(seed: seed)
            let sent = try node.send(study.files, arguments: ["--abort"])
            try #require(sent.acknowledged.count == study.files.count, "\(sent.output)")
            return (node, study)
        }

        /// The results of the item, once each has left the state pending.
        private static func results(_ node: Daemon, _ study: Phantom) throws -> [[String: Any]] {
            try #require(try node.settledItem(study: study.studyInstanceUID, within: 90), "\(node.output)")["results"]
                as? [[String: Any]] ?? []
        }

        @Test("an object that the PACS stored without answering is looked up and not sent again [OUTBOX-2]")
        func keptWithoutAnswer() throws {
            let pacs = try ScriptedPACS { number, _ in number == 0 ? .keepAndHangUp : .status(0) }
            defer { pacs.stop() }
            let (node, study) = try Self.node(seed: 330, to: pacs)
            let results = try Self.results(node, study)
            #expect(results.count == 2)
            #expect(
                results.allSatisfy { ["sent", "committed"].contains($0["delivery"] as? String ?? "") }, "\(results)")
            let uids = pacs.receptions.map(\.sopInstanceUID)
            #expect(uids.count == 2 && Set(uids).count == 2, "an object was sent again: \(uids)")
            #expect(pacs.queries.contains(uids[0]))
            let kept = try node.keptResults()
            #expect(pacs.receptions.allSatisfy { kept[$0.sopInstanceUID] == Data($0.dataSet) })
            #expect(node.stop() == 0)
        }

        @Test("an object that the PACS lost without answering is sent again, byte by byte the same [OUTBOX-3]")
        func lostWithoutAnswer() throws {
            let pacs = try ScriptedPACS { number, _ in number == 0 ? .dropAndHangUp : .status(0) }
            defer { pacs.stop() }
            let (node, study) = try Self.node(seed: 331, to: pacs)
            let results = try Self.results(node, study)
            #expect(
                results.allSatisfy { ["sent", "committed"].contains($0["delivery"] as? String ?? "") }, "\(results)")
            let lost = try #require(pacs.receptions.first)
            let again = pacs.receptions.dropFirst().filter { $0.sopInstanceUID == lost.sopInstanceUID }
            #expect(again.count == 1)
            #expect(again.first?.dataSet == lost.dataSet)
            #expect(pacs.receptions.count == 3)
            #expect(node.stop() == 0)
        }

        @Test(
            "an object that the PACS cannot understand is parked, with the status on the worklist, and the other goes on [OUTBOX-4]"
        )
        func refusedForGood() throws {
            let pacs = try ScriptedPACS { _, sopClass in
                sopClass == Fixtures.segmentation ? .status(0xC000) : .status(0)
            }
            defer { pacs.stop() }
            let (node, study) = try Self.node(seed: 332, to: pacs)
            for isRestarted in [false, true] {
                if isRestarted {
                    // What is parked stays so, and its reason with it.
                    #expect(node.stop() == 0)
                    try node.start()
                }
                let results = try Self.results(node, study)
                let segmentation = try #require(results.first { $0["sopClassUID"] as? String == Fixtures.segmentation })
                #expect(segmentation["delivery"] as? String == "failed")
                let reason = try #require(segmentation["reason"] as? String)
                #expect(reason.contains("C000"), "\(reason)")
                let report = try #require(results.first { $0["sopClassUID"] as? String == Fixtures.comprehensive3DSR })
                #expect(["sent", "committed"].contains(report["delivery"] as? String ?? ""), "\(report)")
            }
            #expect(pacs.receptions.count == 2)
            #expect(node.stop() == 0)
        }

        @Test("an object that the PACS stored with a warning is delivered, and the warning is kept [OUTBOX-5]")
        func warned() throws {
            let pacs = try ScriptedPACS { _, _ in .status(0xB000) }
            defer { pacs.stop() }
            let (node, study) = try Self.node(seed: 333, to: pacs)
            let results = try Self.results(node, study)
            #expect(results.count == 2)
            for result in results {
                #expect(["sent", "committed"].contains(result["delivery"] as? String ?? ""), "\(result)")
                #expect((result["reason"] as? String)?.contains("B000") == true, "\(result)")
            }
            #expect(pacs.receptions.count == 2)
            #expect(node.stop() == 0)
        }

        @Test(
            "what a PACS can be asked for is committed once it was found; where it offers no query, sent is all that is said [OUTBOX-7]",
            arguments: [true, false])
        func proof(offersFind: Bool) throws {
            let pacs = try ScriptedPACS(offersFind: offersFind) { _, _ in .status(0) }
            defer { pacs.stop() }
            let (node, study) = try Self.node(seed: offersFind ? 335 : 336, to: pacs)
            let settled = try eventually(within: 60) {
                let states = try node.item(study: study.studyInstanceUID).map(Fixtures.deliveries) ?? []
                return states == (offersFind ? ["committed", "committed"] : ["sent", "sent"]) ? true : nil
            }
            #expect(settled == true, "\(node.output)")
            #expect(Set(pacs.queries) == (offersFind ? Set(pacs.receptions.map(\.sopInstanceUID)) : []))
            #expect(pacs.receptions.count == 2)
            #expect(node.stop() == 0)
        }

        @Test("results wait through failures that may pass, and arrive once [OUTBOX-6]")
        func outOfResources() throws {
            // A700: out of resources (PS3.4 B.2.3).
            let pacs = try ScriptedPACS { number, _ in number < 2 ? .status(0xA700) : .status(0) }
            defer { pacs.stop() }
            let (node, study) = try Self.node(seed: 334, to: pacs)
            let results = try Self.results(node, study)
            #expect(
                results.allSatisfy { ["sent", "committed"].contains($0["delivery"] as? String ?? "") }, "\(results)")
            let byUID = Dictionary(grouping: pacs.receptions, by: \.sopInstanceUID)
            #expect(byUID.count == 2 && byUID.values.allSatisfy { $0.count == 2 && $0[0].dataSet == $0[1].dataSet })
            #expect(node.stop() == 0)
        }
    }
}

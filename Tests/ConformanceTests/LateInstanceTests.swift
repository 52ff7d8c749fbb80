// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Decision 8: late instances run the series again, and the new run supersedes.
    @Suite("Late instances", .serialized) struct LateInstanceTests {
        private func results(_ item: [String: Any]) -> Set<String> {
            Set((item["results"] as? [[String: Any]] ?? []).compactMap { $0["sopInstanceUID"] as? String })
        }

        private func send(halvesOf study: Phantom, first: [String], to node: Daemon) throws -> (
            before: [String: Any], after: [String: Any]
        ) {
            try node.storeAll(first)
            let before = try node.endedItem(study: study.studyInstanceUID)
            #expect(before.state == "analysed", "\(before)")
            #expect(before.series.first?["instances"] as? Int == first.count)
            let rest = study.files.filter { !first.contains($0) }
            try node.storeAll(rest)
            let after = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    item.state == "analysed" && item["runSequence"] as? Int != before["runSequence"] as? Int
                        ? item : nil
                }
            }
            guard let after else { throw ToolError("no second run: \(node.output.suffix(2000))") }
            #expect(after.series.first?["instances"] as? Int == study.files.count)
            #expect(after["run"] as? String == "final")
            return (before, after)
        }

        @Test("the results of a run that late instances overtook are superseded by one over all slices [LATE-1]")
        func supersedes() throws {
            // A destination that is away: what is shown is what would go out.
            let node = try Daemon(
                destinations:
                    "destinations:\n  - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(freePort()), negativeReports: true}",
                quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "301"], slices: 28)
            let (before, after) = try send(halvesOf: study, first: Array(study.files.prefix(20)), to: node)
            #expect(results(after).count == 2, "\(results(after))")
            #expect(results(after).isDisjoint(with: results(before)))
            #expect(after.findings.count == 1)
            let volume = try #require(after.findings.first?["volumeML"] as? Double)
            #expect(
                abs(volume - study.bleedVolumeML) < 0.35 * study.bleedVolumeML,
                "\(volume) mL for \(study.bleedVolumeML) mL")
            let states = try node.rows("SELECT state FROM delivery ORDER BY id").map { $0[0] }
            #expect(states.filter { $0 == "withdrawn" }.count == results(before).count, "\(states)")
            node.stop()
        }

        @Test(
            "a refused series has a report with the reason where one is wanted, and the next run's names it [LATE-3]")
        func refusedAtFirst() throws {
            let pacs = freePort()
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs), notAnalysedReports: true}
                      - {name: quiet, aeTitle: QUIET, host: 127.0.0.1, port: \(pacs)}
                    """, quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "303"], slices: 28)
            let late = study.files[13]
            try node.storeAll(study.files.filter { $0 != late })
            let before = try node.endedItem(study: study.studyInstanceUID)
            #expect(before.state == "notAnalysed" && before.reason.contains("gap"), "\(before)")
            let refusal = try #require(results(before).first)
            func deliveries() throws -> [String] {
                try node.rows(
                    "SELECT destination FROM delivery JOIN result ON result.id = delivery.result WHERE sopInstanceUID = '\(refusal)'"
                ).map { $0[0] }
            }
            #expect(try results(before).count == 1 && deliveries() == ["pacs"])
            func file(_ uid: String) throws -> String {
                let paths = try node.rows("SELECT path FROM result WHERE sopInstanceUID = '\(uid)'")
                return node.storeDirectory + "/" + paths[0][0]
            }
            let text = try Tool.run("/usr/bin/dsrdump", ["-Ph", "+Pl", try file(refusal)]).output
            #expect(text.contains("Not analysed by head-ct-hyperdensity") && text.contains("Reason:"), "\(text)")
            #expect(text.contains("gap"), "\(text)")

            try node.storeAll([late])
            let after = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { $0.state == "analysed" ? $0 : nil }
            }
            guard let after else { throw ToolError("no second run: \(node.output.suffix(2000))") }
            #expect(!results(after).contains(refusal) && results(after).count == 2)
            let dump = try Tool.run(
                "/usr/bin/dcmdump", ["+P", "0040,a360", "+P", "0008,1155"] + results(after).map { try file($0) }
            ).output
            #expect(dump.contains("(0040,a360)") && dump.contains(refusal), "\(dump)")
            node.stop()
        }

        @Test("a bleed in the late slices raises a study that was routine [LATE-2]")
        func lateBleed() throws {
            let node = try Daemon(quietPeriod: 0.5)
            try node.start()
            // Files are in the order of the slices, from the feet; the bleed is above the middle.
            let study = try Fixtures.smallHead(
                ["--finding", "bleed", "--seed", "302", "--superior", "35", "--volume", "5"], slices: 28)
            let (before, after) = try send(halvesOf: study, first: Array(study.files.prefix(12)), to: node)
            #expect(before.priority == "routine", "\(before)")
            #expect(after.priority == "critical", "\(after)")
            node.stop()
        }
    }
}

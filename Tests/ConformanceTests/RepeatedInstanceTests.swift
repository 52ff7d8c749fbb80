// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Decision 15 to its end: what a reader, a metrics collector and a PACS see of an instance that comes again.
    @Suite("Repeated instances", .serialized, .sharedPACS)
    struct RepeatedInstanceTests {
        /// What is changed in the copy of one slice, and the attribute that the reason names.
        struct Change: Sendable, CustomTestStringConvertible {
            var keyword: String
            var seed: Int
            var testDescription: String { keyword }

            func apply(to file: String) throws {
                if keyword == "PixelData" {
                    let slice = try RawDataSet(file: file)
                    var pixels = slice.value(0x7FE0, 0x10)
                    pixels[pixels.count / 2] ^= 0x10
                    try slice.replacing(0x7FE0, 0x10, "OW", pixels).write(to: file, headOf: file)
                } else {
                    let value = keyword.hasSuffix("UID") ? "2.25.4711\(seed)" : "SOMEBODY-ELSE"
                    let made = try Tool.run("/usr/bin/dcmodify", ["-nb", "-imt", "-m", "\(keyword)=\(value)", file])
                    guard made.status == 0 else { throw ToolError(made.output) }
                }
            }
        }

        static let changes = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID", "PixelData"].enumerated().map {
            Change(keyword: $1, seed: 400 + $0)
        }

        private func metric(_ name: String, of node: Daemon) throws -> Int? {
            let text = try HTTP.get(node.url("/metrics")).text
            return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }
                .flatMap { Int($0.dropFirst(name.count + 1)) }
        }

        private func says(_ item: [String: Any], _ words: String) -> Bool {
            ([item.reason] + item.warnings).contains { $0.contains(words) }
        }

        private func count(_ node: Daemon, _ study: Phantom) -> Int {
            let stored = node.storedFiles()
            return study.sopInstanceUIDs.reduce(0) { $0 + (stored[$1]?.count ?? 0) }
        }

        @Test(
            "a changed copy that comes after delivery is kept too, blocks its study and flags the results, also after a restart [REPEAT-2]",
            arguments: changes)
        func afterDelivery(change: Change) async throws {
            let pacs = try SharedPACS.pacs()
            let node = try Daemon(destinations: Fixtures.destination(pacs), quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallBleed(seed: change.seed)
            try node.storeAll([study.directory.path])
            _ = try #require(try node.settledItem(study: study.studyInstanceUID), "\(node.output)")
            #expect(try metric("triaged_studies_blocked", of: node) == 0)
            #expect(try metric("triaged_results_to_review", of: node) == 0)

            let file = study.files[7]
            let original = try dataSet(ofFile: file)
            try change.apply(to: file)
            let copy = try dataSet(ofFile: file)
            try node.storeAll([file])
            let reason = "an instance was sent again with another \(change.keyword)"
            for isRestarted in [false, true] {
                if isRestarted {
                    #expect(node.stop() == 0)
                    try node.start()
                }
                let item = try #require(
                    try eventually(within: 60) {
                        try node.item(study: study.studyInstanceUID).flatMap { $0.state == "notAnalysed" ? $0 : nil }
                    }, "\(node.output.suffix(2000))")
                #expect(says(item, reason), "\(item)")
                #expect(item.warnings.contains { $0.hasPrefix("a delivered result needs review: ") }, "\(item)")
                // What was found is still said, and stays where it was delivered.
                #expect(item.priority == "critical")
                #expect(Fixtures.deliveries(item).allSatisfy { $0 == "sent" || $0 == "committed" }, "\(item)")
                // The study that the copy claims to be of is blocked as well.
                #expect(
                    try metric("triaged_studies_blocked", of: node) == (change.keyword == "StudyInstanceUID" ? 2 : 1))
                #expect(try metric("triaged_results_to_review", of: node) == 2)
                let kept = try #require(node.storedFiles()[study.sopInstanceUIDs[7]])
                #expect(Set(try kept.map { try dataSet(ofFile: $0) }) == [original, copy])
                #expect(count(node, study) == study.files.count + 1)
                let hasEnded = try eventually(within: 30) {
                    try node.worklist().contains { ["arriving", "waiting", "analysing"].contains($0.state) }
                        ? nil : true
                }
                #expect(hasEnded == true, "something does not come to an end")
            }
            #expect(try pacs.instances(studyInstanceUID: study.studyInstanceUID).count == 2)
            if Browser.isInstalled {
                let row = "document.querySelector('.study')"
                let page = try await Browser.with(node.url("/")) { browser in
                    try await browser.wait("\(row) !== null")
                    return try await browser.evaluate("document.body.textContent")
                }
                #expect(page.contains(reason), "\(page)")
                #expect(page.contains("a delivered result needs review"), "\(page)")
            }
            // The same copy once more is a duplicate of the second.
            try node.storeAll([file])
            // It goes once its row tells that it is one, a moment after the answer.
            #expect(eventually(within: 20) { count(node, study) == study.files.count + 1 ? true : nil } == true)
            #expect(node.stop() == 0)
        }

        @Test(
            "results that wait for a PACS when a changed copy comes are held, and the worklist says why [REPEAT-3]")
        func beforeDelivery() throws {
            let pacs = try Orthanc()
            let node = try Daemon(destinations: Fixtures.destination(pacs), quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallBleed(seed: 410)
            try node.storeAll([study.directory.path])
            let waiting = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap {
                    $0.state == "analysed" && Fixtures.deliveries($0) == ["pending", "pending"] ? $0 : nil
                }
            }
            _ = try #require(waiting, "\(node.output)")
            try Change(keyword: "PixelData", seed: 410).apply(to: study.files[3])
            try node.storeAll([study.files[3]])
            // The PACS comes, and a start makes every delivery due at once.
            try pacs.start()
            defer { pacs.stop() }
            #expect(node.stop() == 0)
            try node.start()
            let other = try Fixtures.smallBleed(seed: 411)
            try node.storeAll([other.directory.path])
            _ = try #require(try node.settledItem(study: other.studyInstanceUID), "\(node.output)")
            #expect(try pacs.instances(studyInstanceUID: other.studyInstanceUID).count == 2)
            #expect(try pacs.instances(studyInstanceUID: study.studyInstanceUID).isEmpty)
            let item = try #require(try node.item(study: study.studyInstanceUID))
            #expect(item.state == "notAnalysed")
            #expect(says(item, "analysis is blocked: an instance was sent again with another PixelData"), "\(item)")
            #expect(Fixtures.deliveries(item) == ["pending", "pending"])
            // Nobody outside has seen them: there is nothing to review.
            #expect(try metric("triaged_results_to_review", of: node) == 0)
            #expect(node.stop() == 0)
        }

        @Test(
            "two associations that send a study at once, one of them with a changed slice, leave one file for each content [REPEAT-4]"
        )
        func atOnce() throws {
            let node = try Daemon(quietPeriod: 0.5)
            try node.start()
            for (seed, changes) in [(420, false), (421, true), (422, true)] {
                let study = try Fixtures.smallBleed(seed: seed)
                let copies = try TemporaryDirectory()
                for file in study.files {
                    try FileManager.default.copyItem(
                        atPath: file, toPath: copies.file((file as NSString).lastPathComponent))
                }
                if changes {
                    try Change(keyword: "PixelData", seed: seed).apply(
                        to: copies.file((study.files[0] as NSString).lastPathComponent))
                }
                let senders = try [study.directory.path, copies.path].enumerated().map { number, directory in
                    try Tool(
                        "/usr/bin/storescu",
                        ["-aet", "CT1", "-aec", "TRIAGED", "+sd", "127.0.0.1", "\(node.dicomPort)", directory],
                        environment: ["TCP_NODELAY": "1"], log: node.directory.file("sender-\(seed)-\(number)"))
                }
                for sender in senders { #expect(sender.wait(seconds: 60).status == 0) }
                // A copy goes once its row tells that it is one, a moment after the answer.
                let kept = study.files.count + (changes ? 1 : 0)
                #expect(eventually(within: 20) { count(node, study) == kept ? true : nil } == true)
                let item = try node.endedItem(study: study.studyInstanceUID)
                #expect(item.state == (changes ? "notAnalysed" : "analysed"), "\(item)")
                #expect(says(item, "another PixelData") == changes, "\(item)")
            }
            #expect(try metric("triaged_studies_blocked", of: node) == 2)
            #expect(node.stop() == 0)
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Synchronization
import Testing

extension EndToEnd {
    /// What people ask for once more, by command and by button; and results that others made.
    @Suite("Once more", .serialized) struct AgainTests {
        /// SOP classes that the PACS refuses for now.
        private final class Moods: Sendable {
            private let classes = Mutex<Set<String>>([Fixtures.segmentation, Fixtures.comprehensive3DSR])
            func refuses(_ sopClass: String) -> Bool { classes.withLock { $0.contains(sopClass) } }
            func accept(_ sopClass: String) { classes.withLock { _ = $0.remove(sopClass) } }
        }

        private func deliver(_ node: Daemon, _ arguments: String...) throws -> Tool.Outcome {
            try Command.run(["deliver", "--retry"] + arguments + ["--config", node.configurationPath])
        }

        private func states(_ node: Daemon, _ study: Phantom) throws -> [String: String] {
            let results = try node.item(study: study.studyInstanceUID)?.list("results") ?? []
            return Dictionary(
                results.map { ($0.text("sopClassUID") ?? "", $0.text("delivery") ?? "") }, uniquingKeysWith: { $1 })
        }

        private func awaits(_ node: Daemon, _ study: Phantom, _ segmentation: String, _ report: String) throws {
            let wanted = [Fixtures.segmentation: segmentation, Fixtures.comprehensive3DSR: report]
            let isThere = try eventually(within: 90) { try states(node, study) == wanted ? true : nil }
            let last = try states(node, study)
            #expect(isThere == true, "\(wanted): \(last) \(node.output.suffix(2000))")
        }

        @Test(
            "what a PACS refused goes out again on `deliver --retry` and by a button, byte by byte the same; another run by command and by button; whoever asks for what is not there is told so; results of others are kept and not analysed [RETRY-1] [RERUN-3] [LOOP-2]"
        )
        func parked() async throws {
            let moods = Moods()
            let pacs = try ScriptedPACS { _, sopClass in .status(moods.refuses(sopClass) ? 0xC000 : 0) }
            defer { pacs.stop() }
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs.port)}
                    """, quietPeriod: 0.5)
            let isAway = try deliver(node, "--all")
            #expect(isAway.status == 1 && isAway.output.contains("the daemon is not running"), "\(isAway.output)")
            try node.start()
            let none = try deliver(node, "--all")
            #expect(none.status == 0 && none.output.contains("nothing is parked or waits"), "\(none.output)")
            for asked in [
                try deliver(node, "--study", "1.2.3.4"),
                try Command.run("rerun", "1.2.3.4", "--config", node.configurationPath),
            ] {
                #expect(asked.status == 1 && asked.output.contains("no such study"), "\(asked.output)")
            }
            #expect(try HTTP.post(node.url("/api/worklist/1.2.3.4/deliver"), json: "{}").status == 404)
            #expect(try deliver(node, "--study", "no-uid").status == 1)

            let study = try Fixtures.smallBleed(seed: 360)
            try node.storeAll(study.files)
            try awaits(node, study, "failed", "failed")
            // The report is accepted by now, the Segmentation is not.
            moods.accept(Fixtures.comprehensive3DSR)
            let first = try deliver(node, "--study", study.studyInstanceUID)
            #expect(first.status == 0 && first.output.contains("2 deliveries taken up"), "\(first.output)")
            let refusals = eventually(within: 60) { pacs.receptions.count == 4 ? true : nil }
            #expect(refusals == true)
            try awaits(node, study, "failed", "committed")
            moods.accept(Fixtures.segmentation)
            if Browser.isInstalled {
                try await click("deliver", at: node)
            } else {
                #expect(try deliver(node, "--all").output.contains("1 deliveries taken up"))
            }
            try awaits(node, study, "committed", "committed")
            #expect(try deliver(node, "--all").output.contains("nothing is parked or waits"))
            let kept = try node.keptResults()
            let sent = Dictionary(grouping: pacs.receptions, by: \.sopInstanceUID)
            #expect(sent.keys.count == 2 && sent.values.map(\.count).sorted() == [2, 3])
            #expect(pacs.receptions.allSatisfy { kept[$0.sopInstanceUID] == Data($0.dataSet) })

            // Another run comes to the same, and sends nothing.
            let before = try #require(try node.item(study: study.studyInstanceUID)?["runSequence"] as? Int)
            if Browser.isInstalled {
                try await click("rerun", at: node)
            } else {
                #expect(
                    try Command.run("rerun", study.studyInstanceUID, "--config", node.configurationPath).status == 0)
            }
            let again = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    item.state == "analysed" && (item["runSequence"] as? Int ?? 0) > before ? true : nil
                }
            }
            #expect(again == true, "\(node.output.suffix(2000))")
            #expect(pacs.receptions.count == 5)

            try othersResults(node, study, pacs)
            try withoutFiles(node, study)
            #expect(node.stop() == 0)
        }

        /// Clicks a button of the only study on the page, and reads what it says.
        private func click(_ action: String, at node: Daemon) async throws {
            try await Browser.with(node.url("/")) { browser in
                try await browser.wait(
                    "document.querySelector('.study') !== null && document.getElementById('cover').hidden")
                try await browser.press("j")
                try await browser.press("d")
                let button = "document.querySelector('.action[data-action=\(action)]')"
                try await browser.wait("\(button) !== null")
                let place = try await browser.evaluate(
                    "(() => { \(button).scrollIntoView({block: 'center'}); const r = \(button).getBoundingClientRect(); "
                        + "return [r.x + r.width / 2, r.y + r.height / 2].join(' '); })()"
                ).split(separator: " ").compactMap { Double($0) }
                try #require(place.count == 2)
                try await browser.mouse("mousePressed", x: place[0], y: place[1])
                try await browser.mouse("mouseReleased", x: place[0], y: place[1])
                // The list has changed meanwhile, more than once.
                try await browser.wait("document.querySelector('.said').textContent.includes('has taken it up')")
                try await browser.screenshot("button-\(action)")
            }
        }

        /// Objects of another system in the same study: kept, shown, found, and no reason to analyse anything.
        private func othersResults(_ node: Daemon, _ study: Phantom, _ pacs: ScriptedPACS) throws {
            let before = try #require(try node.item(study: study.studyInstanceUID))
            let folder = node.storeDirectory + "/results"
            let directory = try TemporaryDirectory()
            let files = try FileManager.default.subpathsOfDirectory(atPath: folder).filter { $0.hasSuffix(".dcm") }
                .enumerated().map { number, name in
                    let file = directory.file("\(number).dcm")
                    try FileManager.default.copyItem(atPath: "\(folder)/\(name)", toPath: file)
                    return file
                }
            try #require(files.count == 2)
            let changed = try Tool.run(
                "/usr/bin/dcmodify",
                ["-nb", "-gin", "-gse", "-m", "Manufacturer=Another", "-m", "SeriesDescription=Results of another"]
                    + files)
            #expect(changed.status == 0, "\(changed.output)")
            let uids = Set(try sopInstanceUIDs(ofFiles: files).values)
            try node.storeAll(files, arguments: ["-R"])
            let item = try #require(
                try eventually(within: 60) {
                    try node.item(study: study.studyInstanceUID).flatMap { item in
                        item.series.filter { $0.state == "outOfScope" }.count == 2 && item.state == "analysed"
                            ? item : nil
                    }
                }, "\(node.output.suffix(2000))")
            let theirs = item.series.filter { $0.state == "outOfScope" }
            #expect(
                Set(theirs.map(\.reason)) == [
                    "results (SEG), which are kept and not analysed", "results (SR), which are kept and not analysed",
                ])
            #expect(theirs.allSatisfy { $0.text("seriesDescription") == "Results of another" })
            #expect(item["runSequence"] as? Int == before["runSequence"] as? Int)
            #expect(item.priority == before.priority && item.warnings == before.warnings)
            #expect(item.list("results").count == 2 && pacs.receptions.count == 5)
            let found = try Tool.run(
                "/usr/bin/findscu",
                [
                    "-v", "-S", "-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.dicomPort)", "-k",
                    "QueryRetrieveLevel=IMAGE", "-k", "StudyInstanceUID=\(study.studyInstanceUID)", "-k",
                    "SOPInstanceUID",
                ])
            #expect(uids.count == 2 && uids.allSatisfy { found.output.contains($0) }, "\(found.output)")
        }

        /// The images are lost: another run says so, and what was delivered stands.
        private func withoutFiles(_ node: Daemon, _ study: Phantom) throws {
            let lost = Set(study.sopInstanceUIDs)
            for (uid, paths) in node.storedFiles() where lost.contains(uid) {
                for path in paths { try FileManager.default.removeItem(atPath: path) }
            }
            #expect(try Command.run("rerun", study.studyInstanceUID, "--config", node.configurationPath).status == 0)
            let item = try #require(
                try eventually(within: 60) {
                    try node.item(study: study.studyInstanceUID).flatMap {
                        ["failed", "notAnalysed"].contains($0.state) ? $0 : nil
                    }
                }, "\(node.output.suffix(2000))")
            let failed = item.series.filter { $0.state == item.state }
            #expect(failed.count == 1 && failed.allSatisfy { $0.reason.contains("No such file") }, "\(item.series)")
            #expect(Fixtures.deliveries(item) == ["committed", "committed"])
            #expect(item.warnings.contains { $0.hasPrefix("a delivered result needs review: a later run") }, "\(item)")
        }

        @Test("results that wait for a PACS go out although the images of their study are gone by then [OUTBOX-11]")
        func imagesGone() throws {
            let port = freePort()
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(port)}
                    """, quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallBleed(seed: 361)
            try node.storeAll(study.files)
            let isWaiting = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap { item in
                    item.list("results").count == 2
                        && item.list("results").allSatisfy { !($0.text("reason") ?? "").isEmpty }
                        ? true : nil
                }
            }
            #expect(isWaiting == true, "\(node.output)")
            for path in node.storedFiles().values.joined() { try FileManager.default.removeItem(atPath: path) }
            let pacs = try ScriptedPACS(port: port) { _, _ in .status(0) }
            defer { pacs.stop() }
            // Nobody waits for the next attempt.
            #expect(try deliver(node, "--all").output.contains("2 deliveries taken up"))
            try awaits(node, study, "committed", "committed")
            let kept = try node.keptResults()
            #expect(pacs.receptions.count == 2)
            #expect(pacs.receptions.allSatisfy { kept[$0.sopInstanceUID] == Data($0.dataSet) })
            #expect(node.stop() == 0)
        }
    }
}

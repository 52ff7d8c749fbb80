// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Names as people write them, and as people who mean harm do.
    @Suite("Names", .serialized, .sharedPACS) struct NamesTests {
        private func contains(_ part: [UInt8], _ whole: [UInt8]) -> Bool {
            guard whole.count >= part.count else { return false }
            return whole.indices.dropLast(part.count - 1).contains { whole[$0...].starts(with: part) }
        }

        @Test(
            "a name in its own letters is right on the worklist, and keeps its character set in SEG and SR [CHAR-1]",
            arguments: [
                ("ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう", "\\ISO 2022 IR 87"),
                ("ISO_IR 100", "Phäntom^Hédwig", "ISO_IR 100"),
                ("ISO_IR 192", "Wang^XiaoDong=王^小東", "ISO_IR 192"),
            ])
        func letters(characterSet: String, name: String, attribute: String) throws {
            let pacs = try SharedPACS.pacs()
            let node = try Daemon(destinations: Fixtures.destination(pacs), quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallHead([
                "--finding", "bleed", "--seed", "701", "--fresh-uids", "--character-set", characterSet,
                "--patient-name", name,
            ])
            try node.storeAll([study.directory.path])
            let item = try #require(try node.settledItem(study: study.studyInstanceUID), "\(node.output.suffix(2000))")
            #expect(item["patientName"] as? String == name)
            #expect(Fixtures.deliveries(item).allSatisfy { $0 == "sent" || $0 == "committed" }, "\(item)")

            // The name's bytes are those of the source, under the source's character set.
            let source = try RawDataSet(file: study.files[0])
            let patientName = RawDataSet.element(0x10, 0x10, "PN", source.value(0x10, 0x10))
            let set = RawDataSet.element(8, 5, "CS", Array(attribute.utf8))
            let results = try pacs.instances(studyInstanceUID: study.studyInstanceUID)
            #expect(results.count == 2)
            for result in results {
                let file = [UInt8](try pacs.file(result))
                #expect(contains(patientName, file))
                #expect(contains(set, file))
            }
            node.stop()
        }

        @Test(
            "a name that is a script is text on the worklist and on the page [CHAR-2]",
            .enabled(if: Browser.isInstalled))
        func script() async throws {
            let name = "<script>alert(1)</script>"
            let node = try Daemon(quietPeriod: 0.5)
            try node.start()
            let study = try Fixtures.smallHead(["--seed", "702", "--patient-name", name, "--finding", "bleed"])
            try node.storeAll([study.directory.path])
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item["patientName"] as? String == name)

            let answer = try Tool.run("/usr/bin/curl", ["-si", node.url("/api/worklist")]).output.lowercased()
            #expect(answer.contains("content-type: application/json"))
            #expect(answer.contains("x-content-type-options: nosniff"))

            let row = "document.querySelector('.study')"
            let (text, scripts) = try await Browser.with(node.url("/")) { browser in
                try await browser.wait("\(row) !== null")
                return (
                    try await browser.evaluate("\(row).textContent"),
                    try await browser.evaluate("\(row).querySelectorAll('script').length")
                )
            }
            #expect(text.contains(name), "\(text)")
            #expect(text.contains("Intracranial hemorrhage"))
            #expect(scripts == "0")
            node.stop()
        }
    }
}

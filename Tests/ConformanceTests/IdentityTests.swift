// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Decisions 14 and 15, as a reader of the worklist sees them.
    @Suite("Identity", .serialized, .sharedNode()) struct IdentityTests {
        private func study(_ seed: Int, _ arguments: [String] = [], slices: Int = 12) throws -> Phantom {
            try Fixtures.smallHead(
                ["--finding", "bleed", "--seed", "\(seed)", "--patient-id", "ID-\(seed)"] + arguments, slices: slices)
        }

        private func modify(_ files: [String], _ arguments: [String]) throws {
            let made = try Tool.run("/usr/bin/dcmodify", ["-nb", "-imt"] + arguments + files)
            guard made.status == 0 else { throw ToolError(made.output) }
        }

        /// Stored and analysed, with the item as it then is.
        private func analysed(_ study: Phantom, on node: Daemon) throws -> [String: Any] {
            try node.storeAll([study.directory.path])
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "analysed", "\(item)")
            return item
        }

        /// How many files of the study there are, of which versions.
        private func versions(_ study: Phantom, on node: Daemon) throws -> [String: Int] {
            let rows = try node.rows(
                """
                SELECT version, count(*) FROM instance JOIN series ON series.id = instance.series
                JOIN study ON study.id = series.study WHERE studyInstanceUID = '\(study.studyInstanceUID)' GROUP BY version
                """)
            return Dictionary(uniqueKeysWithValues: rows.map { ($0[0], Int($0[1]) ?? -1) })
        }

        /// Waits for so many files: a copy goes once its row tells that it is one, a moment after the answer.
        private func holds(_ count: Int, of study: Phantom, on node: Daemon) -> Bool {
            eventually(within: 20) {
                let stored = node.storedFiles()
                return study.sopInstanceUIDs.reduce(0) { $0 + (stored[$1]?.count ?? 0) } == count ? true : nil
            } ?? false
        }

        @Test("the same files sent again are a success, and are kept once [REPEAT-1]")
        func same() throws {
            let node = try SharedNode.node()
            let study = try study(201)
            let before = try analysed(study, on: node)
            try node.storeAll([study.directory.path])
            try node.storeAll([study.directory.path])
            #expect(holds(12, of: study, on: node))
            #expect(try versions(study, on: node) == ["first": 12])
            let after = try node.endedItem(study: study.studyInstanceUID)
            #expect(after.state == "analysed")
            #expect(after.warnings == before.warnings)
            #expect(after["runSequence"] as? Int == before["runSequence"] as? Int)
        }

        @Test("copies whose description an archive changed are a success, are kept, and raise no alarm [REPEAT-1]")
        func coerced() throws {
            let node = try SharedNode.node()
            let study = try study(202)
            let before = try analysed(study, on: node)
            try modify(study.files, ["-m", "StudyDescription=HEAD CORRECTED"])
            try node.storeAll([study.directory.path])
            #expect(holds(24, of: study, on: node))
            #expect(try versions(study, on: node) == ["first": 12, "coerced": 12])
            let after = try node.endedItem(study: study.studyInstanceUID)
            #expect(after.state == "analysed")
            #expect(after.warnings == before.warnings)
        }

        @Test(
            "copies in another transfer syntax are recognised by their pixels, and the study stays analysed [REPEAT-1]",
            arguments: [("/usr/bin/dcmcrle", "-xr", 203), ("/usr/bin/dcmcjpls", "-xt", 204)])
        func transcoded(program: String, proposal: String, seed: Int) throws {
            let node = try SharedNode.node()
            let study = try study(seed)
            let before = try analysed(study, on: node)
            for file in study.files {
                let made = try Tool.run(program, ["+un", file, file])
                if made.status != 0 {
                    let again = try Tool.run(program, [file, file])
                    #expect(again.status == 0, "\(again.output)")
                }
            }
            try node.storeAll([study.directory.path], arguments: [proposal])
            let versions = try eventually(within: 60) {
                let now = try self.versions(study, on: node)
                return now["uncompared"] == nil ? now : nil
            }
            #expect(versions == ["first": 12, "transcoded": 12])
            let after = try node.endedItem(study: study.studyInstanceUID)
            #expect(after.state == "analysed", "\(after)")
            #expect(after.priority == "critical")
            #expect(after.warnings == before.warnings)
        }

        @Test(
            "the same UID with other pixels is kept beside the first, and its study is blocked with the reason [REPEAT-1]"
        )
        func otherPixels() throws {
            let node = try SharedNode.node()
            let study = try study(205)
            _ = try analysed(study, on: node)
            let file = study.files[5]
            let slice = try RawDataSet(file: file)
            var pixels = slice.value(0x7FE0, 0x10)
            pixels[pixels.count / 2] ^= 0x10
            try slice.replacing(0x7FE0, 0x10, "OW", pixels).write(to: file, headOf: file)
            try node.storeAll([file])
            #expect(holds(13, of: study, on: node))
            let blocked = try eventually(within: 30) { try blockedItem(study, on: node) }
            let item = try #require(blocked, "\(node.output.suffix(2000))")
            #expect(saysOtherPixels(item), "\(item)")
            // What was found before is still said (decision 8).
            #expect(item.priority == "critical")
        }

        @Test("the same UID with other pixels in another transfer syntax is found by decoding, and blocks [REPEAT-1]")
        func otherPixelsTranscoded() throws {
            let node = try SharedNode.node()
            let study = try study(206)
            _ = try analysed(study, on: node)
            let file = study.files[5]
            let slice = try RawDataSet(file: file)
            var pixels = slice.value(0x7FE0, 0x10)
            pixels[pixels.count / 2] ^= 0x10
            try slice.replacing(0x7FE0, 0x10, "OW", pixels).write(to: file, headOf: file)
            let made = try Tool.run("/usr/bin/dcmcrle", [file, file])
            #expect(made.status == 0, "\(made.output)")
            try node.storeAll([file], arguments: ["-xr"])
            let blocked = try eventually(within: 60) { try blockedItem(study, on: node) }
            #expect(saysOtherPixels(try #require(blocked)))
        }

        /// Where the reader sees it: a finding from before may take the place of the reason.
        private func saysOtherPixels(_ item: [String: Any]) -> Bool {
            ([item.reason] + item.warnings).contains {
                $0.contains("an instance was sent again with another PixelData")
            }
        }

        private func blockedItem(_ study: Phantom, on node: Daemon) throws -> [String: Any]? {
            try node.item(study: study.studyInstanceUID).flatMap { $0.state == "notAnalysed" ? $0 : nil }
        }

        @Test(
            "instances of one study that cannot be of one patient block it, with the attribute that differs [PATIENT-1]",
            arguments: [
                ("PatientID=OTHER", "PatientID", 211), ("PatientBirthDate=19330303", "PatientBirthDate", 212),
                ("PatientSex=F", "PatientSex", 213), ("PatientName=Somebody^Else", "PatientName", 214),
            ])
        func otherPatient(change: String, keyword: String, seed: Int) throws {
            let node = try SharedNode.node()
            let study = try study(seed)
            try modify(Array(study.files.suffix(6)), ["-m", change])
            try node.storeAll([study.directory.path])
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "notAnalysed")
            #expect(item.reason.contains("instances of the study disagree on \(keyword)"), "\(item.reason)")
            #expect(item.findings.isEmpty)
            #expect(holds(12, of: study, on: node))
        }

        @Test("a name that differs only in case and spaces warns, and the study is analysed [PATIENT-2]")
        func nameVariation() throws {
            let node = try SharedNode.node()
            let study = try study(221, ["--patient-name", "Doe^Jane"])
            try modify(Array(study.files.suffix(6)), ["-m", "PatientName=DOE^JANE "])
            let item = try analysed(study, on: node)
            #expect(item.warnings.contains("PatientName is not written alike in all instances"), "\(item.warnings)")
            #expect(item.priority == "critical")
        }

        @Test("patients without an ID, or with a placeholder, never become one; patients with one do [PATIENT-3]")
        func emptyIDs() throws {
            let node = try SharedNode.node()
            var patients: [String: Set<String>] = [:]
            for (name, id) in [("empty", ""), ("unknown", "UNKNOWN"), ("zeros", "0000"), ("real", "MRN-4711")] {
                for number in 0..<2 {
                    let seed = 230 + patients.count * 10 + number
                    let study = try Phantom([
                        "--slices", "2", "--matrix", "64", "--seed", "\(seed)", "--identity", "\(name)-\(number)",
                        "--patient-id", "PLACE",
                    ])
                    try modify(study.files, ["-m", "PatientID=\(id)"])
                    try node.storeAll([study.directory.path])
                    let rows = try node.rows(
                        "SELECT patient FROM study WHERE studyInstanceUID = '\(study.studyInstanceUID)'")
                    patients[name, default: []].insert(try #require(rows.first?.first))
                    #expect(try node.item(study: study.studyInstanceUID)?["patientID"] as? String == id)
                }
            }
            #expect(patients.mapValues(\.count) == ["empty": 2, "unknown": 2, "zeros": 2, "real": 1])
        }
    }
}

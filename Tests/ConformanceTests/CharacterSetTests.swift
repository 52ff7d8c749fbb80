// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Text in the character sets of other people's files, and in none.
    @Suite("Character sets", .serialized, .sharedPACS) struct CharacterSetTests {
        @Test(
            "names in pydicom's character set files are in the index as pydicom reads them [CHAR-3]",
            .enabled(if: Judge.areDue(.highdicom)))
        func files() throws {
            let node = try Daemon(quietPeriod: 0.5)
            try node.start()
            defer { node.stop() }
            // Two of the 17 have no UIDs: DCMTKTests read them.
            let files = try Judge.characterSetFiles().filter { !$0.contains("chrSQEncoding") }
            #expect(files.count == 15)
            let sent = try node.send(files)
            #expect(sent.acknowledged.sorted() == files.sorted(), "\(sent.output)")
            let elements = try Judge.textElements(files).filter {
                $0.path.isEmpty && $0.group == 0x10 && $0.element == 0x10
            }
            #expect(elements.count == 15)
            let rows = try node.rows(
                "SELECT identity.patientName, instance.isTextIntact FROM instance JOIN identity ON identity.id = instance.identity"
            )
            func comparable(_ name: String) -> String {
                var name = name
                while name.hasSuffix("=") { name.removeLast() }
                return name.precomposedStringWithCanonicalMapping
            }
            #expect(
                Set(rows.map { comparable($0[0]) })
                    == Set(elements.map { comparable($0.values.joined(separator: "\\")) }))
            #expect(rows.allSatisfy { $0[1] == "1" })
        }

        struct Odd: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var characterSet: [UInt8]?
            var name: [UInt8]
            var shown: String
            var isIntact = false

            init(_ what: String, _ characterSet: String?, _ name: [UInt8], _ shown: String, isIntact: Bool = false) {
                testDescription = what
                self.characterSet = characterSet.map { Array($0.utf8) }
                self.name = name
                self.shown = shown
                self.isIntact = isIntact
            }
        }

        static let odd = [
            Odd("no character set, Latin 1 bytes", nil, Array("J".utf8) + [0xE9], "J\u{FFFD}"),
            Odd("an unknown term", "ISO_IR 999", Array("J".utf8) + [0xE9], "J\u{FFFD}"),
            Odd("an unknown term, plain text", "ISO_IR 999", Array("Doe^Jo".utf8), "Doe^Jo", isIntact: true),
            Odd(
                "UTF-8 said, Latin 1 meant", "ISO_IR 192", Array("J".utf8) + [0xE9] + Array("r^A".utf8), "J\u{FFFD}r^A"),
            Odd("an escape sequence that is none", "\\ISO 2022 IR 87", [0x41, 0x1B, 0x24, 0x7A, 0x42], "A\u{FFFD}$zB"),
            Odd("half a kanji", "\\ISO 2022 IR 87", [0x1B, 0x24, 0x42, 0x3B], "\u{FFFD}"),
            Odd("an escape sequence at the end", "\\ISO 2022 IR 87", [0x41, 0x42, 0x1B], "AB\u{FFFD}"),
            Odd(
                "a term that cannot stand there", "ISO_IR 192\\ISO 2022 IR 87", Array("é^A".utf8), "é^A", isIntact: true
            ),
            Odd(
                "GBK with 5C and 5E as second bytes", "GBK", [0xD5, 0x5C, 0x5E, 0x8E, 0x5E, 0x3D], "誠^巀=",
                isIntact: true),
            Odd("katakana with a Yen sign", "ISO_IR 13", [0xD4, 0xCF, 0x5C, 0xB1], "ﾔﾏ\\ｱ", isIntact: true),
        ]

        @Test(
            "text that cannot be decoded never fails a store; its bytes are kept, and it is marked [CHAR-4]",
            arguments: odd)
        func undecodable(_ odd: Odd) throws {
            let node = try Daemon(quietPeriod: 0.5)
            try node.start()
            defer { node.stop() }
            let study = try Fixtures.smallHead(["--character-set", "ISO_IR 100", "--seed", "721"], slices: 12)
            let source = try RawDataSet(file: study.files[0])
            var changed = source.replacing(0x10, 0x10, "PN", odd.name)
            if let characterSet = odd.characterSet {
                changed = changed.replacing(8, 5, "CS", characterSet)
            } else if let place = changed.place(of: 8, 5) {
                changed.bytes.removeSubrange(place.start..<place.end)
            }
            let uid = source.value(8, 0x18)
            let answer = try RawStore(instance: uid, dataSet: changed.bytes).send(to: node)
            #expect(answer == .status(0))
            let path = try #require(node.storedFiles().values.joined().first)
            #expect([UInt8](try dataSet(ofFile: path)) == changed.bytes)
            let item = try #require(try eventually(within: 20) { try node.item(study: study.studyInstanceUID) })
            let shown = try #require(item["patientName"] as? String)
            #expect(Array(shown.unicodeScalars) == Array(odd.shown.unicodeScalars), "\(shown)")
            #expect(try node.rows("SELECT isTextIntact FROM instance") == [[odd.isIntact ? "1" : "0"]])
        }

        @Test("a Japanese patient is found by every way to write the name [CHAR-5]")
        func search() throws {
            let node = try Daemon(quietPeriod: 0.5)
            try node.start()
            defer { node.stop() }
            let study = try Fixtures.smallHead(["--character-set", "ISO 2022 IR 87", "--seed", "722"])
            try node.storeAll([study.directory.path])
            let item = try #require(try node.item(study: study.studyInstanceUID))
            let id = try #require(item["patientID"] as? String)
            for text in ["yamada", "YAMADA tarou", "ﾔﾏﾀﾞ", "ヤマダ", "やまだ", "山田", "太郎", id, String(id.prefix(3))] {
                let found = try find(text, node)
                #expect(found == [study.studyInstanceUID], "\(text)")
            }
            for text in ["suzuki", "amada", "'; DROP TABLE study; --", ""] {
                #expect(try find(text, node) == [], "\(text)")
            }
        }

        private func find(_ text: String, _ node: Daemon) throws -> [String] {
            let query = try #require(text.addingPercentEncoding(withAllowedCharacters: .alphanumerics))
            let answer = try Tool.run("/usr/bin/curl", ["-sf", node.url("/api/worklist?q=\(query)")])
            let json = try JSONSerialization.jsonObject(with: Data(answer.output.utf8)) as? [String: Any]
            let items = try #require(json?["items"] as? [[String: Any]])
            return items.compactMap { $0["studyInstanceUID"] as? String }
        }

        struct Source: Sendable {
            var characterSet: String
            var name: [UInt8]
            /// Nil where it cannot be decoded.
            var text: String?
        }

        static let kanji: [UInt8] = [
            0x1B, 0x24, 0x42, 0x3B, 0x33, 0x45, 0x44, 0x1B, 0x28, 0x4A, 0x5E, 0x1B, 0x24, 0x42, 0x42, 0x40, 0x4F, 0x3A,
            0x1B,
            0x28, 0x4A,
        ]
        static let katakana: [UInt8] = [0xD4, 0xCF, 0xC0, 0xDE, 0x5E, 0xC0, 0xDB, 0xB3, 0x3D]
        static let sources = [
            Source(
                characterSet: "ISO 2022 IR 13\\ISO 2022 IR 87", name: katakana + kanji, text: "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎"),
            Source(characterSet: "ISO_IR 192", name: [0x4A, 0xE9, 0x72, 0xF4, 0x6D, 0x65], text: nil),
        ]

        @Test(
            "SEG and SR of a study keep its character set and the bytes of its text, decodable or not, and their judges read them [CHAR-6]",
            .enabled(if: Judge.areDue(.highdicom, .dsrdump)), arguments: sources)
        func results(_ source: Source) throws {
            let (characterSet, name, text) = (source.characterSet, source.name, source.text)
            let pacs = try SharedPACS.pacs()
            let node = try Daemon(destinations: Fixtures.destination(pacs), quietPeriod: 0.5)
            try node.start()
            defer { node.stop() }
            let study = try Fixtures.smallHead([
                "--finding", "bleed", "--seed", "723", "--fresh-uids", "--character-set", "ISO_IR 100",
            ])
            for file in study.files {
                try RawDataSet(file: file).replacing(0x10, 0x10, "PN", name)
                    .replacing(8, 5, "CS", Array(characterSet.utf8)).write(to: file, headOf: file)
            }
            try node.storeAll([study.directory.path])
            let item = try #require(try node.settledItem(study: study.studyInstanceUID), "\(node.output.suffix(2000))")
            #expect(Fixtures.deliveries(item).allSatisfy { $0 == "sent" || $0 == "committed" }, "\(item)")
            let results = try pacs.instances(studyInstanceUID: study.studyInstanceUID)
            #expect(results.count == 2)
            let directory = try TemporaryDirectory()
            for (number, result) in results.enumerated() {
                let path = directory.file("\(number).dcm")
                try pacs.file(result).write(to: URL(fileURLWithPath: path))
                let object = try RawDataSet(file: path)
                let padded = name + (name.count & 1 == 0 ? [] : [0x20])
                #expect(object.value(0x10, 0x10) == padded)
                #expect(
                    String(decoding: object.value(8, 5), as: UTF8.self).trimmingCharacters(in: .whitespaces)
                        == characterSet)
                let read = try Judge.textElements([path]).first {
                    $0.path.isEmpty && $0.group == 0x10 && $0.element == 0x10
                }
                if let text { #expect(read?.values == [text]) }
                // Only the report: the other is no SR document.
                if object.value(8, 0x60) == Array("SR".utf8) { #expect(try Judge.dsrdump.complaints(path) == []) }
            }
        }
    }
}

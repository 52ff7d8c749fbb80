// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

/// Other people's reading of what is written here: DCMTKTests/CharacterSetJudgeTests.
@Suite("Encoding in a Specific Character Set")
struct EncodingTests {
    @Test("a name goes back to the bytes it came from", arguments: SpecificCharacterSetTests.files)
    func back(_ sample: TextSample) throws {
        let set = SpecificCharacterSet(terms: sample.terms)
        var bytes = sample.bytes
        while bytes.last == 0x20 { bytes.removeLast() }
        // The one returns to ASCII where the first term is romaji, the other to an ASCII that it never left: both legal.
        if ["chrSQEncoding", "chrKoreanMulti"].contains(sample.source) {
            let decoded = set.decode(try #require(set.encode(sample.text, as: .personName)), as: .personName)
            #expect(decoded.values.joined(separator: "\\") == sample.text)
        } else {
            #expect(set.encode(sample.text, as: .personName) == bytes)
        }
    }

    @Test("what decodes can be encoded, and says the same", arguments: SpecificCharacterSetTests.others)
    func others(_ sample: TextSample) throws {
        let set = SpecificCharacterSet(terms: sample.terms)
        let bytes = try #require(set.encode(sample.text, as: .personName))
        #expect(set.decode(bytes, as: .personName) == .init(values: [sample.text], isIntact: true))
    }

    @Test(
        "text that does not fit is refused",
        arguments: [
            ([], "Jérôme"), (["ISO_IR 100"], "山田"), (["ISO_IR 13"], "山田"), (["ISO_IR 13"], "é"), (["ISO_IR 13"], "A~"),
            (["ISO_IR 13"], "¥"), (["", "ISO 2022 IR 87"], "ﾔﾏﾀﾞ"), (["", "ISO 2022 IR 87"], "한"),
            (["", "ISO 2022 IR 87"], "丂"), (["GBK"], "𐀀"), (["ISO_IR 100"], "J\u{FFFD}"), (["ISO_IR 999"], "A"),
            (["ISO_IR 192"], "A\u{1B}"), (["ISO_IR 192"], "A\n"), (["", "ISO 2022 IR 87"], "髙"),
        ] as [([String], String)])
    func unfit(terms: [String], text: String) {
        #expect(SpecificCharacterSet(terms: terms).encode(text, as: .personName) == nil)
    }

    @Test(
        "every character of every set comes back from its bytes",
        arguments: [
            ["ISO_IR 100"], ["ISO_IR 101"], ["ISO_IR 126"], ["ISO_IR 144"], ["ISO_IR 166"], ["ISO_IR 13"],
            ["", "ISO 2022 IR 87"], ["", "ISO 2022 IR 149"], ["", "ISO 2022 IR 58"], ["", "ISO 2022 IR 159"],
        ])
    func all(terms: [String]) throws {
        let set = SpecificCharacterSet(terms: terms)
        var count = 0
        for value in UInt32(0xA0)...0xFFFF {
            guard let scalar = UnicodeScalar(value), let bytes = set.encode(String(scalar), as: .text) else { continue }
            let decoded = set.decode(bytes, as: .text)
            #expect(decoded.isIntact && Array(decoded.values[0].unicodeScalars) == [scalar], "\(value) \(bytes)")
            count += 1
        }
        #expect(count > 50)
    }

    @Test("the first character set comes back before each delimiter of the value representation")
    func delimiters() {
        let japanese = SpecificCharacterSet(terms: ["ISO 2022 IR 13", "ISO 2022 IR 87"])
        let kanji: [UInt8] = [0x1B, 0x24, 0x42, 0x3B, 0x33]
        let back: [UInt8] = [0x1B, 0x28, 0x4A]
        #expect(japanese.encode("山\\山", as: .values) == kanji + back + [0x5C] + kanji + back)
        #expect(japanese.encode("山^山", as: .personName) == kanji + back + [0x5E] + kanji + back)
        #expect(japanese.encode("山^山", as: .values) == kanji + back + [0x5E] + kanji + back)
        #expect(japanese.encode("山\r\n山", as: .text) == kanji + back + [0x0D, 0x0A] + kanji + back)
        #expect(japanese.encode("山 山", as: .text) == kanji + back + [0x20] + kanji + back)
        #expect(japanese.encode("¥ｱ", as: .text) == [0x5C, 0xB1])
        let greek = SpecificCharacterSet(terms: ["ISO 2022 IR 100", "ISO 2022 IR 126"])
        #expect(
            greek.encode("Δé^Δ", as: .personName) == [0x1B, 0x2D, 0x46, 0xC4, 0x1B, 0x2D, 0x41, 0xE9, 0x5E]
                + [0x1B, 0x2D, 0x46, 0xC4, 0x1B, 0x2D, 0x41])
    }

    @Test("text is kept composed, each group of a name for itself")
    func composed() throws {
        func name(_ text: String) throws -> [UInt8] {
            let bytes = DataSetWriter.instance(.explicit) { w in
                w.element(0x0008_0005, "CS", "ISO_IR 192")
                w.element(0x0010_0010, "PN", Array(text.utf8))
            }
            return Array(try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid).patient.patientName.utf8)
        }
        #expect(try name("Je\u{301}ro\u{302}me") == Array("Jérôme".utf8))
        #expect(try name("\u{1100}\u{1175}\u{11B7}") == Array("김".utf8))
        #expect(try name("A=\u{338}山^\u{338}") == Array("A=\u{338}山^\u{338}".utf8))
    }
}

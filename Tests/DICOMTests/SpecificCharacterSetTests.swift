// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

/// A value as bytes, and what it says.
struct TextSample: Sendable, CustomTestStringConvertible {
    var source: String
    var terms: [String]
    var hex: String
    var text: String

    var bytes: [UInt8] {
        stride(from: 0, to: hex.utf8.count, by: 2).map { offset in
            UInt8(String(decoding: Array(hex.utf8)[offset..<offset + 2], as: UTF8.self), radix: 16)!
        }
    }
    var testDescription: String { source }

    init(_ source: String, _ terms: [String], _ hex: String, _ text: String) {
        self.source = source
        self.terms = terms
        self.hex = hex
        self.text = text
    }
}

@Suite("Specific Character Set")
struct SpecificCharacterSetTests {
    /// Names from the files in `charset_files` of pydicom 3.0.2 (MIT licence; made by David Clunie and others), and what
    /// pydicom 3.0.2 reads in them.
    static let files = [
        TextSample("chrArab", ["ISO_IR 127"], "e2c8c7e6ea5ee4e6d2c7d120", "قباني^لنزار"),
        TextSample("chrFren", ["ISO_IR 100"], "4275635e4ae972f46d65", "Buc^Jérôme"),
        TextSample(
            "chrFrenMulti", ["ISO_IR 100"], "4275635e4ae972f46d655c4275635e4ae972f46d6520", "Buc^Jérôme\\Buc^Jérôme"),
        TextSample("chrGerm", ["ISO_IR 100"], "c46e6561735e52fc646967657220", "Äneas^Rüdiger"),
        TextSample("chrGreek", ["ISO_IR 126"], "c4e9efedf5f3e9eff220", "Διονυσιος"),
        TextSample(
            "chrH31", ["", "ISO 2022 IR 87"],
            "59616d6164615e5461726f753d1b24423b3345441b28425e1b244242404f3a1b28423d1b24422464245e24401b28425e1b2442243f246d"
                + "24261b2842", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        TextSample(
            "chrH32", ["ISO 2022 IR 13", "ISO 2022 IR 87"],
            "d4cfc0de5ec0dbb33d1b24423b3345441b284a5e1b244242404f3a1b284a3d1b24422464245e24401b284a5e1b2442243f246d24261b28"
                + "4a", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        TextSample("chrHbrw", ["ISO_IR 138"], "f9f8e5ef5ee3e1e5f8e4", "שרון^דבורה"),
        TextSample(
            "chrI2", ["", "ISO 2022 IR 149"],
            "486f6e675e47696c646f6e673d1b242943fbf35e1b242943d1ced4d73d1b242943c8ab5e1b242943b1e6b5bf",
            "Hong^Gildong=洪^吉洞=홍^길동"),
        TextSample(
            "chrJapMulti", ["", "ISO 2022 IR 87"],
            "1b24422464245e24401b28425e1b2442243f246d24261b28425c1b24422464245e24401b28425e1b2442243f246d24261b284220",
            "やまだ^たろう\\やまだ^たろう"),
        TextSample(
            "chrJapMultiExplicitIR6", ["ISO 2022 IR 6", "ISO 2022 IR 87"],
            "1b24422464245e24401b28425e1b2442243f246d24261b284220", "やまだ^たろう"),
        TextSample(
            "chrKoreanMulti", ["", "ISO 2022 IR 149"],
            "1b242943b1e8c8f1c1df1b28425c1b242943b1e8c8f1c1df1b284220", "김희중\\김희중"),
        TextSample("chrRuss", ["ISO_IR 144"], "bbeeda6365dcd17970d3", "Люкceмбypг"),
        TextSample(
            "chrSQEncoding", ["ISO 2022 IR 13", "ISO 2022 IR 87"],
            "d4cfc0de5ec0dbb33d1b24423b3345441b28425e1b244242404f3a1b28423d1b24422464245e24401b28425e1b2442243f246d24261b28"
                + "42", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"),
        TextSample(
            "chrX1", ["ISO_IR 192"], "57616e675e5869616f446f6e673de78e8b5ee5b08fe69db13d20", "Wang^XiaoDong=王^小東="),
        TextSample("chrX2", ["GB18030"], "57616e675e5869616f446f6e673dcdf55ed0a1b6ab3d", "Wang^XiaoDong=王^小东="),
    ]

    /// Made up here, read by pydicom 3.0.2 unless said otherwise.
    static let others = [
        // PS3.5 K.2; pydicom's reading leaves parts of the escape sequences in.
        TextSample(
            "ISO-IR 58", ["", "ISO 2022 IR 58"],
            "5a68616e675e5869616f446f6e673d1b242941d5c55e1b242941d0a1b6ab3d", "Zhang^XiaoDong=张^小东="),
        TextSample(
            "three Latin halves", ["ISO 2022 IR 100", "ISO 2022 IR 144", "ISO 2022 IR 126"],
            "44696f6e7973696f73206973201b2d46c4e9efedf5f3e9eff2201b2d4cbbeeda", "Dionysios is Διονυσιος Люк"),
        TextSample(
            "ISO-IR 159", ["ISO 2022 IR 6", "ISO 2022 IR 87", "ISO 2022 IR 159"],
            "59616d6164615e5461726f753d1b24423b3345441b28425e1b2428443021226f1b2842", "Yamada^Tarou=山田^丂™"),
        TextSample("ISO-IR 13 alone", ["ISO_IR 13"], "d4cfc0de", "ﾔﾏﾀﾞ"),
        TextSample("GBK with 5C and 5E as second halves", ["GBK"], "57616e675ed55c3dcdf55e8e5e", "Wang^誠=王^巀"),
        TextSample(
            "GB18030 with 5C as a second half and four bytes", ["GB18030"], "813089375ed55c3d90308130", "Þ^誠=𐀀"),
        TextSample("Thai", ["ISO_IR 166"], "cac1aad2c2", "สมชาย"),
        TextSample("Korean without an escape sequence", ["ISO 2022 IR 149"], "b1e8c8f1c1df", "김희중"),
        TextSample("ISO-IR 87 as the first term", ["ISO 2022 IR 87"], "1b24423b3345441b28425e78", "山田^x"),
        TextSample("a misspelt term", ["iso-ir 100"], "4ae972f46d65", "Jérôme"),
        // PS3.5 6.1.2.5.3: a delimiter brings value 1's sets back, so the second component has no Greek.
        TextSample(
            "a delimiter resets", ["ISO 2022 IR 100", "ISO 2022 IR 126"], "1b2d46c45ec4", "Δ^Ä"),
    ]

    @Test("decodes person names", arguments: files + others)
    func names(_ sample: TextSample) {
        let set = SpecificCharacterSet(terms: sample.terms)
        let decoded = set.decode(sample.bytes, as: .personName)
        #expect(decoded.values.joined(separator: "\\") == sample.text)
        #expect(decoded.isIntact)
        #expect(set.isKnown)
    }

    @Test("decodes them where they stand, in a data set", arguments: files)
    func inDataSet(_ sample: TextSample) throws {
        let bytes = DataSetWriter.instance(.explicit) { w in
            w.element(0x0008_0005, "CS", sample.terms.joined(separator: "\\"))
            w.element(0x0010_0010, "PN", sample.bytes)
        }
        let header = try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid)
        #expect(header.patient.patientName == sample.text)
        #expect(header.isTextIntact)
        #expect(header.specificCharacterSet == (sample.terms == [""] ? [] : sample.terms))
    }

    /// 0xA0 to 0xFF as Python 3.11 decodes them.
    static let upperHalves: [(String, String)] = [
        (
            "ISO_IR 100",
            "\u{A0}¡¢£¤¥¦§¨©ª«¬\u{AD}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõ"
                + "ö÷øùúûüýþÿ"
        ),
        (
            "ISO_IR 101",
            "\u{A0}Ą˘Ł¤ĽŚ§¨ŠŞŤŹ\u{AD}ŽŻ°ą˛ł´ľśˇ¸šşťź˝žżŔÁÂĂÄĹĆÇČÉĘËĚÍÎĎĐŃŇÓÔŐÖ×ŘŮÚŰÜÝŢßŕáâăäĺćçčéęëěíîďđńňóôő"
                + "ö÷řůúűüýţ˙"
        ),
        (
            "ISO_IR 109",
            "\u{A0}Ħ˘£¤\u{FFFD}Ĥ§¨İŞĞĴ\u{AD}\u{FFFD}Ż°ħ²³´µĥ·¸ışğĵ½\u{FFFD}żÀÁÂ\u{FFFD}ÄĊĈÇÈÉÊËÌÍÎÏ\u{FFFD}ÑÒ"
                + "ÓÔĠÖ×ĜÙÚÛÜŬŜßàáâ\u{FFFD}äċĉçèéêëìíîï\u{FFFD}ñòóôġö÷ĝùúûüŭŝ˙"
        ),
        (
            "ISO_IR 110",
            "\u{A0}ĄĸŖ¤ĨĻ§¨ŠĒĢŦ\u{AD}Ž¯°ą˛ŗ´ĩļˇ¸šēģŧŊžŋĀÁÂÃÄÅÆĮČÉĘËĖÍÎĪĐŅŌĶÔÕÖ×ØŲÚÛÜŨŪßāáâãäåæįčéęëėíîīđņōķôõ"
                + "ö÷øųúûüũū˙"
        ),
        (
            "ISO_IR 144",
            "\u{A0}ЁЂЃЄЅІЇЈЉЊЋЌ\u{AD}ЎЏАБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя№ёђѓєѕ"
                + "іїјљњћќ§ўџ"
        ),
        (
            "ISO_IR 127",
            "\u{A0}\u{FFFD}\u{FFFD}\u{FFFD}¤\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}،\u{AD}"
                + "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
                + "\u{FFFD}\u{61B}\u{FFFD}\u{FFFD}\u{FFFD}\u{61F}\u{FFFD}\u{621}\u{622}\u{623}\u{624}\u{625}\u{626}"
                + "\u{627}\u{628}\u{629}\u{62A}\u{62B}\u{62C}\u{62D}\u{62E}\u{62F}\u{630}\u{631}\u{632}\u{633}"
                + "\u{634}\u{635}\u{636}\u{637}\u{638}\u{639}\u{63A}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{640}"
                + "\u{641}\u{642}\u{643}\u{644}\u{645}\u{646}\u{647}\u{648}\u{649}\u{64A}\u{64B}\u{64C}\u{64D}"
                + "\u{64E}\u{64F}\u{650}\u{651}\u{652}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
                + "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
        ),
        (
            "ISO_IR 126",
            "\u{A0}‘’£€₯¦§¨©ͺ«¬\u{AD}\u{FFFD}―°±²³΄΅Ά·ΈΉΊ»Ό½ΎΏΐΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡ\u{FFFD}ΣΤΥΦΧΨΩΪΫάέήίΰαβγδεζη"
                + "θικλμνξοπρςστυφχψωϊϋόύώ\u{FFFD}"
        ),
        (
            "ISO_IR 138",
            "\u{A0}\u{FFFD}¢£¤¥¦§¨©×«¬\u{AD}®¯°±²³´µ¶·¸¹÷»¼½¾\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
                + "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
                + "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
                + "\u{FFFD}\u{FFFD}‗\u{5D0}\u{5D1}\u{5D2}\u{5D3}\u{5D4}\u{5D5}\u{5D6}\u{5D7}\u{5D8}\u{5D9}\u{5DA}"
                + "\u{5DB}\u{5DC}\u{5DD}\u{5DE}\u{5DF}\u{5E0}\u{5E1}\u{5E2}\u{5E3}\u{5E4}\u{5E5}\u{5E6}\u{5E7}"
                + "\u{5E8}\u{5E9}\u{5EA}\u{FFFD}\u{FFFD}\u{200E}\u{200F}\u{FFFD}"
        ),
        (
            "ISO_IR 148",
            "\u{A0}¡¢£¤¥¦§¨©ª«¬\u{AD}®¯°±²³´µ¶·¸¹º»¼½¾¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏĞÑÒÓÔÕÖ×ØÙÚÛÜİŞßàáâãäåæçèéêëìíîïğñòóôõ"
                + "ö÷øùúûüışÿ"
        ),
        (
            "ISO_IR 203",
            "\u{A0}¡¢£€¥Š§š©ª«¬\u{AD}®¯°±²³Žµ¶·ž¹º»ŒœŸ¿ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÐÑÒÓÔÕÖ×ØÙÚÛÜÝÞßàáâãäåæçèéêëìíîïðñòóôõ"
                + "ö÷øùúûüýþÿ"
        ),
        (
            "ISO_IR 166",
            "\u{FFFD}กขฃคฅฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรฤลฦวศษสหฬอฮฯะ\u{E31}าำ\u{E34}\u{E35}\u{E36}\u{E37}"
                + "\u{E38}\u{E39}\u{E3A}\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}฿เแโใไๅๆ\u{E47}\u{E48}\u{E49}\u{E4A}\u{E4B}"
                + "\u{E4C}\u{E4D}\u{E4E}๏๐๑๒๓๔๕๖๗๘๙๚๛\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}"
        ),
    ]

    @Test("decodes the upper halves of the single-byte sets", arguments: upperHalves)
    func upperHalf(_ term: String, _ expected: String) {
        let set = SpecificCharacterSet(terms: [term])
        for (byte, scalar) in zip(UInt8(0xA0)...0xFF, expected.unicodeScalars) {
            // A no-break space is no padding.
            let decoded = set.decode([byte], as: .text)
            #expect(Array(decoded.values[0].unicodeScalars) == [scalar], "\(term) \(byte)")
            #expect(decoded.isIntact == (scalar != "\u{FFFD}"))
        }
    }

    @Test("a Yen sign separates values as a backslash does, and is one in text")
    func yen() {
        let set = SpecificCharacterSet(terms: ["ISO 2022 IR 13", "ISO 2022 IR 87"])
        #expect(set.decode([0xB1, 0x5C, 0xB2, 0x7E], as: .values).values == ["ｱ", "ｲ\u{203E}"])
        #expect(set.decode([0xB1, 0x5C, 0xB2], as: .text).values == ["ｱ¥ｲ"])
    }

    @Test("each value begins in the first character set")
    func reset() {
        let set = SpecificCharacterSet(terms: ["ISO 2022 IR 100", "ISO 2022 IR 126"])
        #expect(set.decode([0x1B, 0x2D, 0x46, 0xC4, 0x5C, 0xC4], as: .values).values == ["Δ", "Ä"])
        #expect(set.decode([0x1B, 0x2D, 0x46, 0xC4, 0x0D, 0x0A, 0xC4], as: .text).values == ["Δ\r\nÄ"])
    }

    @Test("a backslash inside a character separates nothing")
    func halves() {
        #expect(
            SpecificCharacterSet(terms: ["GBK"]).decode([0xD5, 0x5C, 0x5C, 0x41], as: .values).values == ["誠", "A"])
        // 0x255C in ISO-IR 87 is a katakana.
        let japanese = SpecificCharacterSet(terms: ["", "ISO 2022 IR 87"])
        let bytes: [UInt8] = [0x1B, 0x24, 0x42, 0x25, 0x5C, 0x1B, 0x28, 0x42, 0x5C, 0x41]
        #expect(japanese.decode(bytes, as: .values).values == ["ボ", "A"])
    }

    @Test(
        "bytes without a meaning are shown and told",
        arguments: [
            ([], [0x4A, 0xE9], "J\u{FFFD}"), (["ISO_IR 100"], [0x4A, 0x92], "J\u{FFFD}"),
            (["ISO_IR 192"], [0x4A, 0xC3], "J\u{FFFD}"), (["ISO_IR 192"], [0xC3, 0x28, 0x41], "\u{FFFD}(A"),
            (["ISO_IR 192"], [0xED, 0xA0, 0x80, 0x41], "\u{FFFD}\u{FFFD}\u{FFFD}A"),
            (["GB18030"], [0x41, 0xFF, 0x42], "A\u{FFFD}B"), (["GBK"], [0x41, 0xD5], "A\u{FFFD}"),
            (["", "ISO 2022 IR 87"], [0x1B, 0x24, 0x42, 0x3B], "\u{FFFD}"),
            (["", "ISO 2022 IR 87"], [0x1B, 0x24, 0x42, 0x7E, 0x7E, 0x1B, 0x28, 0x42, 0x41], "\u{FFFD}\u{FFFD}A"),
            (["", "ISO 2022 IR 149"], [0x1B, 0x24, 0x29, 0x43, 0xB1], "\u{FFFD}"),
            (["ISO 2022 IR 100"], [0x1B, 0x41], "\u{FFFD}A"), (["ISO_IR 100"], [0x41, 0x00, 0x42], "A\u{FFFD}B"),
            (["ISO_IR 192"], [0x41, 0x00, 0x42], "A\u{FFFD}B"), (["ISO_IR 13"], [0xE0], "\u{FFFD}"),
        ] as [([String], [UInt8], String)])
    func undecodable(_ terms: [String], _ bytes: [UInt8], _ expected: String) {
        let decoded = SpecificCharacterSet(terms: terms).decode(bytes, as: .values)
        #expect(decoded.values == [expected])
        #expect(!decoded.isIntact)
    }

    @Test("every byte and every pair of bytes ends, in every set")
    func exhaustive() {
        let terms = [
            [], ["ISO_IR 100"], ["ISO_IR 13"], ["ISO_IR 192"], ["GB18030"], ["GBK"], ["ISO 2022 IR 149"],
            ["ISO 2022 IR 58"], ["", "ISO 2022 IR 87", "ISO 2022 IR 159"],
        ]
        for term in terms {
            let set = SpecificCharacterSet(terms: term)
            for first in UInt8(0)...255 {
                for second: UInt8 in [0x00, 0x1B, 0x21, 0x30, 0x5C, 0x7F, 0x80, 0xA1, 0xFF] {
                    for usage: SpecificCharacterSet.Usage in [.values, .text, .personName] {
                        #expect(!set.decode([first, second], as: usage).values.isEmpty)
                    }
                }
            }
        }
    }

    @Test("identifiers that cannot be read stay apart")
    func identifiers() throws {
        func patientID(_ byte: UInt8) throws -> String {
            let bytes = DataSetWriter.instance(.explicit) { $0.element(0x0010_0020, "LO", [0x41, byte]) }
            let header = try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid)
            #expect(!header.isTextIntact)
            return header.patient.patientID
        }
        #expect(try patientID(0xC4) == "A\u{FFFD}C4")
        #expect(try patientID(0xC5) == "A\u{FFFD}C5")
    }

    @Test("padding goes, significant spaces stay")
    func padding() {
        let set = SpecificCharacterSet(terms: ["ISO_IR 100"])
        #expect(set.decode(Array(" A  B \\ C ".utf8), as: .values).values == ["A  B", "C"])
        #expect(set.decode(Array("  A ".utf8), as: .text).values == ["  A"])
        #expect(set.decode([0x41, 0x00], as: .values) == .init(values: ["A"], isIntact: true))
        #expect(set.decode([], as: .values).values == [""])
    }

    @Test(
        "unknown and impossible terms are told",
        arguments: [["ISO_IR 999"], ["latin1"], ["", "GB18030"], ["ISO_IR 192", "ISO 2022 IR 87"], ["100"]])
    func unknown(_ terms: [String]) throws {
        #expect(!SpecificCharacterSet(terms: terms).isKnown)
        let bytes = DataSetWriter.instance(.explicit) {
            $0.element(0x0008_0005, "CS", terms.joined(separator: "\\"))
        }
        #expect(
            try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid).defects.contains("characterSetUnknown"))
    }

    @Test("the character set counts for text that came before it")
    func order() throws {
        let bytes = DataSetWriter.instance(.explicit) { w in
            w.element(0x0010_0010, "PN", [0xC4])
            w.element(0x0008_0005, "CS", "ISO_IR 100")
        }
        #expect(try DataSetScan.read(bytes, DataSetWriter.Encoding.explicit.uid).patient.patientName == "Ä")
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite("A person's name")
struct PersonNameTests {
    @Test("has three groups of five components")
    func groups() {
        let name = PersonName("Yamada^Tarou=山田^太郎=やまだ^たろう")
        #expect(name.alphabetic.familyName == "Yamada")
        #expect(name.ideographic.givenName == "太郎")
        #expect(name.phonetic.components == ["やまだ", "たろう"])
        let full = PersonName("Adams^John Robert Quincy^^Rev.^B.A. M.Div.")
        #expect(full.alphabetic.givenName == "John Robert Quincy")
        #expect(full.alphabetic.middleName == "")
        #expect(full.alphabetic.prefix == "Rev.")
        #expect(full.alphabetic.suffix == "B.A. M.Div.")
    }

    @Test(
        "is shown as people read it",
        arguments: [
            ("Yamada^Tarou=山田^太郎=やまだ^たろう", "山田 太郎 (Yamada, Tarou)"), ("Buc^Jérôme", "Buc, Jérôme"),
            ("Adams^John Robert Quincy^^Rev.^B.A. M.Div.", "Adams, Rev. John Robert Quincy, B.A. M.Div."),
            ("Hong", "Hong"), ("^Gildong", "Gildong"), ("=洪^吉洞", "洪 吉洞"), ("==やまだ^たろう", "やまだ たろう"),
            ("Doe John", "Doe John"), ("", ""), ("^^^^", ""), ("==", ""), ("A^B^C^D^E^F", "A, D B C, E F"),
            ("<script>alert(1)</script>", "<script>alert(1)</script>"), ("A^B=C^D=E^F=G", "C D (A, B)"),
        ])
    func display(_ text: String, _ expected: String) {
        #expect(PersonName(text).displayText == expected)
    }

    @Test("is the same with other padding and empty ends")
    func equality() {
        #expect(PersonName("Doe^Jane^^^ ") == PersonName("Doe ^Jane="))
        #expect(PersonName("Doe^Jane^^^ ").text == "Doe^Jane")
        #expect(PersonName("Doe^^Jane") != PersonName("Doe^Jane"))
        #expect(PersonName("Wang^XiaoDong=王^小東=").text == "Wang^XiaoDong=王^小東")
        #expect(PersonName("^^").isEmpty)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite("Search key")
struct SearchKeyTests {
    static let yamada = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    static let halfWidth = "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう"

    @Test("each group has a key without separators, and its later words have theirs")
    func entries() {
        let entries = SearchKey(personName: Self.yamada).entries
        #expect(Set(entries.filter(\.isWhole).map(\.key)) == ["yamadatarou", "山田太郎", "ヤマダタロウ"])
        #expect(Set(entries.filter { !$0.isWhole }.map(\.key)) == ["tarou", "太郎", "タロウ"])
        #expect(SearchKey(personName: "").entries.isEmpty)
        #expect(SearchKey(personName: "^^^=").entries.isEmpty)
    }

    @Test(
        "a name folds",
        arguments: [
            ("MÜLLER^José", "mullerjose"), ("Mu\u{308}ller", "muller"), ("Straße", "strasse"), ("İzmir", "izmir"),
            ("O'Brien", "obrien"), ("O’Brien-Smith^A.", "obriensmitha"), ("Łukasz^Øre", "lukaszore"),
            ("Nguyễn^Đức", "nguyenduc"), ("Παπαδόπουλος", "παπαδοπουλοσ"), ("ЁЛКИН^Андрей", "елкинандрей"),
            ("ﾀﾞｲｽｹ", "ダイスケ"), ("だいすけ", "ダイスケ"), ("ゔぁん", "ヴァン"), ("Ｓｍｉｔｈ　Ｊ", "smithj"), ("ハン・ソロ", "ハンソロ"),
            ("神", "神"), ("髙橋", "高橋"), ("葛\u{E0100}城", "葛城"), ("김희중", "김희중"),
            ("\u{1100}\u{1175}\u{11B7}", "김"), ("قباني", "قباني"), ("A\u{200B}B", "ab"),
        ])
    func folding(name: String, key: String) {
        let whole = SearchKey(personName: name).entries.filter(\.isWhole).map(\.key)
        #expect(whole.count == 1)
        // Not ==, which takes canonically equivalent strings for equal.
        #expect(Array(whole[0].unicodeScalars) == Array(key.unicodeScalars), "\(whole[0])")
    }

    @Test(
        "a query matches against any group",
        arguments: [
            ("yamada^tarou", true), ("YAMADA*", true), ("Yamada", false), ("*tarou", true), ("山田*", true),
            ("山田^太郎", true), ("山?太郎", true), ("ﾔﾏﾀﾞ*", true), ("やまだ^たろう", true), ("ヤマダ タロウ", true),
            ("*=山田*", true), ("Suzuki=山田*", true), ("Suzuki*", false), ("山？＊", true), ("山?", false),
            ("", true), ("*", true), ("^*", true), ("-", false), ("[a-z]*", false), ("Yamada^Tarou=", true),
        ])
    func matching(query: String, isMatch: Bool) {
        #expect(SearchKey(personName: Self.yamada).matches(query) == isMatch)
    }

    @Test("a query without wildcards is for the whole group; a name that is absent matches the universal query only")
    func whole() {
        #expect(SearchKey(personName: "").matches("*"))
        #expect(!SearchKey(personName: "").matches("?"))
        #expect(SearchKey(personName: "Doe^John\\Roe^Jane").matches("roe^jane"))
        #expect(SearchKey(personName: "J\u{FFFD}r\u{FFFD}me").matches("j?r?me"))
        #expect(SearchKey(personName: "What?").matches("what?"))
    }

    @Test(
        "people find a name by the beginnings of its words, in any group and order",
        arguments: [
            (halfWidth, "yamada", false), (yamada, "yamada", true), (yamada, "ﾔﾏﾀﾞ", true), (yamada, "ヤマダ", true),
            (yamada, "やまだ", true), (yamada, "山田", true), (yamada, "たろう ヤマ", true), (yamada, "太郎", true),
            (yamada, "山田太郎", true), (halfWidth, "ﾔﾏﾀﾞ", true), (halfWidth, "やまだ", true), (yamada, "amada", false),
            (yamada, "Yamada, T", true), (yamada, "suzuki tarou", false), (yamada, "", false), (yamada, "...", false),
            (yamada, "y*u", true), ("van der Berg^Jan", "berg", true), ("van der Berg^Jan", "vanderb", true),
            ("Müller^Änne", "anne muller", true),
        ])
    func people(name: String, typed: String, isFound: Bool) {
        #expect(SearchKey(personName: name).isFound(by: SearchWords(typed)) == isFound)
    }

    @Test("wildcards end, whatever they are")
    func bounded() {
        let name = String(repeating: "a", count: 10_000)
        #expect(SearchKey(personName: name).entries.allSatisfy { $0.key.utf8.count <= 128 })
        let stars = String(repeating: "a*", count: 20_000) + "b"
        #expect(!SearchKey(personName: name).matches(stars))
        #expect(SearchKey(personName: String(repeating: "a b ", count: 5000)).entries.count <= 12)
        #expect(SearchWords(String(repeating: "a ", count: 5000)).patterns.count == 8)
    }

    @Test("the range holds what begins with the pattern's fixed part")
    func range() {
        for (pattern, key) in [("山*", "山田"), ("yam?da*", "yamada"), ("*", "x"), ("a*", "a𠮷")] {
            let (lower, upper) = SearchPattern.range(pattern)
            #expect(Array(lower.utf8).lexicographicallyPrecedes(Array(key.utf8)) || lower == key)
            #expect(Array(key.utf8).lexicographicallyPrecedes(Array(upper.utf8)))
        }
    }
}

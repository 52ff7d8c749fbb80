// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

/// PS3.4 C.2.2.2, case by case.
@Suite("Matching") struct CriterionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var rule: QueryAttribute.Rule
        var key: [String]
        var value: [String]
        var isMatch: Bool
        init(_ rule: QueryAttribute.Rule, _ key: String..., is value: String..., matches isMatch: Bool) {
            (self.rule, self.key, self.value, self.isMatch) = (rule, key, value, isMatch)
        }
        var testDescription: String { "\(rule) \(key) \(isMatch ? "matches" : "does not match") \(value)" }
    }

    static let cases: [Case] = [
        // Universal.
        Case(.text, "", is: "anything", matches: true), Case(.text, "*", is: "", matches: true),
        Case(.uid, "", is: "1.2", matches: true),
        Case(.date, "", is: "", matches: true), Case(.personName, "**", is: "Doe^John", matches: true),
        // Single value, to the letter; an attribute without a value matches nothing else than a universal key.
        Case(.text, "Head", is: "Head", matches: true), Case(.text, "head", is: "Head", matches: false),
        Case(.text, "Head", is: "", matches: false), Case(.text, "Head", is: "Head CT", matches: false),
        Case(.code, "CT", is: "CT", matches: true), Case(.code, "ct", is: "CT", matches: false),
        Case(.code, "MR", is: "CT", "MR", matches: true), Case(.code, "CT", "MR", is: "MR", matches: true),
        Case(.code, "CT", "MR", is: "US", matches: false),
        // Wildcards.
        Case(.text, "He*", is: "Head", matches: true), Case(.text, "*ad", is: "Head", matches: true),
        Case(.text, "H??d", is: "Head", matches: true),
        Case(.text, "H?d", is: "Head", matches: false), Case(.text, "*", is: "Head", matches: true),
        Case(.text, "*x*", is: "Head", matches: false),
        Case(.text, "H*a*d", is: "Head and neck and", matches: true), Case(.code, "C?", is: "CT", matches: true),
        Case(.text, "100%", is: "100%", matches: true), Case(.text, "a_c", is: "abc", matches: false),
        Case(.text, "[ab]", is: "a", matches: false),
        // Lists of UIDs; no wildcards there.
        Case(.uid, "1.2", "1.3", is: "1.3", matches: true), Case(.uid, "1.2", "1.3", is: "1.30", matches: false),
        // Dates, and ranges of them.
        Case(.date, "20260102", is: "20260102", matches: true), Case(.date, "20260102", is: "20260103", matches: false),
        Case(.date, "20260101-20260131", is: "20260131", matches: true),
        Case(.date, "20260101-20260131", is: "20260201", matches: false),
        Case(.date, "20260101-", is: "20991231", matches: true),
        Case(.date, "20260101-", is: "20251231", matches: false),
        Case(.date, "-20260101", is: "19991231", matches: true),
        Case(.date, "-20260101", is: "20260102", matches: false),
        Case(.date, "20260101 - 20260131", is: "20260115", matches: true),
        Case(.date, "20260101-", is: "", matches: false),
        Case(.date, "20260102", is: "2026.01.02", matches: true), Case(.date, "2026*", is: "20260102", matches: true),
        Case(.date, "20260131-20260101", is: "20260115", matches: false),
        Case(.date, "-20260101", is: "unknown", matches: false),
        // Times: what is left out on either side is open on that side.
        Case(.time, "10", is: "100000", matches: true), Case(.time, "10", is: "105959.999999", matches: true),
        Case(.time, "10", is: "110000", matches: false), Case(.time, "1000-1059", is: "105959.9", matches: true),
        Case(.time, "1000-1059", is: "110000", matches: false), Case(.time, "100000.5", is: "100000.5", matches: true),
        Case(.time, "100000.5", is: "100000.500000", matches: true),
        Case(.time, "100000.5", is: "100000.6", matches: false),
        Case(.time, "-0900", is: "0900", matches: true), Case(.time, "-0900", is: "0901", matches: false),
        Case(.time, "2200-", is: "235959", matches: true), Case(.time, "10:00:00", is: "100000", matches: true),
        Case(.time, "100000-100000", is: "100000.25", matches: true),
        // Numbers as numbers.
        Case(.integer, "3", is: "3", matches: true), Case(.integer, "03", is: "3", matches: true),
        Case(.integer, "3", is: "30", matches: false),
        // Names without regard to case, each group by itself.
        Case(.personName, "doe^john", is: "Doe^John", matches: true),
        Case(.personName, "DOE*", is: "Doe^John", matches: true),
        Case(.personName, "Doe^John^^^", is: "Doe^John", matches: true),
        Case(.personName, "Doe", is: "Dole", matches: false),
        Case(.personName, "d?e^*", is: "Doe^John", matches: true),
        Case(.personName, "山田*", is: "Yamada^Tarou=山田^太郎=やまだ^たろう", matches: true),
        Case(.personName, "YAMADA^TAROU", is: "Yamada^Tarou=山田^太郎=やまだ^たろう", matches: true),
        Case(.personName, "=山田^太郎", is: "Yamada^Tarou=山田^太郎=やまだ^たろう", matches: true),
        Case(.personName, "田山*", is: "Yamada^Tarou=山田^太郎=やまだ^たろう", matches: false),
    ]

    @Test("a key matches what PS3.4 says", arguments: cases)
    func matching(_ example: Case) throws {
        #expect(try Criterion(example.rule, example.key).matches(example.value) == example.isMatch)
    }

    @Test(
        "a key that its attribute cannot have is refused",
        arguments: [
            (QueryAttribute.Rule.uid, "1.2.*"), (.uid, "abc"), (.date, "yesterday"), (.date, "202601"),
            (.date, "20260101-20260102-20260103"), (.date, "-"), (.time, "25"), (.time, "1"), (.time, "1060"),
            (.integer, "three"),
        ])
    func malformed(rule: QueryAttribute.Rule, key: String) {
        #expect(throws: Criterion.Malformation.self) { try Criterion(rule, [key]) }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Importers

struct ExpressionTests {
    @Test(
        "Literals of Python and JSON are read as values",
        arguments: [
            ("1.5", "1.5"), ("[1.5, 2, -3e1]", "[1.5, 2, -30]"), ("(1, 2)", "[1, 2]"), ("(1)", "1"), ("(1,)", "[1]"),
            ("True", "true"), ("None", "null"), ("'a b'", "\"a b\""),
            ("{'a': [1], \"b\": False}", "{\"a\": [1], \"b\": false}"),
        ])
    func literal(text: String, value: String) { #expect(PythonLiteral.parse(text)?.description == value) }

    @Test(
        "Anything that would have to be computed is no literal",
        arguments: [
            "1+1", "__import__('os')", "[x for x in y]", "a", "1 if True else 2", "os.getenv('A')", "'a' + 'b'", "[1",
            "1 2",
            "'\\x41'", "",
        ])
    func computed(text: String) { #expect(PythonLiteral.parse(text) == nil) }

    @Test("References are recognised by their whole form alone")
    func references() {
        #expect(BundleConfiguration.reference("@a::b#0") == "a#b#0")
        #expect(BundleConfiguration.reference("%::a") == "a")
        for text in ["@a + @b", "@", "a", "@a.b", "%other.json::a", "@#a"] {
            #expect(BundleConfiguration.reference(text) == nil, "\(text)")
        }
        #expect(BundleConfiguration.negated("(not @a)") == "a" && BundleConfiguration.negated("not @a or @b") == nil)
        #expect(
            BundleConfiguration.constant("torch.float32") == "float32"
                && BundleConfiguration.constant("torch.nn") == nil)
    }

    @Test("A file that is nested too deep, too large or no text is refused before it is read")
    func hostile() {
        for text in [String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000), "{\"a\": ", ""] {
            #expect(throws: ImportError.self) { try ConfigFile.parse(text, file: "x") }
        }
        let bomb =
            "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f,*f,*f,*f,*f]\n"
        #expect(throws: ImportError.self) { try ConfigFile.parse(bomb, file: "x") }
    }

    @Test("JSON as Python writes it is read: NaN, and letters beyond the first plane")
    func json() throws {
        let value = try ConfigFile.parse("{\"a\": NaN, \"b\": \"\\ud83d\\ude00\", \"c\": -Infinity}", file: "x")
        #expect(value["b"]?.text == "😀")
        #expect(try ConfigFile.parse("{\t\"a\":\tNaN}", file: "x")["a"]?.number == nil)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

/// Each claim of docs/conformance.md has an id in brackets, which the name of a test carries.
@Suite("Claims") struct ConformanceClaimTests {
    /// Such as [C-STORE-1]: capital letters, then a number.
    private func ids(in text: Substring) -> Set<String> {
        Set(text.matches(of: /\[([A-Z][A-Z0-9]*(?:-[A-Z0-9]+)*-[0-9]+)\]/).map { String($0.1) })
    }

    /// The names of tests and suites: the first text after @Test( or @Suite(.
    private func names(in source: String) -> [Substring] {
        source.matches(of: /@(?:Test|Suite)\(\s*"((?:[^"\\]|\\.)*)"/).map(\.1)
    }

    @Test("a claim without a test is none [CLAIM-1]")
    func claims() throws {
        let document = try String(contentsOfFile: Daemon.repository + "/docs/conformance.md", encoding: .utf8)
        let claimed = ids(in: document[...])
        #expect(!claimed.isEmpty, "docs/conformance.md has no claim")
        var tested: Set<String> = []
        let tests = Daemon.repository + "/Tests"
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests) where path.hasSuffix(".swift") {
            for name in names(in: try String(contentsOfFile: tests + "/" + path, encoding: .utf8)) {
                tested.formUnion(ids(in: name))
            }
        }
        let bare = claimed.subtracting(tested).sorted()
        #expect(bare.isEmpty, "claims without a test: \(bare.joined(separator: ", "))")
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

/// docs/hostile-peers.md names a test for each weakness, in the last column, between backquotes.
@Suite("The table of hostile peers") struct HostilePeerTableTests {
    @Test("every weakness has a test, and every test that is named is there [ROBUST-9]")
    func table() throws {
        let document = try String(contentsOfFile: Daemon.repository + "/docs/hostile-peers.md", encoding: .utf8)
        let rows = document.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasSuffix("| tests |") }
        #expect(rows.count > 20)
        let known = try names()
        for row in rows {
            let cells = row.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(cells.count == 3, "\(row)")
            let named = (cells.last ?? "").matches(of: /`([^`]+)`/).map { String($0.1) }
            #expect(!named.isEmpty, "no test: \(row)")
            for name in named { #expect(known.contains(name), "no such test: \(name)") }
        }
    }

    private func names() throws -> Set<String> {
        var names: Set<String> = []
        let tests = Daemon.repository + "/Tests"
        for path in try FileManager.default.subpathsOfDirectory(atPath: tests) where path.hasSuffix(".swift") {
            let source = try String(contentsOfFile: tests + "/" + path, encoding: .utf8)
            names.formUnion(source.matches(of: /@Test\(\s*"((?:[^"\\]|\\.)*)"/).map { String($0.1) })
        }
        return names
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import Web

@Suite struct RefusalListTests {
    @Test("refusals have every key of docs/api.md, null where no rejection was sent")
    func refusals() async throws {
        let answer = try await withServer(FixtureNode()) { try await HTTPProbe(port: $0).get("/api/refusals") }
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "application/json")
        let lines = try #require(answer.json["refusals"] as? [[String: Any]])
        #expect(lines.count == 2)
        for line in lines {
            #expect(
                Set(line.keys) == [
                    "kind", "first", "last", "count", "peerAddress", "callingAETitle", "calledAETitle", "rejection",
                    "reason", "hint",
                ])
        }
        #expect(lines[0]["rejection"] as? String == "1/1/3")
        #expect(lines[0]["first"] as? String == "2026-11-22T02:10:00Z")
        #expect(lines[1]["rejection"] is NSNull)
    }
}

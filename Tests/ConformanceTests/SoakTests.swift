// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// `make soak`, shortened: the same script with fewer kills.
    @Suite("Kill campaign", .serialized)
    struct SoakTests {
        private static let python = ProcessInfo.processInfo.environment["TRIAGED_JUDGES"].map { $0 + "/bin/python" }

        @Test(
            "whatever clients saw acknowledged survives kills at random moments, and nothing is stuck [CRASH-4]",
            .enabled(if: python != nil, "TRIAGED_JUDGES names no Python with pynetdicom"))
        func campaign() throws {
            let directory = try TemporaryDirectory()
            let outcome = try Tool.run(
                try #require(Self.python),
                [Daemon.repository + "/scripts/soak", "--kills", "8", "--self-test", "--patience", "240"],
                environment: ["BINARY": Daemon.executable, "SOAK_DIRECTORY": directory.path], seconds: 580)
            #expect(outcome.status == 0, "\(outcome.output.suffix(6000))")
            #expect(outcome.output.contains("\nkills                 8,"), "\(outcome.output)")
            // The check was seen to fail on every kind of damage.
            #expect(outcome.output.contains("the check sees 16 of 16 kinds of damage"), "\(outcome.output)")
        }
    }
}

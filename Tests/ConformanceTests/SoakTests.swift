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

        private static func soak(_ arguments: [String]) throws -> Tool.Outcome {
            let directory = try TemporaryDirectory()
            return try Tool.run(
                try #require(python), [Daemon.repository + "/scripts/soak", "--patience", "240"] + arguments,
                environment: ["BINARY": Daemon.executable, "SOAK_DIRECTORY": directory.path], seconds: 580)
        }

        @Test(
            "whatever clients saw acknowledged survives power cuts that take all that was not synced [CRASH-5]",
            .enabled(if: python != nil, "TRIAGED_JUDGES names no Python with pynetdicom"))
        func powerCuts() throws {
            let outcome = try Self.soak(["--kills", "4", "--power-cuts"])
            #expect(outcome.status == 0, "\(outcome.output.suffix(6000))")
            let dropped = outcome.output.split(separator: "\n").first { $0.hasPrefix("writes, names dropped ") }
            #expect((dropped?.split(separator: " ").last).flatMap { Int($0) } ?? 0 > 0, "\(outcome.output)")
        }

        @Test(
            "whatever clients saw acknowledged survives kills at random moments, and nothing is stuck [CRASH-4]",
            .enabled(if: python != nil, "TRIAGED_JUDGES names no Python with pynetdicom"))
        func campaign() throws {
            let outcome = try Self.soak(["--kills", "8", "--self-test"])
            #expect(outcome.status == 0, "\(outcome.output.suffix(6000))")
            #expect(outcome.output.contains("\nkills                 8,"), "\(outcome.output)")
            // The check was seen to fail on every kind of damage.
            #expect(outcome.output.contains("the check sees 16 of 16 kinds of damage"), "\(outcome.output)")
        }
    }
}

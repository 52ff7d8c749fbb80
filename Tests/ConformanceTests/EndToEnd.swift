// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Support
import Testing

/// Suites that run the built executable, one test at a time: each has processes and ports of its own, and all of them share
/// the processors of the machine.
@Suite("End to end", .serialized)
enum EndToEnd {}

/// One Orthanc for the tests of a suite, whose studies differ.
struct SharedPACS: SuiteTrait, TestScoping {
    @TaskLocal static var current: Orthanc?

    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        let pacs = try Orthanc()
        try pacs.start()
        defer { pacs.stop() }
        try await SharedPACS.$current.withValue(pacs) { try await function() }
    }

    static func pacs() throws -> Orthanc {
        guard let current else { throw ToolError("the suite has no PACS: it lacks the trait .sharedPACS") }
        return current
    }
}

extension Trait where Self == SharedPACS {
    static var sharedPACS: SharedPACS { SharedPACS() }
}

extension Fixtures {
    static let segmentation = "1.2.840.10008.5.1.4.1.1.66.4"
    static let comprehensive3DSR = "1.2.840.10008.5.1.4.1.1.88.34"

    /// A bleed on slices as few and as coarse as the reference package takes. Equal seeds give equal studies.
    static func smallBleed(seed: Int) throws -> Phantom {
        try Phantom([
            "--finding", "bleed", "--volume", "20", "--slices", "16", "--matrix", "128", "--pixel-spacing", "1.5",
            "--slice-spacing", "6", "--slice-thickness", "6", "--seed", "\(seed)", "--patient-id", "PHANTOM-\(seed)",
        ])
    }
}

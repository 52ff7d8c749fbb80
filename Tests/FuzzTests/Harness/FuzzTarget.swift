// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Harness takes any bytes, lets the code that reads what peers send read them in more than one way, and gives what those ways
// disagree on. It keeps nothing. libFuzzer (Fuzz/) and the tests call the same functions; no product of the package has them.

/// What is fuzzed.
package enum FuzzTarget: String, CaseIterable, Sendable {
    /// The scan of a data set, in one piece and in many.
    case scan
    /// What the scan accepts, read by DCMTK. Its corpus is that of the scan.
    case parse
    /// Command sets.
    case command
    /// A-ASSOCIATE-RQ and -AC, and C-FIND identifiers.
    case associate
    /// A whole connection, from its first byte: PDUs, messages and data sets.
    case connection

    /// The folder of its corpus below Fuzz/Corpus.
    package var corpus: String { self == .parse ? FuzzTarget.scan.rawValue : rawValue }

    /// What is wrong with the way the input was read; nil where nothing is. What traps or damages memory ends the process.
    package func violation(of input: [UInt8]) -> String? {
        switch self {
        case .scan: ScanHarness.violation(of: input)
        case .parse: ParseHarness.violation(of: input)
        case .command: CommandHarness.violation(of: input)
        case .associate: AssociateHarness.violation(of: input)
        case .connection: ConnectionHarness.violation(of: input)
        }
    }
}

/// SplitMix64: an input always gives the same numbers.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

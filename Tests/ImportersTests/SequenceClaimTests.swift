// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models
import Testing

@testable import Importers

struct SequenceClaimTests {
    private static let channels = ["T1c", "T1", "T2", "FLAIR", "ADC", "DWI"]

    /// Channels by whose words the description is one of theirs.
    private func claimed(_ description: String) throws -> [String] {
        try Self.channels.filter { channel in
            let rule = SequenceClaims.rule(channel).rule
            func matches(_ pattern: String?) throws -> Bool? {
                try pattern.map { try Regex($0).ignoresCase().firstMatch(in: description) != nil }
            }
            return try matches(rule.include) == true && matches(rule.exclude) != true
        }
    }

    @Test(
        "A series description is that of one channel, with and without contrast",
        arguments: [
            ("T1 TSE", "T1"), ("T1 TSE +C", "T1c"), ("t1c", "T1c"), ("T1ce", "T1c"), ("ax T1 MPRAGE post KM", "T1c"),
            ("sag MPRAGE", "T1"), ("T1 SE pre contrast", ""), ("T2 TSE", "T2"), ("ax T2 FLAIR", "FLAIR"),
            ("FLAIR", "FLAIR"), ("T2* GRE", ""), ("ep2d_diff_trace", "DWI"), ("Apparent Diffusion Coefficient", "ADC"),
        ])
    func description(text: String, channel: String) throws {
        #expect(try claimed(text) == (channel.isEmpty ? [] : [channel]))
    }

    @Test("A name that is no sequence is looked for as it stands")
    func other() {
        let (rule, isKnown) = SequenceClaims.rule("PET (late)")
        #expect(!isKnown && rule.include == #"PET \(late\)"# && rule.exclude == nil)
    }
}

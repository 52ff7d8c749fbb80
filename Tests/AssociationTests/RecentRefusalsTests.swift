// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Association

@Suite struct RecentRefusalsTests {
    private func refusal(_ title: String = "CT9", from address: String = "10.1.2.3") -> AssociationRefusal {
        AssociationRefusal(
            .unknownCallingAETitle, peerAddress: address, callingAETitle: title, calledAETitle: "TRIAGED",
            rejection: .callingAETitleNotRecognized, reason: "unknown calling AE title \(title) from \(address)")
    }

    @Test("equal refusals are one line with first, last and count; the newest comes first")
    func counts() {
        var recent = RecentRefusals()
        #expect(recent.note(refusal(), at: 1000) == 1)
        #expect(recent.note(refusal("MR9"), at: 2000) == 1)
        // The wall clock may step back; the order is that of arrival.
        #expect(recent.note(refusal(), at: 500) == 2)
        let lines = recent.newestFirst
        #expect(lines.map(\.refusal.callingAETitle) == ["CT9", "MR9"])
        #expect(lines.map(\.count) == [2, 1])
        #expect(lines[0].first == 1000)
        #expect(lines[0].last == 500)
        #expect(recent.totals == [.unknownCallingAETitle: 3])
    }

    @Test("a flood of ever new titles from one address stays within bounds and pushes out nobody else")
    func flood() {
        var recent = RecentRefusals(capacity: 20)
        for address in 1...5 { _ = recent.note(refusal(from: "10.0.0.\(address)"), at: 0) }
        for number in 0..<10_000 { _ = recent.note(refusal("T\(number)", from: "10.9.9.9"), at: Int64(number)) }
        let lines = recent.newestFirst
        #expect(lines.count == 20)
        #expect(Set(lines.map(\.refusal.peerAddress)).count == 6)
        #expect(lines.first?.refusal.callingAETitle == "T9999")
        #expect(recent.totals == [.unknownCallingAETitle: 10_005])
    }

    @Test("a flood from ever new addresses stays within bounds, and the last are kept")
    func spread() {
        var recent = RecentRefusals(capacity: 20)
        for number in 0..<1000 { _ = recent.note(refusal(from: "10.1.\(number / 250).\(number % 250)"), at: 0) }
        #expect(recent.newestFirst.count == 20)
        #expect(recent.newestFirst.last?.refusal.peerAddress == "10.1.3.230")
    }

    @Test("what a peer sends is cut, and made printable ASCII")
    func sanitized() {
        let refusal = AssociationRefusal(
            .store, peerAddress: "10.0.0.7", callingAETitle: "CT1\u{1B}[31m\n" + String(repeating: "é", count: 40),
            reason: "line\nbreak " + String(repeating: "x", count: 10_000))
        #expect(refusal.callingAETitle == "CT1?[31m????????")
        #expect(refusal.reason.count == 300)
        #expect(refusal.reason.utf8.allSatisfy { (0x20...0x7E).contains($0) })
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Testing

@testable import Association

/// Who gets in, who does not, and what is said about it.
@Suite struct DoorTests {
    private static let title = AETitle(literal: "TRIAGED")

    private func policy(_ peers: KnownPeer...) -> AcceptancePolicy {
        AcceptancePolicy(calledAETitle: Self.title, peers: peers, strangers: nil)
    }

    private func associated(_ node: Node, _ calling: String, from address: String? = nil) throws -> ScriptedPeer {
        let peer = try ScriptedPeer(port: node.port, from: address)
        try peer.play([.send(PDUBytes.associateRequest(calling: calling)), .expect(2)])
        return peer
    }

    /// The fields of the A-ASSOCIATE-RJ.
    private func rejection(_ node: Node, _ calling: String) throws -> [UInt8] {
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([.send(PDUBytes.associateRequest(calling: calling)), .expect(3), .expectEnd])
        return Array(peer.received[0][7..<10])
    }

    private func refusals(_ node: Node, _ count: Int = 1) -> [AssociationRefusal] {
        eventually(within: 20) { node.record.now.refused.count >= count ? node.record.now.refused : nil }
            ?? node.record.now.refused
    }

    @Test(
        "whoever is at the wrong port is named",
        arguments: [
            // A ClientHello's record head, and what follows of it.
            ([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xFC, 0x03, 0x03], .tls, "TLS client on the plain port"),
            (Array("GET / HTTP/1.1\r\n\r\n".utf8), .http, "HTTP request on the DICOM port"),
            (Array("SSH-2.0-OpenSSH_9.2\r\n".utf8), .notDICOM, "the first bytes are no DICOM PDU"),
            (PDUBytes.releaseRequest, .malformed, "PDU type 5 where an association request was due"),
            ([], .noRequest, "the peer connected and closed without a request"),
        ] as [([UInt8], AssociationRefusal.Kind, String)])
    func strangers(bytes: [UInt8], kind: AssociationRefusal.Kind, reason: String) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        if bytes.isEmpty { peer.close() } else { peer.send(bytes) }
        let refusal = try #require(refusals(node).first)
        #expect(refusal.kind == kind)
        #expect(refusal.reason == reason)
        #expect(refusal.peerAddress == "127.0.0.1")
    }

    @Test("a known title from an address that is not its own is rejected, and from its own it is served")
    func address() throws {
        let node = try Node(
            policy: policy(
                KnownPeer(aeTitle: AETitle(literal: "CT1"), addresses: [AddressRange("127.0.0.2")!]),
                KnownPeer(aeTitle: AETitle(literal: "CT2"), addresses: [AddressRange("127.0.0.0/24")!])))
        #expect(try rejection(node, "CT1") == [1, 1, 3])
        let refusal = try #require(refusals(node).first)
        #expect(refusal.kind == .address)
        #expect(refusal.reason == "calling AE title CT1 from 127.0.0.1, which is not among its addresses")
        let peers = [try associated(node, "CT1", from: "127.0.0.2"), try associated(node, "CT2")]
        for peer in peers { try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .close]) }
    }

    @Test(
        "an unknown, an empty and a wrongly calling title are remembered in words",
        arguments: [
            ("CT9", "TRIAGED", .unknownCallingAETitle, "unknown calling AE title CT9 from 127.0.0.1"),
            ("", "TRIAGED", .unknownCallingAETitle, "empty calling AE title from 127.0.0.1"),
            ("CT1", "OTHER", .calledAETitle, "wrong called AE title OTHER, called by CT1 from 127.0.0.1"),
        ] as [(String, String, AssociationRefusal.Kind, String)])
    func titles(calling: String, called: String, kind: AssociationRefusal.Kind, reason: String) throws {
        let node = try Node(peers: ["CT1"])
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest(calling: calling, called: called)), .expect(3), .expectEnd,
        ])
        let refusal = try #require(refusals(node).first)
        #expect(refusal.kind == kind)
        #expect(refusal.reason == reason)
    }

    @Test("a title in another case is its peer's, and what was sent is kept for the log")
    func otherCase() throws {
        let node = try Node(policy: policy(KnownPeer(aeTitle: AETitle(literal: "CT1"), isUrgent: true)))
        let peer = try associated(node, " ct1")
        // Told after the answer went out.
        let opened = try #require(eventually(within: 10) { node.record.now.opened.first })
        #expect(opened.callingAETitle.string == "ct1")
        #expect(opened.caller.aeTitle.string == "CT1")
        #expect(opened.caller.isUrgent)
        try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .close])
    }

    @Test("a peer's own limit, and the places kept for urgent peers, reject transiently and say why")
    func limits() throws {
        let node = try Node(
            policy: policy(
                KnownPeer(aeTitle: AETitle(literal: "CT1"), maximumAssociations: 1),
                KnownPeer(aeTitle: AETitle(literal: "BULK")),
                KnownPeer(aeTitle: AETitle(literal: "STROKE"), isUrgent: true)),
            maximumAssociations: 4, urgentReserve: 2)
        var open = [try associated(node, "CT1")]
        #expect(try rejection(node, "CT1") == [2, 3, 2])
        open.append(try associated(node, "BULK"))
        #expect(try rejection(node, "BULK") == [2, 3, 2])
        open.append(try associated(node, "STROKE"))
        open.append(try associated(node, "STROKE"))
        #expect(try rejection(node, "STROKE") == [2, 3, 2])
        #expect(
            refusals(node, 3).map(\.reason) == [
                "1 associations of this peer are open already",
                "2 associations are open already, and the last 2 places are for urgent peers",
                "4 associations are open already",
            ])
        #expect(refusals(node).allSatisfy { $0.kind == .associationLimit && $0.rejection == .localLimitExceeded })
        try open.removeFirst().play([.send(PDUBytes.releaseRequest), .expect(6), .close])
        #expect(eventually(within: 10) { node.acceptor.associationCount == 3 ? true : nil } == true)
        open.append(try associated(node, "STROKE"))
    }

    @Test(
        "a flood of silent connections from one address cuts its own, not the one that an urgent peer is about to use [DOOR-12]"
    )
    func flood() throws {
        var timeouts = Node.quick
        // Longer than the test, so that only being cut ends a connection.
        timeouts.associate = .seconds(600)
        let urgent = KnownPeer(
            aeTitle: AETitle(literal: "STROKE"), addresses: [AddressRange("127.0.0.9")!], isUrgent: true)
        let node = try Node(
            policy: policy(urgent, KnownPeer(aeTitle: AETitle(literal: "CT1"))), maximumHalfOpen: 4, timeouts: timeouts)
        // Connected, and slow to speak.
        let slow = try ScriptedPeer(port: node.port, from: "127.0.0.9")
        var flood: [ScriptedPeer] = []
        for number in 0..<60 {
            flood.append(try ScriptedPeer(port: node.port, from: "127.0.1.\(number % 6 + 1)"))
        }
        let routine = try associated(node, "CT1")
        try slow.play([.send(PDUBytes.associateRequest(calling: "STROKE")), .expect(2)])
        #expect(node.record.now.refused.contains { $0.kind == .congestion })
        #expect(node.record.now.refused.allSatisfy { $0.peerAddress != "127.0.0.9" })
        for peer in [slow, routine] { try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .close]) }
    }

    @Test(
        "a service that a peer may not use, and an association that is left with nothing, are accepted and remembered")
    func services() throws {
        let node = try Node(
            policy: policy(
                KnownPeer(aeTitle: AETitle(literal: "WATCH"), services: [.verification]),
                KnownPeer(aeTitle: AETitle(literal: "PRINT"))))
        let watch = try associated(node, "WATCH")
        // PS3.8 9.3.3.2: result 1 for storage, 0 for verification.
        #expect(results(watch.received[0]) == [1: 1, 3: 0])
        try watch.play([
            .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6), .close,
        ])
        let printer = try ScriptedPeer(port: node.port)
        let grayscalePrint = "1.2.840.10008.5.1.1.9"
        try printer.play([
            .send(
                PDUBytes.associateRequest(
                    calling: "PRINT",
                    contexts: PDUBytes.context(1, grayscalePrint, [PDUBytes.implicitLittleEndian]))), .expect(2),
            .send(PDUBytes.releaseRequest), .expect(6), .close,
        ])
        #expect(results(printer.received[0]) == [1: 3])
        let told = refusals(node, 2)
        try #require(told.map(\.kind) == [.service, .noContext])
        #expect(told[0].reason == "WATCH may not use storage here")
        #expect(told[1].reason == "no presentation context of 1 accepted: \(grayscalePrint) is not offered here")
    }

    @Test("a C-STORE that is refused is remembered with its status")
    func store() throws {
        let node = try Node(openRefusal: StoreRefusal(status: .outOfResources, comment: "no space to store"))
        let peer = try associated(node, "CT1")
        try peer.play([
            .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest())),
            .send(PDUBytes.data(1, command: false, last: true, [1, 2])), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6), .close,
        ])
        let refusal = try #require(refusals(node).first)
        #expect(refusal.kind == .store)
        #expect(refusal.reason == "C-STORE refused with A700: no space to store")
        #expect(refusal.callingAETitle == "CT1")
    }

    @Test("the limits of a request, of a message and of idleness are three: who pauses between messages is served")
    func idleness() throws {
        var timeouts = Node.quick
        timeouts.associate = .seconds(1)
        timeouts.message = .seconds(1)
        timeouts.idle = .seconds(600)
        let node = try Node(timeouts: timeouts)
        let peer = try associated(node, "CT1")
        let echo: [ScriptedPeer.Step] = [
            .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
        ]
        try peer.play([.wait(milliseconds: 2500)] + echo + [.wait(milliseconds: 1500)] + echo)
        // Within a message the other limit holds.
        try peer.play([
            .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest())), .expect(7), .expectEnd,
        ])
        #expect(node.waitForEnd() == [.timedOut])
    }

    @Test("an association that is idle for longer than the limit is aborted")
    func idle() throws {
        var timeouts = Node.quick
        timeouts.idle = .seconds(1)
        let node = try Node(timeouts: timeouts)
        let peer = try associated(node, "CT1")
        try peer.play([.expect(7), .expectEnd])
        #expect(node.waitForEnd() == [.timedOut])
    }

    /// Result by id of the contexts of an A-ASSOCIATE-AC.
    private func results(_ pdu: [UInt8]) -> [UInt8: UInt8] {
        var results: [UInt8: UInt8] = [:]
        var offset = 74
        while offset + 4 <= pdu.count {
            if pdu[offset] == 0x21 { results[pdu[offset + 4]] = pdu[offset + 6] }
            offset += 4 + Int(pdu[offset + 2]) << 8 + Int(pdu[offset + 3])
        }
        return results
    }
}

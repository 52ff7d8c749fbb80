// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Testing

@testable import Association

@Suite struct RudePeerTests {
    typealias Step = ScriptedPeer.Step

    struct Rudeness: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var bytes: [[UInt8]]
        /// The type of the PDU that answers; nil for none.
        var answer: UInt8?
    }

    private static func context(_ id: UInt8) -> [UInt8] {
        PDUBytes.context(id, PDUBytes.ctImageStorage, [PDUBytes.explicitLittleEndian])
    }

    @Test(
        "what is no proper association request is refused, and the next peer is served",
        arguments: [
            Rudeness(testDescription: "HTTP", bytes: [Array("GET / HTTP/1.1\r\n\r\n".utf8)], answer: 7),
            Rudeness(
                testDescription: "P-DATA first", bytes: [PDUBytes.data(1, command: true, last: true, [0, 0])], answer: 7
            ),
            Rudeness(testDescription: "release first", bytes: [PDUBytes.releaseRequest], answer: 7),
            Rudeness(testDescription: "4 GiB", bytes: [PDUBytes.pdu(1, [0, 1], length: 0xFFFF_FFFF)], answer: 7),
            Rudeness(
                testDescription: "1 MiB and a byte", bytes: [PDUBytes.pdu(1, [0, 1], length: 0x10_0001)], answer: 7),
            Rudeness(
                testDescription: "two user identities",
                bytes: [
                    PDUBytes.associateRequest(
                        user: PDUBytes.maximumLength() + PDUBytes.userIdentity + PDUBytes.userIdentity)
                ], answer: 3),
            Rudeness(
                testDescription: "user information cut off",
                bytes: [PDUBytes.associateRequest(user: [0x51, 0, 0, 4, 0])], answer: 3),
            Rudeness(
                testDescription: "129 contexts",
                bytes: [
                    PDUBytes.associateRequest(
                        contexts: (0..<129).reduce(into: []) { $0 += context(UInt8(truncatingIfNeeded: 2 * $1 + 1)) })
                ], answer: 3),
            Rudeness(testDescription: "version 2", bytes: [PDUBytes.associateRequest(version: 2)], answer: 3),
        ])
    func beforeAssociation(rudeness: Rudeness) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        for bytes in rudeness.bytes { peer.send(bytes) }
        try peer.play((rudeness.answer.map { [Step.expect($0)] } ?? []) + [.expectEnd])
        #expect(eventually(within: 10) { node.record.now.refused.isEmpty ? nil : true } == true)
        #expect(node.record.now.opened.isEmpty)
        #expect(try node.answersEcho())
    }

    private static func command(_ bytes: [UInt8], on context: UInt8 = 1) -> [UInt8] {
        PDUBytes.data(context, command: true, last: true, bytes)
    }
    private static let part = PDUBytes.data(1, command: false, last: false, [1, 2, 3, 4])
    /// A command set of 60,000 nested undefined-length elements, in fragments of 64 KiB: as many as the bound lets through.
    private static func nested(levels: Int) -> [[UInt8]] {
        let all = Array(Array(repeating: [0, 0, 0, 0x10, 255, 255, 255, 255] as [UInt8], count: levels).joined())
        return stride(from: 0, to: all.count, by: 60_000).map { start in
            let end = min(start + 60_000, all.count)
            return PDUBytes.data(1, command: true, last: end == all.count, Array(all[start..<end]))
        }
    }

    @Test(
        "what breaks a message or the upper layer is aborted, and the next peer is served",
        arguments: [
            Rudeness(testDescription: "unknown PDU type", bytes: [PDUBytes.pdu(0x42, [0, 0, 0, 0])], answer: 7),
            Rudeness(testDescription: "second association request", bytes: [PDUBytes.associateRequest()], answer: 7),
            Rudeness(testDescription: "association answer", bytes: [PDUBytes.pdu(2, [0, 0, 0, 0])], answer: 7),
            Rudeness(testDescription: "P-DATA of 4 GiB", bytes: [PDUBytes.pdu(4, [], length: 0xFFFF_FFFF)], answer: 7),
            Rudeness(
                testDescription: "P-DATA beyond the maximum", bytes: [PDUBytes.pdu(4, [], length: 131_073)], answer: 7),
            Rudeness(testDescription: "release of 4 GiB", bytes: [PDUBytes.pdu(5, [], length: 0xFFFF_FFFF)], answer: 7),
            Rudeness(
                testDescription: "PDV past its PDU", bytes: [PDUBytes.pdu(4, PDUBytes.big32(200) + [1, 3, 0, 0])],
                answer: 7),
            Rudeness(
                testDescription: "PDV of 4 GiB", bytes: [PDUBytes.pdu(4, PDUBytes.big32(0xFFFF_FFFF) + [1, 3, 0, 0])],
                answer: 7),
            Rudeness(testDescription: "PDV of one byte", bytes: [PDUBytes.pdu(4, PDUBytes.big32(1) + [1])], answer: 7),
            Rudeness(testDescription: "P-DATA without a PDV", bytes: [PDUBytes.pdu(4, [])], answer: 7),
            Rudeness(testDescription: "data before a command", bytes: [part], answer: 7),
            Rudeness(
                testDescription: "context not accepted", bytes: [command(PDUBytes.echoRequest(), on: 9)], answer: 7),
            Rudeness(testDescription: "command set of 200,000 levels", bytes: nested(levels: 200_000), answer: 7),
            Rudeness(testDescription: "command set of 8,000 levels", bytes: nested(levels: 8_000), answer: 7),
            Rudeness(
                testDescription: "command set without a field",
                bytes: [command(PDUBytes.commandSet(PDUBytes.element(0x110, [1, 0])))], answer: 7),
            Rudeness(
                testDescription: "response to nothing", bytes: [command(PDUBytes.echoRequest(field: 0x8030))], answer: 7
            ),
            Rudeness(
                testDescription: "command changes context",
                bytes: [
                    PDUBytes.data(1, command: true, last: false, Array(PDUBytes.storeRequest().prefix(20))),
                    PDUBytes.data(3, command: true, last: true, Array(PDUBytes.storeRequest().dropFirst(20))),
                ], answer: 7),
        ])
    func withinAssociation(rudeness: Rudeness) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([.send(PDUBytes.associateRequest()), .expect(2)])
        for bytes in rudeness.bytes { peer.send(bytes) }
        try peer.play((rudeness.answer.map { [Step.expect($0)] } ?? []) + [.expectEnd])
        guard case .violated = try #require(node.waitForEnd().first) else {
            Issue.record("ended as \(node.record.now.ended)")
            return
        }
        #expect(node.record.now.instances.isEmpty)
        #expect(try node.answersEcho())
    }

    @Test("a command set is given up as soon as it is too long, not when it ends [STORE-5]")
    func longCommandSet() throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        let part = PDUBytes.data(1, command: true, last: false, [UInt8](repeating: 0, count: 60_000))
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2), .send(part), .send(part), .expect(7), .expectEnd,
        ])
    }

    enum Break: String, CaseIterable, Sendable {
        case release, abort, close, reset, command, otherContext, unknownPDU, silence
    }

    @Test(
        "a data set that breaks off is abandoned once, never finished, and its place is free", arguments: Break.allCases
    )
    func brokenDataSet(how: Break) throws {
        var timeouts = Node.quick
        timeouts.message = .seconds(how == .silence ? 1 : 30)
        let node = try Node(maximumAssociations: 1, timeouts: timeouts)
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2), .send(Self.command(PDUBytes.storeRequest())),
            .send(Self.part),
        ])
        #expect(eventually(within: 10) { node.record.now.instances.first?.bytes.count == 4 ? true : nil } == true)
        switch how {
        case .release: peer.send(PDUBytes.releaseRequest)
        case .abort: peer.send(PDUBytes.abort)
        case .close: peer.close()
        case .reset: peer.reset()
        case .command: peer.send(Self.command(PDUBytes.echoRequest()))
        case .otherContext: peer.send(PDUBytes.data(3, command: false, last: true, [0, 0]))
        case .unknownPDU: peer.send(PDUBytes.pdu(0x42, []))
        case .silence: break
        }
        let end = try #require(node.waitForEnd().first)
        switch how {
        case .abort: #expect(end == .aborted)
        case .close, .reset: #expect(end == .lost)
        case .silence: #expect(end == .timedOut)
        default: if case .violated = end {} else { Issue.record("ended as \(end)") }
        }
        let instance = try #require(node.record.now.instances.first)
        #expect(instance.abandoned == 1)
        #expect(instance.finished == 0)
        #expect(eventually(within: 10) { node.acceptor.associationCount == 0 ? true : nil } == true)
        #expect(try node.answersEcho())
    }

    @Test(
        "a UID that is none gets a status after its data set is dropped, and the association goes on",
        arguments: [
            "..", "../../x", "/etc/passwd", "1.2\0.3", String(repeating: "1", count: 100), "1.2.3;rm", "",
        ])
    func badInstanceUID(text: String) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2),
            .send(Self.command(PDUBytes.storeRequest(instance: Array(text.utf8)))),
            .send(Self.part), .send(PDUBytes.data(1, command: false, last: true, [5, 6])), .expect(4),
            .send(Self.command(PDUBytes.echoRequest(), on: 3)), .expect(4), .send(PDUBytes.releaseRequest), .expect(6),
            .close,
        ])
        let response = try CommandSet(decoding: Array(peer.received[1][12...]))
        #expect(try response.status() == .invalidSOPInstance)
        #expect(try response.messageIDBeingRespondedTo() == 7)
        #expect(response.bytes(0x1000) == nil)
        #expect(node.record.now.instances.isEmpty)
        #expect(node.waitForEnd() == [.released])
    }

    @Test(
        "a C-STORE that cannot be stored gets its status",
        arguments: [
            (PDUBytes.storeRequest(sopClass: PDUBytes.verification), UInt8(1), Status.sopClassNotSupported),
            (PDUBytes.storeRequest(sopClass: "1.2.3.4"), 1, .sopClassNotSupported),
            (PDUBytes.storeRequest(), 3, .sopClassNotSupported),
        ])
    func notStored(command: [UInt8], context: UInt8, status: Status) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2), .send(Self.command(command, on: context)),
            .send(PDUBytes.data(context, command: false, last: true, [5, 6])), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6),
        ])
        #expect(try CommandSet(decoding: Array(peer.received[1][12...])).status() == status)
        #expect(node.record.now.instances.isEmpty)
    }

    @Test(
        "an unknown operation is answered with 0211, a C-CANCEL is ignored, a C-STORE without data gets a failure [STORE-4]"
    )
    func otherCommands() throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2),
            .send(Self.command(PDUBytes.echoRequest(messageID: 1, field: 0x0140))), .expect(4),
            .send(Self.command(PDUBytes.echoRequest(messageID: 2, field: 0x0FFF))),
            .send(Self.command(PDUBytes.storeRequest(messageID: 3, hasDataSet: false))), .expect(4),
            .send(Self.command(PDUBytes.echoRequest(messageID: 4), on: 3)), .expect(4), .send(PDUBytes.releaseRequest),
            .expect(6),
        ])
        let responses = try peer.received[1...3].map { try CommandSet(decoding: Array($0[12...])) }
        #expect(try responses.map { try $0.messageIDBeingRespondedTo() } == [1, 3, 4])
        #expect(try responses.map { try $0.status() } == [.unrecognizedOperation, .cannotUnderstand, .success])
        #expect(try responses[0].field().rawValue == 0x8140)
    }

    @Test("a message split into fragments of unequal length, many in a PDU, is put together")
    func fragments() throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        let command = PDUBytes.storeRequest()
        var body: [UInt8] = []
        for (index, byte) in command.enumerated() {
            body += PDUBytes.big32(3) + [1, index == command.count - 1 ? 3 : 1, byte]
        }
        body += PDUBytes.big32(4) + [1, 0, 10, 11] + PDUBytes.big32(2) + [1, 0]
        body += PDUBytes.big32(3) + [1, 2, 12]
        try peer.play([.send(PDUBytes.associateRequest()), .expect(2), .send(PDUBytes.pdu(4, body)), .expect(4)])
        #expect(node.record.now.instances.first?.bytes == [10, 11, 12])
        #expect(node.record.now.instances.first?.finished == 1)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Testing

@testable import Association

/// What peers send beside what is needed, or in forms of their own, is no reason to refuse them.
@Suite struct ToleranceTests {
    struct Extra: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var user: [UInt8]
    }

    private static func uid(_ text: String) -> [UInt8] {
        [UInt8(text.utf8.count >> 8), UInt8(text.utf8.count)] + Array(text.utf8)
    }

    private static func identity(
        _ type: UInt8, wantsResponse: Bool = false, _ primary: [UInt8], _ secondary: [UInt8] = []
    )
        -> [UInt8]
    {
        func field(_ bytes: [UInt8]) -> [UInt8] { [UInt8(bytes.count >> 8), UInt8(bytes.count & 0xFF)] + bytes }
        return PDUBytes.item(0x58, [type, wantsResponse ? 1 : 0] + field(primary) + field(secondary))
    }

    @Test(
        "user information that the node makes nothing of is tolerated [DOOR-9]",
        arguments: [
            Extra(testDescription: "asynchronous operations window", user: PDUBytes.item(0x53, [0, 0, 0, 0])),
            Extra(
                testDescription: "extended negotiation",
                user: PDUBytes.item(0x56, uid(PDUBytes.ctImageStorage) + [2, 0, 3, 0, 1])),
            Extra(
                testDescription: "common extended negotiation",
                user: PDUBytes.item(
                    0x57,
                    uid(PDUBytes.ctImageStorage) + uid("1.2.840.10008.4.2") + [0, 4] + uid("1.2"))),
            Extra(testDescription: "user name", user: identity(1, Array("user".utf8))),
            Extra(
                testDescription: "user name and passcode, with a response wanted",
                user: identity(2, wantsResponse: true, Array("user".utf8), Array("secret".utf8))),
            Extra(testDescription: "Kerberos", user: identity(3, [UInt8](repeating: 0x6E, count: 2000))),
            Extra(testDescription: "SAML", user: identity(4, Array(repeating: 0x3C, count: 9000))),
            Extra(testDescription: "JSON Web Token", user: identity(5, Array("e30.e30.".utf8))),
            Extra(testDescription: "an item of nobody", user: PDUBytes.item(0x7A, [1, 2, 3])),
        ])
    func userInformation(extra: Extra) throws {
        let node = try Node(peers: ["CT1"])
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(
                PDUBytes.associateRequest(user: PDUBytes.maximumLength() + PDUBytes.implementation + extra.user)),
            .expect(2), .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6), .close,
        ])
        #expect(node.waitForEnd() == [.released])
    }

    @Test(
        "a maximum length of 0 is no limit, and 4096 is kept, in what the node sends [DOOR-10]",
        arguments: [0, 4096] as [UInt32])
    func maximumLength(length: UInt32) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest(user: PDUBytes.maximumLength(length) + PDUBytes.implementation)),
            .expect(2),
            .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6), .close,
        ])
        #expect(peer.received.allSatisfy { length == 0 || $0.count <= Int(length) + 6 })
    }

    @Test(
        "padded and unpadded UIDs are the same, in contexts and commands [DOOR-11]",
        arguments: ["", "\0", " ", "\0\0", "  "])
    func paddedUIDs(padding: String) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        let contexts = PDUBytes.context(
            1, PDUBytes.ctImageStorage + padding, [PDUBytes.explicitLittleEndian + padding])
        // The class has an odd length, and is sent with it where nothing pads it.
        let command = PDUBytes.commandSet(
            PDUBytes.element(2, Array((PDUBytes.ctImageStorage + padding).utf8))
                + PDUBytes.element(0x100, PDUBytes.little16(1)) + PDUBytes.element(0x110, PDUBytes.little16(7))
                + PDUBytes.element(0x700, PDUBytes.little16(0)) + PDUBytes.element(0x800, PDUBytes.little16(1))
                + PDUBytes.element(0x1000, Array(("1.2.3.4.5" + padding).utf8)))
        try peer.play([
            .send(PDUBytes.associateRequest(contexts: contexts)), .expect(2),
            .send(PDUBytes.data(1, command: true, last: true, command)),
            .send(PDUBytes.data(1, command: false, last: true, [1, 2])), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6), .close,
        ])
        let instance = try #require(node.record.now.instances.first)
        #expect(instance.finished == 1)
        #expect(instance.request.affectedSOPClassUID.string == PDUBytes.ctImageStorage)
        #expect(instance.request.affectedSOPInstanceUID.string == "1.2.3.4.5")
        #expect(instance.request.transferSyntaxUID.string == PDUBytes.explicitLittleEndian)
    }
}

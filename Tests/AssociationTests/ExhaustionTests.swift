// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Support
import Testing

@testable import Association

/// Peers that are in no hurry, and peers that send as much of everything as they can.
@Suite struct ExhaustionTests {
    typealias Step = ScriptedPeer.Step

    @Test("a data set that drips within a PDU is cut at that PDU's deadline, and its place is free [ROBUST-5]")
    func drippingDataSet() throws {
        var timeouts = Node.quick
        timeouts.pdu = .seconds(2)
        // Longer than this test takes, so that nothing else can end it.
        (timeouts.message, timeouts.idle) = (.seconds(600), .seconds(600))
        let node = try Node(maximumAssociations: 1, timeouts: timeouts)
        let peer = try ScriptedPeer(port: node.port)
        let pdu = PDUBytes.data(1, command: false, last: true, [UInt8](repeating: 0, count: 10_000))
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2),
            .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest())), .send(Array(pdu.prefix(12))),
        ])
        var dripped = 12
        while node.record.now.ended.isEmpty, dripped < 600 {
            peer.send([pdu[dripped]])
            dripped += 1
            usleep(50_000)
        }
        #expect(node.record.now.ended == [.timedOut])
        #expect(node.record.now.instances.first?.abandoned == 1)
        peer.close()
        #expect(eventually(within: 10) { node.acceptor.associationCount == 0 ? true : nil } == true)
        #expect(try node.answersEcho())
    }

    @Test("fragments without bytes are no end, take no memory, and the message after them is answered [ROBUST-6]")
    func emptyFragments() throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([.send(PDUBytes.associateRequest()), .expect(2)])
        let empty = PDUBytes.big32(2) + [3, 1]
        let many = PDUBytes.pdu(4, Array(Array(repeating: empty, count: 20_000).joined()))
        for _ in 0..<20 { peer.send(many) }
        try peer.play([
            .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6),
        ])
        #expect(node.waitForEnd() == [.released])
    }

    /// PS3.8 E.2: bits 2 to 7 of the message control header are never checked by the receiver.
    @Test("control bits that mean nothing are not looked at [ROBUST-6]", arguments: [0x04, 0x80, 0xFC] as [UInt8])
    func controlBits(bits: UInt8) throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        let command = PDUBytes.storeRequest()
        let data: [UInt8] = [1, 2, 3, 4]
        let first = PDUBytes.big32(UInt32(command.count + 2)) + [1, bits | 3] + command
        let second = PDUBytes.big32(UInt32(data.count + 2)) + [1, bits | 2] + data
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2), .send(PDUBytes.pdu(4, first + second)), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6),
        ])
        #expect(node.record.now.instances.first?.bytes == data)
        #expect(node.record.now.instances.first?.finished == 1)
    }

    @Test("128 contexts of 64 transfer syntaxes each are answered in order, and served [ROBUST-6]")
    func manyProposals() throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        // Only the last of each is one that is carried.
        let syntaxes = (0..<63).map { "1.2.3.4.\($0)" } + [PDUBytes.explicitLittleEndian]
        let contexts = (0..<128).reduce(into: [UInt8]()) {
            let isVerification = $1 == 127
            $0 += PDUBytes.context(
                UInt8(2 * $1 + 1), isVerification ? PDUBytes.verification : PDUBytes.ctImageStorage, syntaxes)
        }
        try peer.play([.send(PDUBytes.associateRequest(contexts: contexts)), .expect(2)])
        let accept = try AssociateAccept(parsing: peer.received[0])
        let ids: [UInt8] = (0..<128).map { (index: Int) -> UInt8 in UInt8(2 * index + 1) }
        #expect(accept.answers.map(\.id) == ids)
        #expect(accept.answers.allSatisfy { $0.transferSyntax?.string == PDUBytes.explicitLittleEndian })
        try peer.play([
            .send(PDUBytes.data(255, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
            .send(PDUBytes.releaseRequest), .expect(6),
        ])
    }

    /// DCMTK's sendDcmDataset loops for ever on a deflated data set: ours goes out as the bytes that are stored.
    @Test(
        "a deflated data set is sent as it is stored, also where it is no deflate stream [ROBUST-6]",
        arguments: [true, false])
    func deflated(isStream: Bool) throws {
        let directory = try TemporaryDirectory()
        let syntax = TransferSyntax.deflatedExplicitVRLittleEndian.uid
        let (file, dataSet) = Part10Writer.bytes(
            sopInstanceUID: "1.2.3.4.1", transferSyntaxUID: syntax.string, pixelBytes: 1000)
        // One stored block (RFC 1951 3.2.4), or what is none.
        let length = UInt16(dataSet.count)
        let block = [1] + PDUBytes.little16(length) + PDUBytes.little16(~length) + dataSet
        let sent = isStream ? block : dataSet
        try Data(file.dropLast(dataSet.count) + sent).write(to: URL(fileURLWithPath: directory.file("1.dcm")))
        let node = try Node()
        let instance = StoredInstance(
            path: directory.file("1.dcm"), sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"),
            sopInstanceUID: UID(literal: "1.2.3.4.1"), transferSyntaxUID: syntax)
        let association = try Requestor(
            callingAETitle: AETitle(literal: "CT1"), calledAETitle: AETitle(literal: "TRIAGED"), host: "127.0.0.1",
            port: node.port, timeouts: Node.quick
        ).associate(for: [instance.proposal])
        #expect(association.store(instance) == .answered(StatusAnswer(status: .success)))
        association.release()
        #expect(node.record.now.instances.first?.bytes == sent)
    }

    @Test("an identifier of more than 1 MiB, or of 200,000 levels, is not kept or parsed", arguments: [true, false])
    func identifier(isLong: Bool) throws {
        let listener = try ScriptedListener()
        let played = Thread {
            let peer = listener.accept()
            guard peer.readPDU() != nil else { return }
            peer.send(Self.accept)
            guard peer.readPDU() != nil, peer.readPDU() != nil else { return }
            let response =
                PDUBytes.element(0x100, PDUBytes.little16(0x8020)) + PDUBytes.element(0x120, PDUBytes.little16(1))
                + PDUBytes.element(0x800, PDUBytes.little16(1)) + PDUBytes.element(0x900, PDUBytes.little16(0xFF00))
            peer.send(PDUBytes.data(1, command: true, last: true, PDUBytes.commandSet(response)))
            let level: [UInt8] =
                [8, 0, 0x40, 0x11] + Array("SQ".utf8) + [0, 0, 255, 255, 255, 255] + [0xFE, 0xFF, 0, 0xE0]
                + [255, 255, 255, 255]
            // Less than 1 MiB in the second case: 50,000 levels of 20 bytes.
            let bytes =
                isLong ? [UInt8](repeating: 0, count: 1 << 21) : Array(Array(repeating: level, count: 50_000).joined())
            for start in stride(from: 0, to: bytes.count, by: 100_000) {
                let end = min(start + 100_000, bytes.count)
                peer.send(PDUBytes.data(1, command: false, last: end == bytes.count, Array(bytes[start..<end])))
            }
            let done =
                PDUBytes.element(0x100, PDUBytes.little16(0x8020)) + PDUBytes.element(0x120, PDUBytes.little16(1))
                + PDUBytes.element(0x800, PDUBytes.little16(0x101)) + PDUBytes.element(0x900, [0, 0])
            peer.send(PDUBytes.data(1, command: true, last: true, PDUBytes.commandSet(done)))
            _ = peer.endsAfterReading()
        }
        played.start()
        let uid = UID(literal: "1.2.3")
        let outcome = Requestor(
            callingAETitle: AETitle(literal: "TRIAGED"), calledAETitle: AETitle(literal: "PACS"), host: "127.0.0.1",
            port: listener.port, timeouts: Node.quick
        ).find(studyInstanceUID: uid, seriesInstanceUID: uid, sopInstanceUID: uid)
        switch outcome {
        case .unanswered(let reason): #expect(isLong && reason.contains("an identifier of more than"), "\(reason)")
        case let other: #expect(!isLong && other == .answered(.notFound), "\(other)")
        }
    }

    /// Accepts context 1 in Explicit VR Little Endian.
    private static let accept = PDUBytes.pdu(
        2,
        [0, 1, 0, 0] + [UInt8](repeating: 0x20, count: 32) + [UInt8](repeating: 0, count: 32)
            + PDUBytes.applicationContext
            + PDUBytes.item(
                0x21, [1, 0, 0, 0] + PDUBytes.item(0x40, Array(PDUBytes.explicitLittleEndian.utf8)))
            + PDUBytes.item(0x50, PDUBytes.maximumLength(131_072)))
}

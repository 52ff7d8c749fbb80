// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Support
import Testing

@testable import Association

@Suite struct RequestorTests {
    private static let ct = UID(literal: "1.2.840.10008.5.1.4.1.1.2")
    private static let explicit = TransferSyntax.explicitVRLittleEndian.uid

    private func requestor(_ port: UInt16, called: String = "TRIAGED", timeouts: Timeouts = Node.quick) -> Requestor {
        Requestor(
            callingAETitle: AETitle(literal: "CT1"), calledAETitle: AETitle(called)!, host: "127.0.0.1", port: port,
            timeouts: timeouts)
    }

    private func instance(_ directory: TemporaryDirectory, pixelBytes: Int = 1000) throws -> (StoredInstance, [UInt8]) {
        let path = directory.file("1.dcm")
        let dataSet = try Part10Writer.write(to: path, sopInstanceUID: "1.2.3.4.1", pixelBytes: pixelBytes)
        return (
            StoredInstance(
                path: path, sopClassUID: Self.ct, sopInstanceUID: UID(literal: "1.2.3.4.1"),
                transferSyntaxUID: Self.explicit), dataSet
        )
    }

    @Test("storescp takes an echo and, byte for byte, the stored data set")
    func storescp() throws {
        let directory = try TemporaryDirectory()
        let port = freePort()
        let peer = try Tool(
            "/usr/bin/storescp", ["--bit-preserving", "-od", directory.path, "-fe", ".stored", String(port)],
            log: directory.file("log"))
        defer { peer.signal(SIGTERM, within: 5) }
        let requestor = requestor(UInt16(port))
        #expect(
            eventually(within: 20) { requestor.echo() == .answered(StatusAnswer(status: .success)) ? true : nil }
                == true)
        let (instance, dataSet) = try instance(directory, pixelBytes: 700_000)
        let association = try requestor.associate(for: [instance.proposal])
        for _ in 0..<3 { #expect(association.store(instance) == .answered(StatusAnswer(status: .success))) }
        association.release()
        #expect(association.echo() == .failed(.associationEnded(reason: "it was released")))
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
            $0.hasSuffix(".stored")
        }
        let stored = try Data(contentsOf: URL(fileURLWithPath: directory.file(try #require(names.first))))
        #expect(Array(stored.suffix(dataSet.count)) == dataSet)
    }

    @Test("dcmqrscp finds what it holds and only that [FIND-1]")
    func find() throws {
        let directory = try TemporaryDirectory()
        try FileManager.default.createDirectory(atPath: directory.file("db"), withIntermediateDirectories: true)
        let port = freePort()
        try """
        NetworkTCPPort = \(port)
        MaxPDUSize = 16384
        MaxAssociations = 8
        HostTable BEGIN
        HostTable END
        VendorTable BEGIN
        VendorTable END
        AETable BEGIN
        TRIAGED \(directory.file("db")) RW (100, 1024mb) ANY
        AETable END
        """.write(toFile: directory.file("qr.cfg"), atomically: true, encoding: .utf8)
        let peer = try Tool("/usr/bin/dcmqrscp", ["-c", directory.file("qr.cfg")], log: directory.file("log"))
        defer { peer.signal(SIGTERM, within: 5) }
        let requestor = requestor(UInt16(port))
        #expect(
            eventually(within: 20) { requestor.echo() == .answered(StatusAnswer(status: .success)) ? true : nil }
                == true)
        let (instance, _) = try instance(directory)
        let association = try requestor.associate(for: [instance.proposal, .find])
        #expect(association.store(instance) == .answered(StatusAnswer(status: .success)))
        let study = UID(literal: "1.2.3.9")
        let series = UID(literal: "1.2.3.9.1")
        #expect(
            association.find(
                studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance.sopInstanceUID)
                == .answered(.found))
        #expect(
            association.find(
                studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: UID(literal: "1.2.3.4.99"))
                == .answered(.notFound))
        association.release()
        #expect(
            requestor.find(studyInstanceUID: study, seriesInstanceUID: series, sopInstanceUID: instance.sopInstanceUID)
                == .answered(.found))
    }

    @Test("our own acceptor gets the data set whole, and its refusal comes back with its comment")
    func ownAcceptor() throws {
        let directory = try TemporaryDirectory()
        let (instance, dataSet) = try instance(directory, pixelBytes: 2_000_000)
        let node = try Node()
        let association = try requestor(node.port).associate(for: [instance.proposal])
        #expect(association.store(instance) == .answered(StatusAnswer(status: .success)))
        association.release()
        #expect(node.record.now.instances.first?.bytes == dataSet)
        #expect(node.waitForEnd() == [.released])
        let full = try Node(answer: StoreAnswer(.outOfResources, comment: "the disk is full"))
        let second = try requestor(full.port).associate(for: [instance.proposal])
        #expect(
            second.store(instance) == .answered(StatusAnswer(status: .outOfResources, errorComment: "the disk is full"))
        )
    }

    @Test("nobody there is not connected, and a stranger is rejected with the reason")
    func notConnected() throws {
        guard case .failed(.notConnected(let reason)) = requestor(UInt16(freePort())).echo() else {
            Issue.record("connected")
            return
        }
        #expect(reason.contains("refused"))
        let node = try Node(peers: ["MR1"])
        #expect(requestor(node.port).echo() == .failed(.rejected(.callingAETitleNotRecognized)))
        #expect(requestor(node.port, called: "OTHER").echo() == .failed(.rejected(.callingAETitleNotRecognized)))
    }

    @Test("a context that the peer does not accept is told, and the association serves the others")
    func contextNotAccepted() throws {
        let node = try Node()
        let unknown = UID(literal: "1.2.3.4.5.6")
        let association = try requestor(node.port).associate(for: [
            Requestor.Proposal(abstractSyntax: unknown, transferSyntaxes: [Self.explicit]), .verification,
        ])
        let instance = StoredInstance(
            path: "/nonexistent", sopClassUID: unknown, sopInstanceUID: unknown, transferSyntaxUID: Self.explicit)
        #expect(
            association.store(instance)
                == .failed(.contextNotAccepted(abstractSyntax: unknown, transferSyntax: Self.explicit)))
        #expect(association.echo() == .answered(StatusAnswer(status: .success)))
        association.release()
    }

    @Test(
        "a file that cannot be read, or is in another transfer syntax, is a local failure, and the association goes on")
    func localFailures() throws {
        let directory = try TemporaryDirectory()
        let (good, _) = try instance(directory)
        let node = try Node()
        let implicit = TransferSyntax.implicitVRLittleEndian.uid
        let association = try requestor(node.port).associate(for: [
            good.proposal, Requestor.Proposal(abstractSyntax: Self.ct, transferSyntaxes: [implicit]),
        ])
        var missing = good
        missing.path = directory.file("none")
        var other = good
        other.transferSyntaxUID = implicit
        var noFile = good
        noFile.path = directory.file("text")
        try "no DICOM".write(toFile: noFile.path, atomically: true, encoding: .utf8)
        for instance in [missing, other, noFile] {
            guard case .failed(.local) = association.store(instance) else {
                Issue.record("\(instance) was sent")
                continue
            }
        }
        #expect(association.store(good) == .answered(StatusAnswer(status: .success)))
        #expect(node.record.now.instances.count == 1)
        association.release()
    }

    /// What a rude acceptor does after it accepted, and what the outcome must be.
    enum Rudeness: String, CaseIterable, Sendable {
        case silence, reset, abort, release, otherMessageID, otherField, nestedCommand, unknownPDU
    }

    @Test("a request whose response was not seen is unanswered, never failed [OUTBOX-2]", arguments: Rudeness.allCases)
    func unanswered(rudeness: Rudeness) throws {
        let directory = try TemporaryDirectory()
        let (instance, _) = try instance(directory)
        let listener = try ScriptedListener()
        var timeouts = Node.quick
        timeouts.response = .seconds(rudeness == .silence ? 1 : 20)
        let played = Thread {
            let peer = listener.accept()
            guard peer.readPDU() != nil else { return }
            peer.send(Self.accept(contexts: [(1, 0)]))
            // The command and the data set.
            guard peer.readPDU() != nil, peer.readPDU() != nil else { return }
            func response(_ field: UInt16, _ id: UInt16) -> [UInt8] {
                PDUBytes.data(
                    1, command: true, last: true,
                    PDUBytes.commandSet(
                        PDUBytes.element(0x100, PDUBytes.little16(field))
                            + PDUBytes.element(0x120, PDUBytes.little16(id))
                            + PDUBytes.element(0x800, PDUBytes.little16(0x101)) + PDUBytes.element(0x900, [0, 0])))
            }
            switch rudeness {
            case .silence: break
            case .reset: return peer.reset()
            case .abort: peer.send(PDUBytes.abort)
            case .release: peer.send(PDUBytes.releaseRequest)
            case .otherMessageID: peer.send(response(0x8001, 77))
            case .otherField: peer.send(response(0x8030, 1))
            case .nestedCommand:
                let levels = Array(repeating: [0, 0, 0, 0x10, 255, 255, 255, 255] as [UInt8], count: 1000).joined()
                peer.send(PDUBytes.data(1, command: true, last: true, Array(levels)))
            case .unknownPDU: peer.send(PDUBytes.pdu(0x42, []))
            }
            _ = peer.endsAfterReading()
        }
        played.start()
        let association = try requestor(listener.port, timeouts: timeouts).associate(for: [instance.proposal])
        guard case .unanswered = association.store(instance) else {
            Issue.record("answered, or known to have failed")
            return
        }
        guard case .failed(.associationEnded) = association.store(instance) else {
            Issue.record("the association was used again")
            return
        }
    }

    @Test("a data set that the peer did not get to its end is known not to be stored")
    func cutOff() throws {
        let directory = try TemporaryDirectory()
        let (instance, _) = try instance(directory)
        // More than the socket buffers of both sides take.
        #expect(truncate(instance.path, 40_000_000) == 0)
        let listener = try ScriptedListener()
        let played = Thread {
            let peer = listener.accept()
            guard peer.readPDU() != nil else { return }
            peer.send(Self.accept(contexts: [(1, 0)]))
            guard peer.readPDU() != nil, peer.readPDU() != nil else { return }
            peer.reset()
        }
        played.start()
        let association = try requestor(listener.port).associate(for: [instance.proposal])
        guard case .failed(.associationEnded) = association.store(instance) else {
            Issue.record("not known to have failed")
            return
        }
    }

    @Test(
        "an acceptor that answers the request with something else is not connected",
        arguments: [
            [], [UInt8](repeating: 0x41, count: 40), PDUBytes.abort, PDUBytes.pdu(2, [0, 1]),
            PDUBytes.pdu(2, [], length: 0xFFFF_FFFF),
            PDUBytes.releaseResponse,
        ])
    func rudeHandshake(answer: [UInt8]) throws {
        let listener = try ScriptedListener()
        let played = Thread {
            let peer = listener.accept()
            _ = peer.readPDU()
            peer.send(answer)
            peer.close()
        }
        played.start()
        guard case .failed(.notConnected) = requestor(listener.port).echo() else {
            Issue.record("connected")
            return
        }
    }

    @Test("a silent acceptor costs the deadline and no more")
    func silentAcceptor() throws {
        let listener = try ScriptedListener()
        var timeouts = Node.quick
        timeouts.associate = .milliseconds(300)
        guard case .failed(.notConnected(let reason)) = requestor(listener.port, timeouts: timeouts).echo() else {
            Issue.record("connected")
            return
        }
        #expect(reason.contains("no answer in time"))
    }

    /// An A-ASSOCIATE-AC with a result for each context.
    private static func accept(contexts: [(UInt8, UInt8)]) -> [UInt8] {
        let answers = contexts.reduce(into: [UInt8]()) {
            $0 += PDUBytes.item(
                0x21, [$1.0, 0, $1.1, 0] + PDUBytes.item(0x40, Array(PDUBytes.explicitLittleEndian.utf8)))
        }
        return PDUBytes.pdu(
            2,
            [0, 1, 0, 0] + [UInt8](repeating: 0x20, count: 32) + [UInt8](repeating: 0, count: 32)
                + PDUBytes.applicationContext
                + answers + PDUBytes.item(0x50, PDUBytes.maximumLength() + PDUBytes.implementation))
    }
}

@Suite struct IdentifierTests {
    @Test(
        "a UID is found behind sequences of defined and undefined length, in both encodings", arguments: [true, false])
    func find(isExplicit: Bool) {
        func head(_ group: UInt16, _ element: UInt16, _ vr: String, _ length: UInt32) -> [UInt8] {
            let tag = PDUBytes.little16(group) + PDUBytes.little16(element)
            guard isExplicit, group != 0xFFFE else { return tag + PDUBytes.little32(length) }
            return tag + Array(vr.utf8)
                + (vr == "SQ" ? [0, 0] + PDUBytes.little32(length) : PDUBytes.little16(UInt16(length)))
        }
        let inner = head(0x0008, 0x0018, "UI", 4) + Array("9.9".utf8) + [0]
        var bytes =
            head(0x0008, 0x0006, "SQ", UInt32(8 + inner.count)) + head(0xFFFE, 0xE000, "", UInt32(inner.count)) + inner
        bytes += head(0x0008, 0x0007, "SQ", 0xFFFF_FFFF) + head(0xFFFE, 0xE000, "", 0xFFFF_FFFF) + inner
        bytes += head(0xFFFE, 0xE00D, "", 0) + head(0xFFFE, 0xE0DD, "", 0)
        bytes += head(0x0008, 0x0018, "UI", 6) + Array("1.2.3".utf8) + [0]
        #expect(Identifier.uid(Identifier.sopInstanceUID, in: bytes, isExplicitVR: isExplicit)?.string == "1.2.3")
        #expect(Identifier.uid(Identifier.studyInstanceUID, in: bytes, isExplicitVR: isExplicit) == nil)
        // Any cut is read without going out of bounds, and gives no other UID.
        for count in 0..<bytes.count {
            #expect(
                Identifier.uid(Identifier.sopInstanceUID, in: Array(bytes[..<count]), isExplicitVR: isExplicit) == nil)
        }
    }
}

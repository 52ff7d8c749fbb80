// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Support
import Testing

@testable import Association

@Suite struct AcceptorTests {
    @Test("DCMTK's echoscu is answered, and the release is told after it [VER-1]")
    func echo() throws {
        let node = try Node(peers: ["CT1"])
        #expect(try node.answersEcho())
        #expect(node.waitForEnd() == [.released])
        #expect(node.record.now.opened.first?.callingAETitle.string == "CT1")
        #expect(node.record.now.opened.first?.peerAddress == "127.0.0.1")
    }

    @Test(
        "an unknown calling AE title and a wrong called one are rejected with their reasons",
        arguments: [
            ("STRANGER", "TRIAGED", "Calling AE Title Not Recognized", Rejection.callingAETitleNotRecognized),
            ("CT1", "OTHER", "Called AE Title Not Recognized", .calledAETitleNotRecognized),
        ])
    func rejections(calling: String, called: String, words: String, rejection: Rejection) throws {
        let node = try Node(peers: ["CT1"])
        let outcome = try Tool.run(
            "/usr/bin/echoscu", ["-d", "-aet", calling, "-aec", called, "127.0.0.1", String(node.port)], seconds: 30)
        #expect(outcome.status != 0)
        #expect(outcome.output.contains(words), "\(outcome.output)")
        #expect(outcome.output.contains("Rejected Permanent"))
        let refusal = try #require(node.record.now.refused.first)
        #expect(refusal.rejection == rejection)
        #expect(refusal.callingAETitle == calling)
        #expect(node.record.now.opened.isEmpty)
    }

    @Test("storescu's data sets arrive byte for byte, each finished once [STORE-2]")
    func store() throws {
        let directory = try TemporaryDirectory()
        var sent: [[UInt8]] = []
        for index in 1...5 {
            sent.append(
                try Part10Writer.write(
                    to: directory.file("\(index).dcm"), sopInstanceUID: "1.2.3.4.\(index)", pixelBytes: 100_000 * index)
            )
        }
        let node = try Node()
        let files = (1...5).map { directory.file("\($0).dcm") }
        let outcome = try Tool.run(
            "/usr/bin/storescu", ["-aec", "TRIAGED", "127.0.0.1", String(node.port)] + files, seconds: 60)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(node.waitForEnd() == [.released])
        let instances = node.record.now.instances
        #expect(instances.map(\.bytes) == sent)
        #expect(instances.allSatisfy { $0.finished == 1 && $0.abandoned == 0 })
        #expect(instances.map(\.request.affectedSOPInstanceUID.string) == (1...5).map { "1.2.3.4.\($0)" })
        #expect(instances.allSatisfy { $0.request.transferSyntaxUID == TransferSyntax.explicitVRLittleEndian.uid })
    }

    @Test("a proposal of many contexts, and a small PDU length, are served [ASSOC-3]")
    func manyContexts() throws {
        let directory = try TemporaryDirectory()
        let sent = try Part10Writer.write(to: directory.file("1.dcm"), sopInstanceUID: "1.2.3.4.1", pixelBytes: 300_000)
        let node = try Node()
        // +C proposes all storage SOP classes of its own list; 4096 is the smallest PDU that it takes.
        let outcome = try Tool.run(
            "/usr/bin/storescu",
            [
                "-v", "-aec", "TRIAGED", "-pdu", "4096", "--max-send-pdu", "4096", "127.0.0.1", String(node.port),
                directory.file("1.dcm"),
            ],
            seconds: 60)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(node.record.now.instances.first?.bytes == sent)
    }

    @Test("the node's refusal reaches storescu, the rest of the data set is dropped, and the association goes on")
    func refusals() throws {
        let directory = try TemporaryDirectory()
        for index in 1...2 {
            try Part10Writer.write(
                to: directory.file("\(index).dcm"), sopInstanceUID: "1.2.3.4.\(index)", pixelBytes: 900_000)
        }
        let refusal = StoreRefusal(status: .outOfResources, comment: "the disk is full")
        for node in [try Node(refusal: (100_000, refusal)), try Node(openRefusal: refusal)] {
            let outcome = try Tool.run(
                "/usr/bin/storescu",
                [
                    "-d", "-nh", "-aec", "TRIAGED", "127.0.0.1", String(node.port), directory.file("1.dcm"),
                    directory.file("2.dcm"),
                ],
                seconds: 60)
            #expect(
                outcome.output.components(separatedBy: "0xa700: Refused: Out of resources").count == 3,
                "\(outcome.output)")
            #expect(outcome.output.contains("the disk is full"))
            #expect(node.waitForEnd() == [.released])
            #expect(node.record.now.instances.allSatisfy { $0.finished == 0 && $0.abandoned == 1 })
        }
    }

    @Test("silent, half-open and dripping peers do not delay a working one, and are closed in time [ASSOC-4]")
    func silentPeers() throws {
        var timeouts = Node.quick
        timeouts.associate = .seconds(3)
        let node = try Node(timeouts: timeouts)
        let silent = try (0..<5).map { _ in try ScriptedPeer(port: node.port) }
        let halfOpen = try ScriptedPeer(port: node.port)
        halfOpen.send(Array(PDUBytes.associateRequest().prefix(80)))
        let dripping = try ScriptedPeer(port: node.port)
        // With the peers above still within their time, an echo is answered.
        #expect(try node.answersEcho())
        #expect(node.record.now.refused.isEmpty)
        let pdu = PDUBytes.associateRequest()
        var dripped = 0
        while node.record.now.refused.count < 7, dripped < pdu.count {
            dripping.send([pdu[dripped]])
            dripped += 1
            usleep(100_000)
        }
        #expect(dripped < pdu.count)
        for peer in silent + [halfOpen, dripping] { #expect(peer.endsAfterReading()) }
        #expect(node.record.now.refused.count == 7)
        #expect(node.record.now.refused.allSatisfy { $0.reason.contains("in time") })
        #expect(try node.answersEcho())
    }

    @Test("a flood of silent peers closes the oldest of them, not the door")
    func flood() throws {
        var timeouts = Node.quick
        // Longer than the peers below listen, so that only being pushed out ends them.
        timeouts.associate = .seconds(600)
        let node = try Node(maximumHalfOpen: 4, timeouts: timeouts)
        let peers = try (0..<40).map { _ in try ScriptedPeer(port: node.port) }
        #expect(try node.answersEcho())
        #expect(peers[0].endsAfterReading())
    }

    @Test(
        "beyond the limit an association is rejected transiently, and the place is free again after a release [ASSOC-1]"
    )
    func limit() throws {
        let node = try Node(maximumAssociations: 1)
        let first = try ScriptedPeer(port: node.port)
        try first.play([.send(PDUBytes.associateRequest()), .expect(2)])
        let second = try ScriptedPeer(port: node.port)
        try second.play([.send(PDUBytes.associateRequest()), .expect(3), .expectEnd])
        #expect(Array(second.received[0][7..<10]) == [2, 3, 2])
        #expect(node.record.now.refused.first?.rejection == .localLimitExceeded)
        try first.play([.send(PDUBytes.releaseRequest), .expect(6), .close])
        _ = node.waitForEnd()
        #expect(eventually(within: 10) { node.acceptor.associationCount == 0 ? true : nil } == true)
        #expect(try node.answersEcho())
    }

    @Test("draining lets an association finish, aborts what stays, and frees the port")
    func drain() throws {
        let node = try Node()
        let staying = try ScriptedPeer(port: node.port)
        try staying.play([.send(PDUBytes.associateRequest()), .expect(2)])
        let port = node.port
        #expect(node.acceptor.drain(within: .milliseconds(200)) == 1)
        try staying.play([.expect(7), .expectEnd])
        #expect(node.waitForEnd() == [.stopped])
        #expect(throws: ToolError.self) { try ScriptedPeer(port: port) }
        let next = try Acceptor(
            configuration: Acceptor.Configuration(
                host: "127.0.0.1", port: port, policy: AcceptancePolicy(calledAETitle: nil, callingAETitles: nil)),
            needs: AcceptorNeeds(
                storage: StorageNeeds { _, _ throws(StoreRefusal) in
                    throw StoreRefusal(status: .outOfResources, comment: "")
                }))
        #expect(next.port == port)
    }

    @Test("draining waits for an instance that is on its way")
    func drainWaits() throws {
        let node = try Node()
        let peer = try ScriptedPeer(port: node.port)
        try peer.play([
            .send(PDUBytes.associateRequest()), .expect(2),
            .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest())),
            .send(PDUBytes.data(1, command: false, last: false, [1, 2])),
        ])
        #expect(eventually(within: 10) { node.record.now.instances.first?.bytes == [1, 2] ? true : nil } == true)
        node.acceptor.stopAccepting()
        try peer.play([
            .send(PDUBytes.data(1, command: false, last: true, [3, 4])), .expect(4), .send(PDUBytes.releaseRequest),
            .expect(6), .close,
        ])
        #expect(node.acceptor.drain(within: .seconds(10)) == 0)
        #expect(node.record.now.instances.first?.finished == 1)
        #expect(node.record.now.ended == [.released])
    }

    @Test("a port in use is an error that names it")
    func portInUse() throws {
        let node = try Node()
        #expect(throws: AssociationError.self) {
            try Acceptor(
                configuration: Acceptor.Configuration(
                    host: "127.0.0.1", port: node.port,
                    policy: AcceptancePolicy(calledAETitle: nil, callingAETitles: nil)),
                needs: AcceptorNeeds(
                    storage: StorageNeeds { _, _ throws(StoreRefusal) in
                        throw StoreRefusal(status: .outOfResources, comment: "")
                    }))
        }
    }

    @Test("300 associations leave the memory as it was")
    func memory() throws {
        let node = try Node()
        func associate() throws {
            let peer = try ScriptedPeer(port: node.port)
            try peer.play([
                .send(
                    PDUBytes.associateRequest(
                        user: PDUBytes.maximumLength() + PDUBytes.implementation + PDUBytes.userIdentity)), .expect(2),
                .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4),
                .send(PDUBytes.releaseRequest), .expect(6), .close,
            ])
        }
        func residentBytes() throws -> Int {
            let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
            return Int(fields[1])! * 4096
        }
        for _ in 0..<50 { try associate() }
        _ = node.waitForEnd(50)
        let before = try residentBytes()
        for _ in 0..<300 { try associate() }
        #expect(node.waitForEnd(350).count == 350)
        // Other suites run beside this one; a leak of an association's buffers would be 300 × 200 kB.
        #expect(try residentBytes() - before < 30_000_000)
    }
}

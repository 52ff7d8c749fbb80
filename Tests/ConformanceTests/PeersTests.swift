// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Who may call, how many at once, and that nobody waits for somebody who is slow.
    @Suite("Peers", .serialized, .sharedNode()) struct PeersTests {
        /// Two slices: stored, and of no interest to a package.
        private func tinyStudy(_ seed: Int) throws -> Phantom {
            try Phantom(["--slices", "2", "--matrix", "64", "--seed", "\(seed)", "--patient-id", "PEER-\(seed)"])
        }

        @Test("silent, half-open and dripping peers hold nobody up, and are cut off themselves [ASSOC-4]")
        func slowPeers() throws {
            let node = try SharedNode.node()
            let port = UInt16(node.dicomPort)
            let study = try tinyStudy(101)
            let silent = try ScriptedPeer(port: port)
            let halfOpen = try ScriptedPeer(port: port)
            halfOpen.send(Array(PDUBytes.associateRequest().prefix(100)))
            let request = PDUBytes.associateRequest()
            let dripping = try ScriptedPeer(port: port)
            let stalled = try ScriptedPeer(port: port)
            try stalled.play([
                .send(request), .expect(2), .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest())),
                .send(
                    Array(PDUBytes.data(1, command: false, last: false, [UInt8](repeating: 0, count: 100)).prefix(20))),
            ])
            var drops = request[...]

            let directory = try TemporaryDirectory()
            let modality = try Tool(
                "/usr/bin/storescu",
                ["-aet", "CT1", "-aec", "TRIAGED", "+sd", "127.0.0.1", "\(port)", study.directory.path],
                log: directory.file("storescu.log"))
            var status: Int32?
            for _ in 0..<300 where status == nil {
                if let drop = drops.popFirst() { dripping.send([drop]) }
                usleep(200_000)
                status = modality.poll()
            }
            #expect(status == 0, "\(modality.output)")
            #expect(node.storedFiles().keys.filter(Set(study.sopInstanceUIDs).contains).count == 2)

            // PS3.8 9.1.5: the ARTIM timer. However steadily it drips, the whole request has one deadline.
            var isCut = false
            for _ in 0..<60 where !isCut {
                dripping.send([drops.popFirst() ?? 0])
                usleep(1_000_000)
                isCut = node.output.components(separatedBy: "no whole association request in time").count > 3
            }
            #expect(isCut, "\(node.output.suffix(2000))")
            for peer in [silent, halfOpen, dripping] { #expect(peer.endsAfterReading()) }
            stalled.reset()
            #expect(eventually(within: 20) { node.incomingFiles().isEmpty ? true : nil } == true)
            #expect(try node.echoes())
        }

        @Test("an unknown calling AE title is rejected by that name, and nothing is stored [ASSOC-5]")
        func unknownCaller() throws {
            let node = try SharedNode.node()
            let study = try tinyStudy(102)
            let sent = try node.store([study.directory.path], calling: "STRANGER", arguments: ["-d"])
            #expect(sent.status != 0)
            #expect(sent.output.contains("Calling AE Title Not Recognized"), "\(sent.output.suffix(1000))")
            #expect(sent.output.contains("Rejected Permanent"))
            #expect(try node.item(study: study.studyInstanceUID) == nil)
        }

        @Test("a wrong called AE title is rejected by that name [ASSOC-5]")
        func wrongCalled() throws {
            let node = try SharedNode.node()
            let sent = try Tool.run(
                "/usr/bin/echoscu", ["-d", "-aet", "CT1", "-aec", "TRIAGE", "127.0.0.1", "\(node.dicomPort)"])
            #expect(sent.status != 0)
            #expect(sent.output.contains("Called AE Title Not Recognized"), "\(sent.output.suffix(1000))")
        }

        @Test("with unknownPeers: accept, anybody may send [PEER-1]")
        func unknownAccepted() throws {
            let node = try Daemon(peers: [], unknownPeers: "accept")
            try node.start()
            let study = try tinyStudy(103)
            try node.storeAll([study.directory.path], calling: "STRANGER")
            #expect(try node.item(study: study.studyInstanceUID) != nil)
            node.stop()
        }

        @Test(
            "one association more than maximumAssociations is rejected as transient, and served once there is room [ASSOC-1]"
        )
        func tooMany() throws {
            let node = try Daemon()
            let text = try String(contentsOfFile: node.configurationPath, encoding: .utf8)
            try text.replacingOccurrences(of: "  unknownPeers:", with: "  maximumAssociations: 3\n  unknownPeers:")
                .write(toFile: node.configurationPath, atomically: true, encoding: .utf8)
            try node.start()
            let peers = try (0..<3).map { _ in
                let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
                try peer.play([.send(PDUBytes.associateRequest()), .expect(2)])
                return peer
            }
            let fourth = try ScriptedPeer(port: UInt16(node.dicomPort))
            try fourth.play([.send(PDUBytes.associateRequest()), .expect(3), .expectEnd])
            // PS3.8 9.3.4: transient, by the provider (presentation), local limit exceeded.
            #expect(fourth.received.last?.dropFirst(7) == [2, 3, 2])
            #expect(try !node.echoes())
            try peers[1].play([.send(PDUBytes.releaseRequest), .expect(6), .close])
            let served = try eventually(within: 20) { try node.echoes() ? true : nil }
            #expect(served == true)
            for peer in [peers[0], peers[2]] { try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .close]) }
            node.stop()
        }

        @Test("20 senders at once all arrive, each instance once [PEER-2]")
        func parallel() throws {
            let node = try SharedNode.node()
            let studies = try (0..<20).map { try tinyStudy(110 + $0) }
            let directory = try TemporaryDirectory()
            let senders = try studies.enumerated().map { number, study in
                try Tool(
                    "/usr/bin/storescu",
                    ["-aet", "CT1", "-aec", "TRIAGED", "+sd", "127.0.0.1", "\(node.dicomPort)", study.directory.path],
                    log: directory.file("\(number).log"))
            }
            for sender in senders {
                let outcome = sender.wait(seconds: 120)
                #expect(outcome.status == 0, "\(outcome.output)")
            }
            let files = node.storedFiles()
            for study in studies {
                for uid in study.sopInstanceUIDs { #expect(files[uid]?.count == 1) }
                #expect(try node.item(study: study.studyInstanceUID) != nil)
            }
        }
    }
}

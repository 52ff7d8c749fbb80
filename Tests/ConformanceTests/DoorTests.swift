// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// The front door as an administrator configures it, and other people's programs in front of it.
    @Suite("Front door", .serialized) struct DoorTests {
        /// `dicom` and `peers` are lines of the configuration.
        static func node(dicom: String = "", peers: [String], started: Bool = true) throws -> Daemon {
            let node = try Daemon(peers: [])
            try node.edit {
                $0.replacingOccurrences(
                    of: "peers: []", with: "peers:\n" + peers.map { "  - {\($0)}" }.joined(separator: "\n")
                )
                .replacingOccurrences(of: "  unknownPeers:", with: dicom + "  unknownPeers:")
            }
            if started { try node.start() }
            return node
        }

        static func peer(_ title: String, _ more: String = "") -> String {
            "aeTitle: \(title), host: 127.0.0.1, port: 11119\(more.isEmpty ? "" : ", " + more)"
        }

        private func refusals(_ node: Daemon, until isEnough: ([[String: Any]]) -> Bool = { !$0.isEmpty }) throws
            -> [[String: Any]]
        {
            func read() throws -> [[String: Any]] {
                let answer = try HTTP.get(node.url("/api/refusals"))
                let object = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
                return object?["refusals"] as? [[String: Any]] ?? []
            }
            return try eventually(within: 20) {
                let now = try read()
                return isEnough(now) ? now : nil
            } ?? read()
        }

        private func echo(_ node: Daemon, _ calling: String, called: String = "TRIAGED") throws -> Tool.Outcome {
            try Tool.run(
                "/usr/bin/echoscu",
                ["-d", "-aet", calling, "-aec", called, "-to", "20", "127.0.0.1", "\(node.dicomPort)"])
        }

        @Test(
            "a title in another case is its peer's, unless two peers differ in nothing else; called any answers to all [DOOR-1]"
        )
        func titles() throws {
            let node = try Self.node(peers: [Self.peer("CT1"), Self.peer("MR"), Self.peer("mr")])
            #expect(try echo(node, "ct1", called: "triaged").status == 0)
            #expect(try echo(node, "mr").status == 0)
            #expect(try echo(node, "Mr").status != 0)
            #expect(try echo(node, "CT1", called: "OTHER").status != 0)
            node.stop()
            let any = try Self.node(dicom: "  calledAETitle: any\n", peers: [Self.peer("CT1")])
            #expect(try echo(any, "CT1", called: "OTHER").status == 0)
            any.stop()
        }

        @Test("a peer is served from its own addresses only [DOOR-2]")
        func addresses() throws {
            let node = try Self.node(peers: [
                Self.peer("CT1", "address: [10.0.0.0/8, \"2001:db8::/32\"]"),
                Self.peer("CT2", "address: [127.0.0.0/8]"),
            ])
            #expect(try echo(node, "CT2").status == 0)
            let rejected = try echo(node, "CT1")
            #expect(rejected.output.contains("Calling AE Title Not Recognized"), "\(rejected.output.suffix(500))")
            let line = try #require(try refusals(node).first)
            #expect(line["kind"] as? String == "address")
            #expect(line["rejection"] as? String == "1/1/3")
            node.stop()
        }

        @Test("a peer uses the services that its entry names; a context of another gets result 1 [DOOR-3]")
        func services() throws {
            let node = try Self.node(peers: [
                Self.peer("WATCH", "services: [verification]"), Self.peer("CT1", "services: [storage]"),
            ])
            #expect(try echo(node, "WATCH").status == 0)
            let study = try Phantom(["--slices", "1", "--matrix", "64", "--seed", "901"])
            let refused = try node.store([study.directory.path], calling: "WATCH", arguments: ["-d"])
            #expect(refused.status != 0)
            #expect(refused.output.contains("User Rejection"), "\(refused.output.suffix(1500))")
            let lines = try refusals(node)
            #expect((lines.first?["reason"] as? String)?.hasPrefix("WATCH may not use storage here") == true)
            #expect((lines.first?["hint"] as? String)?.contains("under peers in triaged.yaml") == true)
            try node.storeAll([study.directory.path])
            #expect(try echo(node, "CT1").status != 0)
            node.stop()
        }

        @Test("a destination that is no peer may verify, and not store [DOOR-3]")
        func destination() throws {
            let node = try Daemon(
                peers: [], destinations: "destinations:\n  - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: 11118}")
            try node.start()
            #expect(try echo(node, "PACS").status == 0)
            let study = try Phantom(["--slices", "1", "--matrix", "64", "--seed", "902"])
            #expect(try node.store([study.directory.path], calling: "PACS").status != 0)
            #expect(try refusals(node).first?["kind"] as? String == "service")
            node.stop()
        }

        @Test("bulk senders cannot take the places of an urgent peer, nor one peer more than its own [DOOR-4]")
        func reserve() throws {
            let node = try Self.node(
                dicom: "  maximumAssociations: 4\n  urgentReserve: 2\n",
                peers: [
                    Self.peer("BULK"), Self.peer("CT2", "maximumAssociations: 1"), Self.peer("STROKE", "urgent: true"),
                ])
            func associate(_ calling: String, _ answer: UInt8) throws -> ScriptedPeer {
                let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
                try peer.play([.send(PDUBytes.associateRequest(calling: calling)), .expect(answer)])
                return peer
            }
            let first = try associate("CT2", 2)
            #expect(try associate("CT2", 3).received.last?.dropFirst(7) == [2, 3, 2])
            let second = try associate("BULK", 2)
            #expect(try associate("BULK", 3).received.last?.dropFirst(7) == [2, 3, 2])
            let study = try Phantom(["--slices", "2", "--matrix", "64", "--seed", "903"])
            try node.storeAll([study.directory.path], calling: "STROKE")
            let lines = try refusals(node) { $0.count >= 2 }
            #expect(
                lines.first?["reason"] as? String
                    == "2 associations are open already, and the last 2 places are for urgent peers")
            for peer in [first, second] { try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .close]) }
            node.stop()
        }

        @Test(
            "each refusal is remembered in words, equal ones in one line, for the API, status and metrics, and without patients [DOOR-5]"
        )
        func remembered() throws {
            let node = try Self.node(peers: [Self.peer("CT1")])
            for _ in 0..<3 { _ = try echo(node, "CT9") }
            _ = try Tool.run("/usr/bin/curl", ["-s", "--max-time", "10", "http://127.0.0.1:\(node.dicomPort)/"])
            // A secret in the title would be the peer's; control characters must not reach a terminal.
            let rude = try ScriptedPeer(port: UInt16(node.dicomPort))
            try rude.play([.send(PDUBytes.associateRequest(calling: "\u{1B}[31mRED")), .expect(3), .expectEnd])
            let tls = try ScriptedPeer(port: UInt16(node.dicomPort))
            try tls.play([.send([0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03]), .expectEnd])
            try ScriptedPeer(port: UInt16(node.dicomPort)).close()
            _ = try refusals(node) { $0.count >= 5 }
            let wrong = try RawStore(
                instance: Array("1.2.3".utf8), dataSet: [UInt8](repeating: 0xFF, count: 100)
            ).send(to: node)
            #expect(wrong != .status(0))

            let lines = try refusals(node) { $0.count >= 6 }
            #expect(
                lines.map { $0["kind"] as? String } == [
                    "store", "noRequest", "tls", "unknownCallingAETitle", "http", "unknownCallingAETitle",
                ])
            let ct9 = try #require(lines.last)
            #expect(ct9["reason"] as? String == "unknown calling AE title CT9 from 127.0.0.1")
            #expect(ct9["count"] as? Int == 3)
            #expect(ct9["callingAETitle"] as? String == "CT9")
            #expect(ct9["peerAddress"] as? String == "127.0.0.1")
            #expect((ct9["first"] as? String)?.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
            #expect(lines[2]["reason"] as? String == "TLS client on the plain port")
            #expect(lines[2]["rejection"] is NSNull)
            #expect(lines[3]["callingAETitle"] as? String == "[31mRED")
            #expect((lines[0]["reason"] as? String)?.hasPrefix("C-STORE refused with ") == true)

            let status = try Command.run("status", "--config", node.configurationPath)
            #expect(
                status.output.contains("CT9 at 127.0.0.1: unknown calling AE title CT9 from 127.0.0.1, 3 times since"),
                "\(status.output)")
            #expect(status.output.contains("TLS client on the plain port"))
            #expect(!status.output.contains("\u{1B}"))
            let metrics = try HTTP.get(node.url("/metrics")).text
            #expect(metrics.contains("triaged_refusals_total{kind=\"unknownCallingAETitle\"} 4\n"), "\(metrics)")
            #expect(metrics.contains("triaged_refusals_total{kind=\"tls\"} 1\n"))
            #expect(metrics.contains("triaged_refusals_total{kind=\"congestion\"} 0\n"))
            #expect(node.output.contains("refused: TLS client on the plain port"))
            node.stop()
        }

        @Test(
            "idle associations live as long as dicom.timeouts.idle says, and requests as long as association says [DOOR-6]"
        )
        func timeouts() throws {
            let node = try Self.node(
                dicom: "  timeouts: {association: 2, message: 1, idle: 5}\n", peers: [Self.peer("CT1")])
            let silent = try ScriptedPeer(port: UInt16(node.dicomPort))
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            try peer.play([
                .send(PDUBytes.associateRequest()), .expect(2), .wait(milliseconds: 3000),
                .send(PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())), .expect(4), .expect(7),
                .expectEnd,
            ])
            #expect(silent.endsAfterReading())
            node.stop()
        }

        @Test("a private storage SOP class is stored where the configuration names it [DOOR-7]")
        func privateClass() throws {
            let sopClass = "1.2.840.113619.4.30"
            let study = try Phantom(["--slices", "1", "--matrix", "64", "--seed", "904"])
            let instance = Array(study.sopInstanceUIDs[0].utf8)
            let dataSet = try RawDataSet(file: study.files[0]).replacing(8, 0x16, "UI", Array(sopClass.utf8)).bytes
            let node = try Self.node(dicom: "  privateStorageSOPClasses: [\(sopClass)]\n", peers: [Self.peer("CT1")])
            #expect(try RawStore(sopClass: sopClass, instance: instance, dataSet: dataSet).send(to: node) == .status(0))
            node.stop()
        }

        @Test(
            "UIDs in the data set may be padded with NUL or space, or not at all [DOOR-11]",
            arguments: ["", "\0", " ", "\0\0", "  "])
        func paddedUIDs(padding: String) throws {
            let node = try Daemon()
            try node.start()
            let study = try Phantom(["--slices", "1", "--matrix", "64", "--seed", "\(905 + padding.utf8.count)"])
            var data = try RawDataSet(file: study.files[0])
            for (group, number) in [(8, 0x16), (8, 0x18), (0x20, 0xD), (0x20, 0xE)] as [(UInt16, UInt16)] {
                let bare = data.value(group, number).filter { $0 != 0 && $0 != 0x20 } + Array(padding.utf8)
                let place = try #require(data.place(of: group, number))
                let head = PDUBytes.little16(group) + PDUBytes.little16(number) + Array("UI".utf8)
                data.bytes.replaceSubrange(
                    place.start..<place.end, with: head + PDUBytes.little16(UInt16(bare.count)) + bare)
            }
            let instance = Array((study.sopInstanceUIDs[0] + padding).utf8)
            #expect(try RawStore(instance: instance, dataSet: data.bytes).send(to: node) == .status(0))
            #expect(node.storedFiles()[study.sopInstanceUIDs[0]]?.count == 1)
            #expect(try node.item(study: study.studyInstanceUID) != nil)
            node.stop()
        }
    }
}

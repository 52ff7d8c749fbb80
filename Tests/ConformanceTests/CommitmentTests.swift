// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Storage Commitment as a provider, asked by pynetdicom and Orthanc.
    @Suite("Storage commitment", .serialized, .enabled(if: Judge.areDue(.highdicom)))
    struct CommitmentTests {
        static let ct = "1.2.840.10008.5.1.4.1.1.2"
        static let unknown = "1.2.826.0.1.3680043.9.1"
        /// Where the daemon is killed.
        static let points = ["commitmentRequested", "commitmentChecked", "commitmentReported"]

        /// An archive whose peer CT1 is called at `port`.
        private func archive(port: Int, isArchive: Bool = true, peers: [String] = ["CT1"]) throws -> Daemon {
            let node = try Daemon(peers: peers, quietPeriod: 0.5)
            try node.edit {
                $0.replacingOccurrences(of: "port: 11119", with: "port: \(port)")
                    .replacingOccurrences(of: "storage:\n", with: "storage:\n  archive: \(isArchive)\n")
            }
            return node
        }

        private func options(
            _ node: Daemon, _ uids: [String], _ change: (inout CommitmentPeer.Options) -> Void = { _ in }
        )
            -> CommitmentPeer.Options
        {
            var options = CommitmentPeer.Options()
            options.port = node.dicomPort
            options.transactionUID = "2.25.\(UInt32.random(in: 1...UInt32.max))"
            options.instances = uids.map { [Self.ct, $0] }
            change(&options)
            return options
        }

        private func metric(_ node: Daemon, _ line: String) throws -> Bool {
            try HTTP.get(node.url("/metrics")).text.split(separator: "\n").contains(Substring(line))
        }

        @Test("a node that is no archive refuses the presentation context with result 3 [COMMIT-1]")
        func noArchive() throws {
            let node = try archive(port: 11119, isArchive: false)
            try node.start()
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            peer.send(
                PDUBytes.associateRequest(
                    contexts: PDUBytes.context(1, "1.2.840.10008.1.20.1", [PDUBytes.implicitLittleEndian])))
            let accept = try #require(peer.readPDU())
            let context = try #require(accept.firstRange(of: [0x21, 0]))
            #expect(accept[0] == 2 && accept[context.lowerBound + 6] == 3)
            peer.close()
            node.stop()
        }

        @Test("the report comes on the same association while it is open, and the files are kept for ever [COMMIT-2]")
        func sameAssociation() throws {
            let node = try archive(port: freePort())
            try node.start()
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            let asked = options(node, study.sopInstanceUIDs) { $0.keepsOpen = 30 }
            let peer = try CommitmentPeer(asked)
            #expect(peer.action() == 0)
            #expect(
                peer.reports(1) == [
                    .init(
                        transactionUID: asked.transactionUID, eventType: 1, committed: study.sopInstanceUIDs,
                        failed: [:],
                        same: true, answered: 0)
                ], "\(peer.tool.output)\n\(node.output)")
            let isDone = try eventually(within: 20) {
                try metric(node, "triaged_commitments{state=\"reported\"} 1") ? true : nil
            }
            #expect(isDone == true)
            #expect(try metric(node, "triaged_committed_files \(study.sopInstanceUIDs.count)"))
            let status = try Command.run("status", "--config", node.configurationPath)
            #expect(
                status.output.contains(
                    "commitment    1 reported; \(study.sopInstanceUIDs.count) files are kept for ever"),
                "\(status.output)")
            peer.end()
            node.stop()
        }

        @Test(
            "the report comes on a new association, in which the node is the SCP, where the first one is over: type 2 names what is here and what is not [COMMIT-3]",
            arguments: [true, false])
        func newAssociation(answersRole: Bool) throws {
            let port = freePort()
            let node = try archive(port: port)
            try node.start()
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            var asked = options(node, study.sopInstanceUIDs + [Self.unknown]) {
                $0.listen = port
                $0.answersRole = answersRole
            }
            asked.instances[1][0] = "1.2.840.10008.5.1.4.1.1.4"
            asked.instances.append(["1.2.3.4", "1.2.3.4.5"])
            let peer = try CommitmentPeer(asked)
            #expect(peer.action() == 0)
            let report = try #require(peer.reports(1).first, "\(peer.tool.output)\n\(node.output)")
            #expect(report.eventType == 2 && !report.same)
            #expect(report.committed == [study.sopInstanceUIDs[0]] + study.sopInstanceUIDs[2...])
            #expect(
                report.failed == [Self.unknown: 0x0112, study.sopInstanceUIDs[1]: 0x0119, "1.2.3.4.5": 0x0122])
            #expect(try metric(node, "triaged_commitments_refused_total{reason=\"0112\"} 1"))
            node.stop()
            #expect(peer.reports.count == 1)
        }

        @Test("Orthanc asks, and is told of success and of failure [COMMIT-3]")
        func orthanc() throws {
            let node = try Daemon(peers: ["CT1"], quietPeriod: 0.5)
            let pacs = try Orthanc(modalities: ["triaged": ("TRIAGED", node.dicomPort)])
            try node.edit {
                $0.replacingOccurrences(of: "storage:\n", with: "storage:\n  archive: true\n")
                    .replacingOccurrences(
                        of: "peers:\n", with: "peers:\n  - {aeTitle: PACS, host: 127.0.0.1, port: \(pacs.dicomPort)}\n")
            }
            try pacs.start()
            try node.start()
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            for (uids, expected) in [
                (study.sopInstanceUIDs, "Success"), ([study.sopInstanceUIDs[0], Self.unknown], "Failure"),
            ] {
                let body = try JSONSerialization.data(
                    withJSONObject: ["DicomInstances": uids.map { [Self.ct, $0] }])
                let asked = try HTTP.post(
                    "http://127.0.0.1:\(pacs.httpPort)/modalities/triaged/storage-commitment",
                    json: String(decoding: body, as: UTF8.self), seconds: 30)
                let answer = try #require(try JSONSerialization.jsonObject(with: asked.body) as? [String: Any])
                let path = try #require(answer["Path"] as? String, "\(asked.text)")
                let told: [String: Any]? = try eventually(within: 60) {
                    let now =
                        try JSONSerialization.jsonObject(
                            with: HTTP.get("http://127.0.0.1:\(pacs.httpPort)\(path)").body) as? [String: Any] ?? [:]
                    return now["Status"] as? String == "Pending" ? nil : now
                }
                #expect(told?["Status"] as? String == expected, "\(String(describing: told))\n\(node.output)")
                #expect((told?["Success"] as? [Any])?.count == (expected == "Success" ? uids.count : 1))
                let failures = told?["Failures"] as? [[String: Any]] ?? []
                #expect(
                    failures.compactMap { $0["SOPInstanceUID"] as? String }
                        == (expected == "Success" ? [] : [Self.unknown]))
            }
            node.stop()
            pacs.stop()
        }

        @Test(
            "an instance whose file on disk is not what was acknowledged is not committed to, until it is sent again [COMMIT-4]"
        )
        func damaged() throws {
            let node = try archive(port: freePort())
            try node.start()
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            let victim = study.sopInstanceUIDs[3]
            let path = try #require(node.storedFiles()[victim]?.first)
            let file = try #require(FileHandle(forUpdatingAtPath: path))
            let end = try file.seekToEnd()
            try file.seek(toOffset: end - 100)
            try file.write(contentsOf: Data([0x5A, 0xA5]))
            try file.close()

            let peer = try CommitmentPeer(options(node, study.sopInstanceUIDs) { $0.keepsOpen = 30 })
            let report = try #require(peer.reports(1).first, "\(peer.tool.output)\n\(node.output)")
            #expect(report.eventType == 2 && report.failed == [victim: 0x0110])
            #expect(report.committed == study.sopInstanceUIDs.filter { $0 != victim })
            #expect(node.output.contains("a stored file is damaged"))
            #expect(try metric(node, "triaged_commitments_damaged_total 1"))
            #expect(try metric(node, "triaged_committed_files \(study.sopInstanceUIDs.count - 1)"))
            let item = try #require(try node.item(study: study.studyInstanceUID))
            #expect(item.warnings.contains { $0.contains("not what was acknowledged") }, "\(item.warnings)")

            try node.storeAll([study.directory.path])
            let again = try CommitmentPeer(options(node, study.sopInstanceUIDs) { $0.keepsOpen = 30 })
            #expect(again.reports(1).first?.eventType == 1, "\(again.tool.output)\n\(node.output)")
            peer.end()
            again.end()
            node.stop()
        }

        @Test(
            "a report that the peer has not taken outlives kill -9 of the node at any point [COMMIT-5]",
            arguments: points + ["plain"])
        func killed(at point: String) throws {
            let port = freePort()
            let node = try archive(port: port)
            try node.start(environment: ["TRIAGED_CRASH_POINT": point])
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            let asked = options(node, study.sopInstanceUIDs + [Self.unknown]) {
                $0.listen = point == "plain" ? 0 : port
            }
            let peer = try CommitmentPeer(asked)
            if point == "plain" {
                #expect(peer.action() == 0, "\(peer.tool.output)")
                node.stop(SIGKILL)
            } else {
                let end = eventually(within: 60) { node.process?.poll() }
                #expect(end == 128 + SIGKILL, "\(node.output)")
            }
            var listener = asked
            listener.listen = port
            listener.asks = false
            let ear = point == "plain" ? try CommitmentPeer(listener) : peer
            #expect(ear.isListening())
            let before = ear.reports.count
            try node.start()
            let reports = ear.reports(before + 1)
            #expect(reports.count == before + 1, "\(ear.tool.output)\n\(node.output)")
            let report = try #require(reports.last)
            #expect(report.transactionUID == asked.transactionUID && !report.same)
            #expect(report.committed == study.sopInstanceUIDs && report.failed == [Self.unknown: 0x0112])
            node.stop()
        }

        @Test(
            "a peer that is away, or answers the report with a failure, is called again until it takes the report [COMMIT-6]"
        )
        func persistent() throws {
            let port = freePort()
            let node = try archive(port: port)
            try node.start(environment: ["TRIAGED_COMMITMENT_DELAY": "0.5"])
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            let asked = options(node, study.sopInstanceUIDs)
            let peer = try CommitmentPeer(asked)
            #expect(peer.action() == 0)
            func attempts() throws -> Int {
                try node.rows("SELECT attempts FROM commitment").first?.first.flatMap { Int($0) } ?? 0
            }
            #expect(try eventually(within: 60) { try attempts() >= 3 ? true : nil } == true, "\(node.output)")
            let status = try Command.run("status", "--config", node.configurationPath)
            #expect(
                status.output.contains("waiting for CT1, transaction \(asked.transactionUID): not connected"),
                "\(status.output)")
            var listener = asked
            listener.asks = false
            listener.listen = port
            listener.statuses = [0x0110, 0x0213]
            let ear = try CommitmentPeer(listener)
            let reports = ear.reports(3)
            #expect(reports.map(\.answered) == [0x0110, 0x0213, 0], "\(ear.tool.output)\n\(node.output)")
            #expect(reports.allSatisfy { $0.eventType == 1 && $0.committed == study.sopInstanceUIDs })
            let isDone = try eventually(within: 20) {
                try metric(node, "triaged_commitments{state=\"reported\"} 1") ? true : nil
            }
            #expect(isDone == true)
            node.stop()
        }

        @Test(
            "a peer that cannot be called gets its report on the association of its request, or none, with the reason shown [COMMIT-7]"
        )
        func unknownPeer() throws {
            let node = try archive(port: freePort())
            try node.edit { $0.replacingOccurrences(of: "unknownPeers: reject", with: "unknownPeers: accept") }
            try node.start()
            let study = try Fixtures.smallHead()
            try node.storeAll([study.directory.path])
            let asked = options(node, study.sopInstanceUIDs) { $0.calling = "STRANGER" }
            let first = try CommitmentPeer(asked)
            #expect(first.action() == 0)
            let isShown = try eventually(within: 30) {
                try Command.run("status", "--config", node.configurationPath).output
                    .contains("no peer and no destination with AE title STRANGER") ? true : nil
            }
            #expect(isShown == true, "\(node.output)")
            // The same request again, by a peer that waits this time, is answered by the same report.
            var waiting = asked
            waiting.keepsOpen = 30
            let second = try CommitmentPeer(waiting)
            #expect(second.reports(1).map(\.eventType) == [1], "\(second.tool.output)\n\(node.output)")
            // Another list under the same Transaction UID is refused.
            var other = asked
            other.instances.removeLast()
            #expect(try CommitmentPeer(other).action() == 0x0110)
            second.end()
            node.stop()
        }
    }
}

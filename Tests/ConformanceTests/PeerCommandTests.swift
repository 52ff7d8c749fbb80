// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// `triaged status` and `triaged echo`.
    @Suite("Commands beside the daemon", .serialized) struct PeerCommandTests {
        /// A node that is a destination of its own, so that it can be called.
        private func node() throws -> Daemon {
            let node = try Daemon(peers: ["CT1", "TRIAGED"], quietPeriod: 0.5)
            try node.edit {
                $0.replacingOccurrences(
                    of: "destinations: []",
                    with: """
                        destinations:
                          - {name: self, aeTitle: TRIAGED, host: 127.0.0.1, port: \(node.dicomPort)}
                          - {name: away, aeTitle: AWAY, host: 127.0.0.1, port: \(freePort())}
                        """)
            }
            return node
        }

        private func run(_ command: String, _ node: Daemon, _ arguments: String...) throws -> Tool.Outcome {
            try Command.run([command, "--config", node.configurationPath] + arguments)
        }

        @Test(
            "status tells queues, destinations and troubles of the running daemon, and that it does not run [STATUS-1]")
        func status() throws {
            let node = try node()
            let never = try run("status", node)
            #expect(never.status == 1)
            #expect(never.output.contains("not running"), "\(never.output)")

            try node.start()
            let empty = try run("status", node)
            #expect(empty.status == 0, "\(empty.output)")
            #expect(empty.output.contains("daemon        ready"), "\(empty.output)")
            #expect(empty.output.contains("stored        0 studies, 0 instances"))

            let gap = try Fixtures.smallHead(["--seed", "801", "--defect", "gap"])
            let bleed = try Fixtures.smallHead([
                "--seed", "802", "--finding", "bleed", "--patient-id", "SECRET-ID", "--patient-name", "Secret^Name",
            ])
            try node.storeAll([gap.directory.path, bleed.directory.path])
            _ = try node.endedItem(study: gap.studyInstanceUID)
            _ = try node.endedItem(study: bleed.studyInstanceUID)
            let refused = try eventually(within: 30) {
                let output = try run("status", node).output
                return output.contains("last error") && output.contains("self: 2 committed") ? output : nil
            }
            let text = try #require(refused)
            // The node itself keeps the SEG and the SR that it sent to itself.
            #expect(
                text.contains("stored        2 studies, \(gap.files.count + bleed.files.count + 2) instances"),
                "\(text)")
            #expect(text.contains("destination   self: 2 committed"), "\(text)")
            #expect(text.contains("1 analysed") && text.contains("1 notAnalysed"))
            #expect(text.contains("notAnalysed  \(gap.seriesInstanceUID): ") && text.contains("gap of 10.0 mm"))
            #expect(text.contains("destination   away: 2 pending"), "\(text)")
            // Decision 18
            #expect(!text.contains("SECRET") && !text.contains("Secret"))
            #expect(!node.output.contains("SECRET") && !node.output.contains("Secret"))

            node.stop()
            let stopped = try run("status", node)
            #expect(stopped.status == 1)
            #expect(stopped.output.contains("not running"))
            #expect(stopped.output.contains("stored        2 studies"))
        }

        @Test("echo verifies a peer by AE title or name, and says of others what is wrong with them [ECHO-1]")
        func echo() throws {
            let node = try node()
            let down = try run("echo", node, "self")
            #expect(down.status == 1)
            #expect(down.lines.count == 1, "\(down.output)")
            try node.start()
            for name in ["self", "TRIAGED"] {
                let verified = try run("echo", node, name)
                #expect(verified.status == 0, "\(verified.output)")
                #expect(verified.lines == ["TRIAGED at 127.0.0.1 port \(node.dicomPort): verified"])
            }
            #expect(try run("echo", node, "triaged").status == 0)
            let unknown = try run("echo", node, "NOBODY")
            #expect(unknown.status == 1)
            #expect(unknown.lines.count == 1)
            #expect(
                unknown.output.contains("no peer or destination NOBODY") && unknown.output.contains("CT1"),
                "\(unknown.output)")
            let away = try run("echo", node, "away")
            #expect(away.status == 1)
            #expect(away.lines.count == 1)
            #expect(away.output.contains("AWAY at 127.0.0.1 port"), "\(away.output)")
            node.stop()
        }

        @Test("echo --all has one line for each destination and peer, and fails where one does [ECHO-3]")
        func echoAll() throws {
            let node = try Daemon(peers: [])
            try node.edit {
                $0.replacingOccurrences(
                    of: "destinations: []",
                    with: "destinations:\n  - {name: self, aeTitle: TRIAGED, host: 127.0.0.1, port: \(node.dicomPort)}")
            }
            try node.start()
            let good = try run("echo", node, "--all")
            #expect(good.status == 0, "\(good.output)")
            #expect(good.lines == ["TRIAGED at 127.0.0.1 port \(node.dicomPort): verified"])
            let away = freePort()
            try node.edit {
                $0.replacingOccurrences(
                    of: "peers: []", with: "peers:\n  - {aeTitle: CT1, host: 127.0.0.1, port: \(away)}")
            }
            let bad = try run("echo", node, "--all")
            #expect(bad.status == 1)
            #expect(bad.lines.count == 2, "\(bad.output)")
            #expect(bad.lines.first == good.lines.first)
            #expect(
                bad.lines.last?.hasPrefix("CT1 at 127.0.0.1 port \(away): not connected: ") == true, "\(bad.output)")
            for arguments in [[], ["--all", "CT1"]] {
                let wrong = try Command.run(["echo", "--config", node.configurationPath] + arguments)
                #expect(wrong.status == 64, "\(wrong.output)")
            }
            node.stop()
        }

        @Test("echo says that a peer does not answer, once its time is over [ECHO-4]")
        func silent() throws {
            // It takes connections, and says nothing.
            let listener = try ScriptedListener()
            let node = try Daemon(peers: [])
            try node.edit {
                $0.replacingOccurrences(
                    of: "peers: []", with: "peers:\n  - {aeTitle: CT1, host: 127.0.0.1, port: \(listener.port)}")
            }
            let outcome = try run("echo", node, "ct1")
            #expect(outcome.status == 1)
            #expect(outcome.lines.count == 1)
            #expect(outcome.output.contains("no answer in time"), "\(outcome.output)")
        }

        @Test("echo says when the peer rejects the node [ECHO-2]")
        func rejected() throws {
            let peer = try Daemon(peers: ["SOMEBODY"])
            try peer.start()
            let node = try Daemon()
            try node.edit {
                $0.replacingOccurrences(
                    of: "destinations: []",
                    with: "destinations:\n  - {name: pacs, aeTitle: TRIAGED, host: 127.0.0.1, port: \(peer.dicomPort)}"
                ).replacingOccurrences(of: "  aeTitle: TRIAGED\n", with: "  aeTitle: OTHER\n")
            }
            let outcome = try run("echo", node, "pacs")
            #expect(outcome.status == 1)
            #expect(outcome.lines.count == 1)
            #expect(outcome.output.contains("calling AE title not recognized"), "\(outcome.output)")
            peer.stop()
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// What systemd sees of the daemon, and how it ends.
    @Suite("The service", .serialized)
    struct ServiceTests {
        private static func echo(_ node: Daemon) throws -> Tool.Outcome {
            try Tool.run("/usr/bin/echoscu", ["-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.dicomPort)"])
        }

        @Test(
            "systemd hears READY once associations are possible, WATCHDOG again and again, and STOPPING at the end [SERVICE-1]"
        )
        func notifications() throws {
            let systemd = try NotifySocket()
            let node = try Daemon()
            try node.start(
                environment: ["NOTIFY_SOCKET": systemd.path, "WATCHDOG_USEC": "400000"], awaitsReadiness: false)
            #expect(
                eventually(within: 60) { systemd.take().contains("READY=1") ? true : nil } == true, "\(node.output)")
            let echo = try Self.echo(node)
            #expect(echo.status == 0, "READY came before an association was possible: \(echo.output)")
            // Twice in WATCHDOG_USEC; the node's own rhythm, 10 s, would be too slow.
            #expect(
                eventually(within: 30) { systemd.take().count { $0 == "WATCHDOG=1" } >= 20 ? true : nil } == true,
                "\(systemd.messages)")
            #expect(systemd.messages.count { $0 == "READY=1" } == 1)
            #expect(!systemd.messages.contains("STOPPING=1"))
            #expect(node.stop() == 0)
            #expect(systemd.take().contains("STOPPING=1"), "\(systemd.messages)")
        }

        @Test("a daemon whose port is taken ends with a failure, and never says READY [SERVICE-2]")
        func portTaken() throws {
            let systemd = try NotifySocket()
            let node = try Daemon()
            try node.start()
            let other = node.directory.file("other.yaml")
            let text = try String(contentsOfFile: node.configurationPath, encoding: .utf8)
                .replacingOccurrences(of: node.storeDirectory, with: node.directory.file("other"))
                .replacingOccurrences(of: "port: \(node.webPort)", with: "port: \(freePort())")
            try text.write(toFile: other, atomically: true, encoding: .utf8)
            let outcome = try Tool.run(
                Daemon.executable, ["serve", "--config", other], environment: ["NOTIFY_SOCKET": systemd.path])
            #expect(!outcome.isTimedOut && outcome.status != 0)
            #expect(outcome.output.contains("port \(node.dicomPort)"), "\(outcome.output)")
            #expect(!systemd.take().contains("READY=1"))
            #expect(node.stop() == 0)
        }

        @Test(
            "SIGTERM lets the C-STORE in progress end with a success, takes no other association, and ends with 0 [SERVICE-3]"
        )
        func drain() throws {
            let node = try Daemon()
            try node.start()
            let uid = "1.2.3.4.5.6"
            let instance = Part10Writer.bytes(sopInstanceUID: uid, pixelBytes: 100_000).dataSet
            let (half, rest) = (Array(instance[..<50_000]), Array(instance[50_000...]))
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            try peer.play([
                .send(PDUBytes.associateRequest()), .expect(2),
                .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest(instance: Array(uid.utf8)))),
                .send(PDUBytes.data(1, command: false, last: false, half)),
            ])
            let daemon = try #require(node.process?.processID)
            #expect(kill(daemon, SIGTERM) == 0)
            // The door is closed …
            #expect(eventually(within: 30) { (try? Self.echo(node).status) != 0 ? true : nil } == true)
            #expect(node.process?.poll() == nil, "the daemon ended during a C-STORE")
            // … and who is inside may end.
            try peer.play([
                .send(PDUBytes.data(1, command: false, last: true, rest)), .expect(4), .send(PDUBytes.releaseRequest),
                .expect(6),
            ])
            let response = try #require(peer.received.first { $0[0] == 4 })
            // Status (0000,0900), 2 bytes: success.
            #expect(response.firstRange(of: [0, 0, 0, 9, 2, 0, 0, 0, 0, 0]) != nil, "\(response)")
            #expect(eventually(within: 60) { node.process?.poll() } == 0, "\(node.output)")
            let file = try #require(node.storedFiles()[uid]?.first)
            #expect(try dataSet(ofFile: file) == Data(instance))
            try node.start()
            #expect(try node.worklist().count == 1)
            #expect(node.stop() == 0)
        }

        @Test(
            "SIGTERM does not wait for a worker that hangs; its job is done after the next start and no attempt is spent [SERVICE-5]"
        )
        func endDuringAnalysis() throws {
            let node = try Daemon()
            try node.start()
            let worker = try node.worker()
            #expect(kill(worker, SIGSTOP) == 0)
            let study = try Fixtures.smallBleed(seed: 321)
            let sent = try node.send(study.files, arguments: ["--abort"])
            #expect(sent.acknowledged.count == study.files.count, "\(sent.output)")
            #expect(try node.item(study: study.studyInstanceUID, state: "analysing") != nil, "\(node.output)")
            // The unit's TimeoutStopSec is 90 s; then systemd would send SIGKILL.
            try #require(node.stop(within: 80) == 0, "\(node.output)")
            #expect(!ProcessTable.isRunning(worker))

            try node.start()
            // No job was under way when the daemon ended, so that its end was nobody's death.
            #expect(node.output.contains("jobsQueuedAgain=0"), "\(node.output)")
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(item["priority"] as? String == "critical")
            #expect(node.stop() == 0)
        }

        @Test("the daemon and its worker do their work under the system-call filter of the unit [SERVICE-4]")
        func filtered() throws {
            let node = try Daemon()
            try node.start(wrapper: ["/usr/bin/python3", Daemon.repository + "/Tests/under-unit-filter"])
            // The filter is really there: seccomp mode 2 (proc(5)).
            let daemon = try #require(node.process?.processID)
            for process in [daemon, try node.worker()] {
                let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
                #expect(status.contains("Seccomp:\t2\n") && status.contains("NoNewPrivs:\t1\n"))
            }
            let study = try Fixtures.smallBleed(seed: 320)
            let sent = try node.send(study.files)
            #expect(sent.acknowledged.count == study.files.count, "\(sent.output)")
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(item["priority"] as? String == "critical")
            #expect(node.stop() == 0)
        }
    }
}

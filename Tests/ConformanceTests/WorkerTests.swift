// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// The worker dies, and what is left of it (docs/decisions/03).
    @Suite("A worker that dies", .serialized)
    struct WorkerTests {
        /// Long enough in the worker to be met there.
        private static func longBleed(seed: Int) throws -> Phantom {
            try Phantom([
                "--finding", "bleed", "--volume", "20", "--slices", "48", "--matrix", "256", "--seed", "\(seed)",
                "--patient-id",
                "PHANTOM-\(seed)",
            ])
        }

        /// Sends a study of which there will be no provisional run, so that its only job is the final one.
        private static func send(_ study: Phantom, to node: Daemon) throws {
            let sent = try node.send(study.files, arguments: ["--abort"])
            try #require(sent.acknowledged.count == study.files.count, "\(sent.output)")
        }

        /// A connection that stays open until the peer goes.
        private static func associate(with node: Daemon) throws -> ScriptedPeer {
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            try peer.play([.send(PDUBytes.associateRequest()), .expect(2)])
            return peer
        }

        private static func echo(_ node: Daemon) throws -> Tool.Outcome {
            try Tool.run("/usr/bin/echoscu", ["-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.dicomPort)"])
        }

        @Test("a worker that is killed during an analysis is replaced, and the study is analysed [WORKER-1]")
        func killedOnce() throws {
            let node = try Daemon()
            try node.start()
            let study = try Fixtures.smallBleed(seed: 300)
            let first = try node.worker()
            #expect(kill(first, SIGSTOP) == 0)
            try Self.send(study, to: node)
            #expect(try node.item(study: study.studyInstanceUID, state: "analysing") != nil, "\(node.output)")
            // Sockets that are open at this moment must not live on in the next worker.
            let peer = try Self.associate(with: node)
            #expect(kill(first, SIGKILL) == 0)

            let item = try #require(try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(item["priority"] as? String == "critical")
            #expect(item["run"] as? String == "final")
            #expect(node.output.contains("analysis attempt lost: killed by signal 9"))
            let second = try node.worker(after: first)
            try expectIsolated(second, from: node)
            peer.close()
            #expect(node.stop() == 0)
            #expect(!ProcessTable.isRunning(second))
        }

        private func expectIsolated(_ worker: pid_t, from node: Daemon) throws {
            let daemon = try #require(node.process?.processID)
            let daemons = ProcessTable.descriptors(of: daemon).filter { $0.hasPrefix("socket:") }
            // Listener, web server and association, to know that this looks at the right thing.
            #expect(daemons.count >= 3, "\(daemons)")
            let workers = ProcessTable.descriptors(of: worker)
            #expect(workers.contains { $0.hasPrefix("pipe:") })
            #expect(!workers.contains { $0.hasPrefix("socket:") }, "\(workers)")
            #expect(!workers.contains { $0.hasPrefix(node.storeDirectory) }, "\(workers)")
            // The kernel takes the worker first when memory is short.
            let own = try #require(ProcessTable.memoryScoreAdjustment(of: daemon))
            #expect(try #require(ProcessTable.memoryScoreAdjustment(of: worker)) >= max(own, 0) + 500)
        }

        @Test(
            "a job that kills two workers fails with the reason on the worklist, and the next study is analysed [WORKER-2]"
        )
        func killedTwice() throws {
            let node = try Daemon()
            try node.start()
            let study = try Self.longBleed(seed: 301)
            let first = try node.worker()
            #expect(kill(first, SIGSTOP) == 0)
            try Self.send(study, to: node)
            #expect(try node.item(study: study.studyInstanceUID, state: "analysing") != nil, "\(node.output)")
            // The listener does not wait for the worker.
            #expect(try Self.echo(node).status == 0)
            #expect(kill(first, SIGKILL) == 0)
            let second = try node.worker(after: first)
            // The job begins when the new worker is warm.
            #expect(try node.item(study: study.studyInstanceUID, state: "analysing") != nil, "\(node.output)")
            #expect(kill(second, SIGKILL) == 0)

            let item = try #require(try node.item(study: study.studyInstanceUID, state: "failed"), "\(node.output)")
            let reason = try #require(item["reason"] as? String)
            #expect(reason.contains("the worker died 2 times") && reason.contains("killed by signal 9"), "\(reason)")
            #expect((item["findings"] as? [Any])?.isEmpty == true)
            #expect(try Self.echo(node).status == 0)

            let next = try Fixtures.smallBleed(seed: 302)
            try Self.send(next, to: node)
            let analysed = try #require(
                try node.item(study: next.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(analysed["priority"] as? String == "critical")
            #expect(try node.state(study: study.studyInstanceUID) == "failed")
            #expect(node.stop() == 0)
        }

        @Test("a worker that dies idle is replaced before a study needs it, and costs no job an attempt [WORKER-3]")
        func killedIdle() throws {
            let node = try Daemon()
            try node.start()
            let first = try node.worker()
            #expect(kill(first, SIGKILL) == 0)
            _ = try node.worker(after: first, within: 20)
            let study = try Fixtures.smallBleed(seed: 303)
            try Self.send(study, to: node)
            #expect(try node.item(study: study.studyInstanceUID, state: "analysed") != nil, "\(node.output)")
            #expect(!node.output.contains("analysis attempt lost"), "\(node.output)")
            #expect(node.stop() == 0)
        }

        @Test("a worker whose daemon was killed ends by itself [WORKER-4]", arguments: [false, true])
        func orphaned(inAnalysis: Bool) throws {
            let node = try Daemon()
            try node.start()
            let worker = try node.worker()
            if inAnalysis {
                let study = try Self.longBleed(seed: 304)
                try Self.send(study, to: node)
                #expect(try node.item(study: study.studyInstanceUID, state: "analysing") != nil, "\(node.output)")
            }
            #expect(node.stop(SIGKILL) == 128 + SIGKILL)
            #expect(eventually(within: 20) { ProcessTable.isRunning(worker) ? nil : true } == true)
        }
    }
}

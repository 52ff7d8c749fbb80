// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// What counts as an attempt at a job, and how long one may take (docs/decisions/03).
    @Suite("Attempts at a job", .serialized)
    struct WorkerAttemptTests {
        /// The daemon is killed as often under the one job of a new study.
        private static func killDaemon(_ times: Int, under study: Phantom, of node: Daemon) throws {
            let environment = ["TRIAGED_CRASH_POINT": "jobStarted"]
            for time in 1...times {
                try node.start(environment: environment, awaitsReadiness: time == 1)
                if time == 1 {
                    // No provisional run, so that the study has one job.
                    let sent = try node.send(study.files, arguments: ["--abort"])
                    try #require(sent.acknowledged.count == study.files.count, "\(sent.output)")
                }
                let end = eventually(within: 60) { node.process?.poll() }
                try #require(end == 128 + SIGKILL, "\(node.output)")
            }
        }

        @Test("three deaths of the daemon fail the job that was running, with the reason [WORKER-5]")
        func threeDeaths() throws {
            let node = try Daemon()
            let study = try Fixtures.smallBleed(seed: 310)
            try Self.killDaemon(3, under: study, of: node)
            try node.start()
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "failed"), "\(node.output)")
            let reason = try #require(item["reason"] as? String)
            #expect(reason.contains("the daemon ended 3 times"), "\(reason)")
            #expect(node.stop() == 0)
        }

        @Test("deaths of the daemon are no attempts of the worker [WORKER-6]")
        func twoDeathsAndAWorker() throws {
            let node = try Daemon()
            let study = try Fixtures.smallBleed(seed: 311)
            try Self.killDaemon(2, under: study, of: node)
            // The job begins with the start; the worker is stopped before it can have ended it.
            try node.start(awaitsReadiness: false)
            let worker = try #require(eventually(within: 60) { try? node.worker() })
            #expect(
                eventually(within: 60) { (try? node.state(study: study.studyInstanceUID)) == "analysing" ? true : nil }
                    == true)
            #expect(kill(worker, SIGKILL) == 0)
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(item["priority"] as? String == "critical")
            #expect(node.output.contains("analysis attempt lost"))
            #expect(node.stop() == 0)
        }

        @Test("a worker that hangs beyond the time of its package is replaced, and the study is analysed [WORKER-7]")
        func hanging() throws {
            let models = try TemporaryDirectory()
            let package = models.file("head-ct-hyperdensity")
            try FileManager.default.copyItem(
                atPath: Daemon.repository + "/etc/models/head-ct-hyperdensity", toPath: package)
            // Only the network's digest is pinned; the manifest may change.
            let manifest = try String(contentsOfFile: package + "/manifest.yaml", encoding: .utf8)
            let shortened = manifest.replacingOccurrences(of: "  time: 60 ", with: "  time: 8 ")
            try #require(shortened != manifest)
            try shortened.write(toFile: package + "/manifest.yaml", atomically: true, encoding: .utf8)

            let node = try Daemon(models: models.path)
            // Without it, a minute is added for reading and writing.
            try node.start(environment: ["TRIAGED_JOB_OVERHEAD": "4"])
            let study = try Fixtures.smallBleed(seed: 312)
            let worker = try node.worker()
            #expect(kill(worker, SIGSTOP) == 0)
            let sent = try node.send(study.files, arguments: ["--abort"])
            try #require(sent.acknowledged.count == study.files.count, "\(sent.output)")
            let item = try #require(
                try node.item(study: study.studyInstanceUID, state: "analysed", within: 150), "\(node.output)")
            #expect(item["priority"] as? String == "critical")
            #expect(node.output.contains("analysis attempt lost: no result within"), "\(node.output)")
            #expect(!ProcessTable.isRunning(worker))
            #expect(node.stop() == 0)
        }
    }
}

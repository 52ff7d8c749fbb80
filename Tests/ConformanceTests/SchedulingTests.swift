// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Which job a worker takes, and which it gives up (docs/decisions/24).
    @Suite("Scheduling", .serialized)
    struct SchedulingTests {
        private static func head(_ seed: Int) throws -> Phantom {
            try Fixtures.smallHead(["--seed", "\(seed)", "--patient-id", "PHANTOM-\(seed)"])
        }

        /// Without a provisional run, so that each study has one job.
        private static func send(_ files: [String], to node: Daemon, calling: String = "CT1") throws {
            _ = try node.store(files, calling: calling, arguments: ["--abort"])
        }

        private static func node(_ models: String..., models directory: String? = nil, peers: [String] = ["CT1"])
            throws -> Daemon
        {
            let node = try Daemon(peers: peers, models: directory ?? Daemon.repository + "/etc/models")
            try node.edit { text in
                models.reduce(text) { text, line in
                    let key = line.prefix { $0 != ":" }
                    let kept = text.split(separator: "\n", omittingEmptySubsequences: false)
                        .filter { !$0.hasPrefix("  \(key):") || key == "directory" }
                    return kept.joined(separator: "\n").replacingOccurrences(
                        of: "models:\n", with: "models:\n  \(line)\n")
                }
            }
            return node
        }

        private func running(_ node: Daemon) throws -> String {
            try node.rows("SELECT count(*) FROM job WHERE state = 'running'")[0][0]
        }

        @Test("a study of an urgent peer overtakes those that were sent before it [SCHED-1]")
        func urgency() throws {
            let script = try ScriptedWorker()
            let node = try Self.node(peers: ["CT1", "STROKE"])
            try node.edit { $0.replacingOccurrences(of: "aeTitle: STROKE,", with: "aeTitle: STROKE, urgent: true,") }
            script.set("hold")
            try node.start(environment: script.environment)
            let studies = try (500...502).map(Self.head)
            for (study, peer) in zip(studies, ["CT1", "CT1", "STROKE"]) {
                try Self.send(study.files, to: node, calling: peer)
                let state = peer == "CT1" && study === studies[0] ? "analysing" : "waiting"
                try #require(try node.item(study: study.studyInstanceUID, state: state) != nil, "\(node.output)")
            }
            script.set("hold", false)
            #expect(script.awaits("ended", count: 3), "\(node.output)")
            let order = [studies[0], studies[2], studies[1]].map(\.seriesInstanceUID)
            #expect(script.log("begun").map { $0[2] } == order)
            #expect(node.stop() == 0)
        }

        @Test(
            "as many studies run at once as there are workers and memory for them [SCHED-2]", arguments: [true, false])
        func together(isMemoryEnough: Bool) throws {
            let script = try ScriptedWorker()
            // The package may need 3072 MiB.
            let node = try Self.node("workers: 2", "memory: \(isMemoryEnough ? 6144 : 6143)")
            script.set("hold")
            try node.start(environment: script.environment)
            let studies = try (510...511).map(Self.head)
            for study in studies { try Self.send(study.files, to: node) }
            let count = isMemoryEnough ? 2 : 1
            try #require(script.awaits("begun", count: count), "\(node.output)")
            let waiting = try eventually(within: 60) {
                try node.rows("SELECT count(*) FROM job")[0][0] == "2" ? true : nil
            }
            #expect(waiting == true)
            // Both workers look for work every two seconds at least.
            if !isMemoryEnough { #expect(!script.awaits("begun", count: 2, within: 5)) }
            #expect(try running(node) == "\(count)")
            script.set("hold", false)
            for study in studies {
                #expect(
                    try node.item(study: study.studyInstanceUID, state: "analysed") != nil, "\(node.output)")
            }
            #expect(node.stop() == 0)
        }

        @Test("a package that needs more memory than there is does not run, with the reason on the worklist [SCHED-3]")
        func neverFits() throws {
            let script = try ScriptedWorker()
            let node = try Self.node("memory: 3071")
            let check = try node.check()
            let reason = "the package may need 3072 MiB, and models.memory is 3071 MiB"
            #expect(check.status == 1 && check.output.contains(reason), "\(check.output)")
            try node.start(environment: script.environment)
            let study = try Self.head(520)
            try node.storeAll(study.files)
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item.state == "notAnalysed" && item.reason.contains(reason), "\(item)")
            #expect(script.log.isEmpty)
            #expect(node.stop() == 0)
        }

        @Test("a run whose series goes on arriving is stopped, and the run over all instances follows [SCHED-4]")
        func superseded() throws {
            let script = try ScriptedWorker()
            let node = try Self.node()
            script.set("hold")
            try node.start(environment: script.environment)
            let worker = try node.worker()
            let study = try Self.head(530)
            try Self.send(Array(study.files.dropLast()), to: node)
            try #require(script.awaits("begun", count: 1), "\(node.output)")
            // Nobody waits for the worker, and what it finds may still raise the priority.
            try Self.send(Array(study.files.suffix(1)), to: node)
            #expect(script.awaits("begun", count: 2), "\(node.output)")
            #expect(script.log("stopped").count == 1)
            script.set("hold", false)
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(item["run"] as? String == "final" && item.series[0]["instances"] as? Int == study.files.count)
            let jobs = try node.rows("SELECT state, workerDeaths FROM job ORDER BY id")
            #expect(jobs == [["superseded", "0"], ["done", "0"]])
            #expect(try node.worker() == worker)
            #expect(node.stop() == 0)
        }

        @Test("a run whose study comes to be blocked is stopped, though nobody waits [SCHED-5]")
        func blocked() throws {
            let script = try ScriptedWorker()
            let node = try Self.node()
            script.set("hold")
            try node.start(environment: script.environment)
            let study = try Self.head(540)
            try Self.send(study.files, to: node)
            try #require(script.awaits("begun", count: 1), "\(node.output)")
            let file = study.directory.file("again.dcm")
            try FileManager.default.copyItem(atPath: study.files[0], toPath: file)
            let made = try Tool.run("/usr/bin/dcmodify", ["-nb", "-imt", "-m", "PatientBirthDate=19010203", file])
            try #require(made.status == 0, "\(made.output)")
            _ = try node.store([file])
            #expect(script.awaits("stopped", count: 1), "\(node.output)")
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "notAnalysed"))
            #expect(item.reason.contains("analysis is blocked"), "\(item)")
            #expect(try node.rows("SELECT state FROM job") == [["superseded"]])
            #expect(node.stop() == 0)
        }

        @Test("a package whose server is away keeps its own jobs waiting, says so, and no others [SCHED-6]")
        func away() throws {
            let script = try ScriptedWorker()
            let models = try PackageCopy()
            let other = models.directory.file("head-ct-other")
            try FileManager.default.copyItem(atPath: models.folder, toPath: other)
            let manifest = try String(contentsOfFile: other + "/manifest.yaml", encoding: .utf8)
            try manifest.replacingOccurrences(of: "name: head-ct-hyperdensity", with: "name: head-ct-other")
                .write(toFile: other + "/manifest.yaml", atomically: true, encoding: .utf8)
            let node = try Self.node(models: models.directory.path)
            script.set("away-head-ct-hyperdensity")
            try node.start(environment: script.environment)
            let study = try Self.head(550)
            try Self.send(study.files, to: node)
            #expect(script.awaits("ended", count: 1), "\(node.output)")
            #expect(script.log("ended").map { $0[1] } == ["head-ct-other"])
            let waiting = try eventually(within: 60) {
                try node.item(study: study.studyInstanceUID).flatMap {
                    $0.reason.contains("head-ct-hyperdensity: waits, the inference server does not answer") ? $0 : nil
                }
            }
            #expect(waiting?.state == "waiting", "\(node.output)")
            // More often than a worker may die under it.
            #expect(script.awaits("begun", count: 4), "\(node.output)")
            script.set("away-head-ct-hyperdensity", false)
            let item = try #require(try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(!item.reason.contains("server"), "\(item)")
            #expect(try node.rows("SELECT DISTINCT workerDeaths FROM job") == [["0"]])
            #expect(node.stop() == 0)
        }
    }
}

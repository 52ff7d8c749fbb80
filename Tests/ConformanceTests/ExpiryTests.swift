// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Studies that an Orthanc holds make room on a small file system.
    @Suite("Expiry", .serialized, .sharedPACS) struct ExpiryTests {
        /// Where the daemon is killed.
        static let points = ["expired", "expiredRemoved"]

        /// Four instances of 1 MB.
        private static func study(_ number: Int, test: Int, in directory: TemporaryDirectory) throws -> [String] {
            try (0..<4).map { instance in
                let path = directory.file("study-\(number)-\(instance).dcm")
                try Part10Writer.write(
                    to: path, sopInstanceUID: "1.2.3.80\(test).\(number).1.\(instance)",
                    studyInstanceUID: "1.2.3.80\(test).\(number)", pixelBytes: 1_000_000)
                return path
            }
        }

        private static func archive(_ files: [String], at pacs: Orthanc) throws {
            let outcome = try Tool.run(
                "/usr/bin/storescu",
                ["-aet", "CT1", "-aec", "PACS", "127.0.0.1", "\(pacs.dicomPort)"] + files,
                environment: ["TCP_NODELAY": "1"], seconds: 60)
            #expect(outcome.status == 0, "\(outcome.output)")
        }

        /// The node looks at the disk every now and then, and refuses until it has seen the room.
        private static func hasRoom(_ node: Daemon) throws -> Bool? {
            try eventually(within: 30) { try HTTP.get(node.url("/readyz")).status == 200 ? true : nil }
        }

        @Test(
            "where space is needed, studies that an archive holds whole go, the oldest first, and no others, also over a kill [DISK-4]",
            arguments: ["", "expired", "expiredRemoved"])
        func expires(killedAt point: String) throws {
            guard let volume = try SmallVolume(.tmpfs, megabytes: 64) else { return }
            let test = ["", "expired", "expiredRemoved"].firstIndex(of: point) ?? 0
            let pacs = try SharedPACS.pacs()
            let node = try Daemon(
                destinations: Fixtures.destination(pacs), store: volume.path + "/store", reserve: 0.02)
            try node.edit { $0.replacingOccurrences(of: "  reserve:", with: "  archives: [pacs]\n  reserve:") }
            let studies = try (0..<10).map { try Self.study($0, test: test, in: node.directory) }
            let uids = try sopInstanceUIDs(ofFiles: studies.flatMap(\.self))
            try Self.archive(studies[1] + studies[3].dropLast() + studies[4] + studies[9], at: pacs)
            try node.start(environment: point.isEmpty ? [:] : ["TRIAGED_CRASH_POINT": point])
            for study in studies {
                let sent = try node.send(study)
                #expect(sent.acknowledged == study, "\(sent.output)")
            }
            if !point.isEmpty {
                #expect(eventually(within: 90) { node.process?.poll() } == 128 + SIGKILL, "\(node.output.suffix(2000))")
                try node.start()
            }
            // Less than 30 MB were free: two studies make 8 MB of room, and that is enough.
            let gone = Set((studies[1] + studies[4]).compactMap { uids[$0] })
            let all = Set(uids.values)
            let isDone = eventually(within: 90) {
                node.storedFiles().keys.count <= 32 ? true : nil
            }
            #expect(isDone == true, "\(volume.freeBytes) \(node.output.suffix(3000))")
            #expect(Set(node.storedFiles().keys) == all.subtracting(gone))
            for path in studies.flatMap(\.self) where !gone.contains(uids[path] ?? "") {
                let stored = try #require(node.storedFiles()[uids[path] ?? ""]?.first)
                #expect(try dataSet(ofFile: stored) == dataSet(ofFile: path))
            }

            // More is needed: study 9 goes, and then nothing, whatever is needed.
            try volume.addBallast("first", megabytes: 10)
            let isEnded = eventually(within: 90) { node.storedFiles().keys.count <= 28 ? true : nil }
            #expect(isEnded == true)
            let left = all.subtracting(gone).subtracting(studies[9].compactMap { uids[$0] })
            usleep(3_000_000)
            #expect(Set(node.storedFiles().keys) == left)
            // The worklist still has all studies.
            #expect(try node.worklist().count == studies.count)

            // What has expired is taken again, and then kept once. Sent twice it needs room for a moment: where the archive had it
            // still, it might go at once.
            #expect(try pacs.remove(studyInstanceUID: "1.2.3.80\(test).9"))
            try volume.removeBallast("first")
            #expect(try Self.hasRoom(node) == true)
            #expect(try node.send(studies[9]).acknowledged == studies[9])
            #expect(try node.send(studies[9]).acknowledged == studies[9])
            _ = try node.worklist()
            for path in studies[9] {
                let stored = node.storedFiles()[uids[path] ?? ""] ?? []
                #expect(stored.count == 1)
                guard let file = stored.first else { continue }
                #expect(try dataSet(ofFile: file) == dataSet(ofFile: path))
            }
            #expect(node.stop() == 0)
        }

        @Test(
            "an analysed study keeps its results when it expires, and a slice that comes late is told why it is not analysed; a run that is asked for is refused with the reason [DISK-5] [RERUN-2]"
        )
        func analysed() throws {
            guard let volume = try SmallVolume(.tmpfs, megabytes: 64) else { return }
            let pacs = try SharedPACS.pacs()
            let node = try Daemon(
                destinations: Fixtures.destination(pacs), store: volume.path + "/store", reserve: 0.02)
            try node.edit { $0.replacingOccurrences(of: "  reserve:", with: "  archives: [pacs]\n  reserve:") }
            let study = try Fixtures.smallBleed(seed: 230)
            try Self.archive(study.files, at: pacs)
            try node.start()
            let early = Array(study.files.dropLast())
            #expect(try node.send(early).acknowledged == early)
            let before = try #require(
                try node.settledItem(study: study.studyInstanceUID, within: 120), "\(node.output)")
            #expect(node.storedFiles().count == early.count)

            try volume.addBallast("first", megabytes: 44)
            let isGone = eventually(within: 90) { node.storedFiles().isEmpty ? true : nil }
            #expect(isGone == true, "\(node.output.suffix(3000))")
            #expect(
                try HTTP.get(node.url("/metrics")).text.contains("\ntriaged_instances_expired_total \(early.count)\n"))
            let after = try #require(try node.item(study: study.studyInstanceUID))
            for key in ["state", "priority"] { #expect(after[key] as? String == before[key] as? String) }
            #expect(Fixtures.deliveries(after) == Fixtures.deliveries(before))
            #expect(try node.keptResults().count == 2)

            // Without its images there is nothing to run.
            let refused = try Command.run("rerun", study.studyInstanceUID, "--config", node.configurationPath)
            #expect(refused.status == 1 && refused.output.contains("have expired here: send them again first"))
            let answer = try HTTP.post(node.url("/api/worklist/\(study.studyInstanceUID)/rerun"), json: "{}")
            #expect(answer.status == 409 && answer.text.contains("have expired here"), "\(answer.text)")
            #expect(try node.item(study: study.studyInstanceUID)?.state == before.state)

            try volume.removeBallast("first")
            #expect(try Self.hasRoom(node) == true)
            #expect(try node.send([study.files[early.count]]).acknowledged.count == 1)
            let said = try eventually(within: 90) {
                let series = try node.item(study: study.studyInstanceUID)?["series"] as? [[String: Any]]
                let reason = series?.first?["reason"] as? String ?? ""
                return reason.contains("expired here: \(early.count) in pacs") ? true : nil
            }
            #expect(said == true, "\(String(describing: try? node.item(study: study.studyInstanceUID)))")
            #expect(node.storedFiles().count == 1)
        }
    }
}

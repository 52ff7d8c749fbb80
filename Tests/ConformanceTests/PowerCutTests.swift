// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support
import Testing

extension EndToEnd {
    /// What a killed process leaves to the kernel, a power cut takes: the tail of the index's log that nobody had synced.
    @Suite("After a power cut", .serialized)
    struct PowerCutTests {
        private static func size(_ path: String) -> Int {
            var status = stat()
            return stat(path, &status) == 0 ? Int(status.st_size) : -1
        }

        @Test("rows that were not on the disk yet are rebuilt from the files of acknowledged instances [CRASH-2]")
        func lostRows() throws {
            let node = try Daemon(quietPeriod: 5)
            let study = try Fixtures.smallBleed(seed: 340)
            let uids = try sopInstanceUIDs(ofFiles: study.files)
            let log = node.storeDirectory + "/index.sqlite-wal"
            try node.start(environment: ["TRIAGED_CRASH_POINT": "responded", "TRIAGED_CRASH_PASSES": "12"])
            let early = try node.send(Array(study.files.prefix(6)), arguments: ["--abort"])
            #expect(early.acknowledged.count == 6, "\(early.output)")
            // What lies in the log when it has come to rest is synced.
            var rest = (size: -1, since: ContinuousClock.now)
            _ = eventually(within: 20) {
                let size = Self.size(log)
                if size != rest.size { rest = (size, .now) }
                return ContinuousClock.now - rest.since > .seconds(2) ? true : nil
            }
            let late = try node.send(Array(study.files.dropFirst(6)))
            #expect(eventually(within: 60) { node.process?.poll() } == 128 + SIGKILL, "\(node.output)")
            let acknowledged = early.acknowledged + late.acknowledged
            #expect((12...13).contains(acknowledged.count), "\(late.output)")
            // Rows follow their answers: some or none of them have come into the log.
            #expect(Self.size(log) >= rest.size)
            #expect(truncate(log, rest.size) == 0)

            try node.start()
            #expect(node.output.contains("rowsWritten=7") || node.output.contains("rowsWritten=6"), "\(node.output)")
            let item = try #require(try node.item(study: study.studyInstanceUID))
            let known = try #require((item["series"] as? [[String: Any]])?.first?["instances"] as? Int)
            #expect(known >= acknowledged.count)
            let stored = node.storedFiles()
            for file in acknowledged {
                let copies = try #require(uids[file].flatMap { stored[$0] })
                #expect(copies.count == 1)
                #expect(try dataSet(ofFile: copies[0]) == dataSet(ofFile: file))
            }
            let missing = study.files.filter { !acknowledged.contains($0) }
            #expect(try node.send(missing).acknowledged == missing)
            let analysed = try #require(
                try node.item(study: study.studyInstanceUID, state: "analysed"), "\(node.output)")
            #expect(analysed["priority"] as? String == "critical")
            #expect((analysed["series"] as? [[String: Any]])?.first?["instances"] as? Int == study.files.count)
            #expect(node.stop() == 0)
        }

        @Test("an instance that had arrived by half leaves nothing behind [CRASH-3]")
        func halfAnInstance() throws {
            let node = try Daemon()
            try node.start()
            let uid = "1.2.3.4.5.7"
            // More than is held in memory (docs/decisions/13): half of it lies in a file.
            let instance = Part10Writer.bytes(sopInstanceUID: uid, pixelBytes: 6_000_000).dataSet
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            try peer.play([
                .send(PDUBytes.associateRequest()), .expect(2),
                .send(PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest(instance: Array(uid.utf8)))),
            ])
            for start in stride(from: 0, to: 3_000_000, by: 16_000) {
                peer.send(PDUBytes.data(1, command: false, last: false, Array(instance[start..<start + 16_000])))
            }
            #expect(
                eventually(within: 20) { node.incomingFiles().isEmpty ? nil : true } == true, "half of it is in no file"
            )
            #expect(node.stop(SIGKILL) == 128 + SIGKILL)
            #expect(!node.incomingFiles().isEmpty)

            try node.start()
            #expect(node.incomingFiles().isEmpty)
            #expect(node.storedFiles().isEmpty)
            #expect(try node.worklist().isEmpty)
            #expect(node.stop() == 0)
        }
    }
}

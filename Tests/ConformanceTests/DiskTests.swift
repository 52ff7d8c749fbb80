// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// A store on a file system that really fills.
    @Suite("Full disk", .serialized) struct DiskTests {
        /// Instances of 1 MB by their paths, and their data sets.
        private static func instances(_ range: Range<Int>, in directory: TemporaryDirectory) throws -> [String] {
            try range.map { number in
                let path = directory.file("\(number).dcm")
                try Part10Writer.write(to: path, sopInstanceUID: uid(number), pixelBytes: 1_000_000)
                return path
            }
        }

        private static func uid(_ number: Int) -> String { "1.2.3.700.\(number)" }
        private static func uid(of path: String) -> String {
            uid(Int(URL(fileURLWithPath: path).deletingPathExtension().lastPathComponent) ?? 0)
        }

        /// Sends on to the end, whatever the answers.
        private static func send(_ files: [String], to node: Daemon, calling: String = "CT1") throws -> Sending {
            let outcome = try node.store(files, calling: calling, arguments: ["-nh"])
            return Sending(
                acknowledged: Sending.acknowledged(in: outcome.output), status: outcome.status, output: outcome.output)
        }

        private static func refusals(in sending: Sending) -> Int {
            sending.output.components(separatedBy: "Refused: OutOfResources").count - 1
        }

        /// What was acknowledged is there byte for byte, and nothing else.
        private static func expectExactly(_ acknowledged: [String], in node: Daemon) throws {
            let stored = node.storedFiles()
            #expect(Set(stored.keys) == Set(acknowledged.map(uid(of:))))
            for path in acknowledged {
                let files = stored[uid(of: path)] ?? []
                #expect(files.count == 1)
                guard let file = files.first else { continue }
                #expect(try dataSet(ofFile: file) == dataSet(ofFile: path), "\(path)")
            }
            #expect(node.incomingFiles() == [])
        }

        private static func echoes(_ node: Daemon) throws -> Bool {
            try Tool.run(
                "/usr/bin/echoscu", ["-aet", "CT1", "-aec", "TRIAGED", "-to", "20", "127.0.0.1", "\(node.dicomPort)"]
            ).status == 0
        }

        private static func indexed(_ node: Daemon) throws -> Int {
            let series = try node.worklist().first?["series"] as? [[String: Any]]
            return series?.compactMap { $0["instances"] as? Int }.reduce(0, +) ?? 0
        }

        @Test(
            "a disk that fills is answered with A700, keeps all that was acknowledged and nothing else, and serves again by itself [DISK-1]",
            arguments: SmallVolume.Kind.allCases, [0, 0.02])
        func fills(kind: SmallVolume.Kind, reserve: Double) throws {
            guard let volume = try SmallVolume(kind, megabytes: 64) else { return }
            try volume.addBallast("first", megabytes: 10)
            try volume.addBallast("second", megabytes: 10)
            let node = try Daemon(store: volume.path + "/store", reserve: reserve)
            let files = try Self.instances(0..<80, in: node.directory)
            try node.start()

            let sent = try Self.send(files, to: node)
            #expect((10..<60).contains(sent.acknowledged.count), "\(sent.acknowledged.count)")
            #expect(Self.refusals(in: sent) == files.count - sent.acknowledged.count, "\(sent.output.suffix(2000))")
            #expect(node.process?.poll() == nil)
            #expect(try Self.echoes(node))
            try Self.expectExactly(sent.acknowledged, in: node)
            #expect(Double(volume.freeBytes) >= reserve * 1e9 - 3e6, "\(volume.freeBytes)")

            // Space comes back, and nobody restarts the node.
            try volume.removeBallast("first")
            var acknowledged = sent.acknowledged
            let next = files.filter { !acknowledged.contains($0) }
            let isServed = try eventually(within: 30) {
                try Self.send([next[0]], to: node).acknowledged.isEmpty ? nil : true
            }
            #expect(isServed == true, "\(node.output.suffix(2000))")
            acknowledged.append(next[0])

            // Full once more, and killed.
            let more = try Self.send(Array(next.dropFirst()), to: node)
            #expect(Self.refusals(in: more) > 0)
            acknowledged += more.acknowledged
            _ = node.stop(SIGKILL)
            try node.start(awaitsReadiness: false)
            #expect(try eventually(within: 60) { try Self.echoes(node) ? true : nil } == true, "\(node.output)")
            try Self.expectExactly(acknowledged, in: node)

            try volume.removeBallast("second")
            let last = try #require(files.last { !acknowledged.contains($0) })
            let isServedAgain = try eventually(within: 30) {
                try Self.send([last], to: node).acknowledged.isEmpty ? nil : true
            }
            #expect(isServedAgain == true, "\(node.output.suffix(2000))")
            acknowledged.append(last)
            try Self.expectExactly(acknowledged, in: node)
            let count = acknowledged.count
            #expect(try eventually(within: 30) { try Self.indexed(node) == count ? true : nil } == true)
        }

        @Test("below the reserve urgent peers still store, down to half of it, and results have room [DISK-2]")
        func urgentLast() throws {
            guard let volume = try SmallVolume(.tmpfs, megabytes: 64) else { return }
            let node = try Daemon(store: volume.path + "/store", reserve: 0.03)
            try node.edit {
                $0.replacingOccurrences(
                    of: "port: 11119}",
                    with: "port: 11119}\n  - {aeTitle: ER1, host: 127.0.0.1, port: 11119, urgent: true}")
            }
            let files = try Self.instances(0..<80, in: node.directory)
            try node.start()
            let routine = try Self.send(files, to: node)
            #expect(Self.refusals(in: routine) > 0)
            #expect((27_000_000...33_000_000).contains(volume.freeBytes), "\(volume.freeBytes)")

            let rest = files.filter { !routine.acknowledged.contains($0) }
            let urgent = try Self.send(rest, to: node, calling: "ER1")
            #expect(urgent.acknowledged.count > 5)
            #expect(Self.refusals(in: urgent) > 0)
            #expect((12_000_000...18_000_000).contains(volume.freeBytes), "\(volume.freeBytes)")
            try Self.expectExactly(routine.acknowledged + urgent.acknowledged, in: node)
        }

        @Test(
            "readiness, metrics, the worklist's answer and status say that the reserve is used, and that it no longer is [DISK-3]"
        )
        func says() throws {
            guard let volume = try SmallVolume(.tmpfs, megabytes: 64) else { return }
            let node = try Daemon(store: volume.path + "/store", reserve: 0.02)
            try node.start()
            func notice() throws -> String {
                let answer = try HTTP.get(node.url("/api/worklist"))
                let object = try JSONSerialization.jsonObject(with: answer.body) as? [String: Any]
                return object?["notice"] as? String ?? "none"
            }
            #expect(try notice() == "")
            let metrics = try HTTP.get(node.url("/metrics")).text
            #expect(metrics.contains("\ntriaged_storage_reserve_bytes 20000000\n"), "\(metrics)")
            // No instance was ever received: there is no rate to tell days from.
            #expect(!metrics.contains("\ntriaged_storage_days_left "))

            try volume.addBallast("first", megabytes: 48)
            let told = try eventually(within: 30) {
                let ready = try HTTP.get(node.url("/readyz"))
                return try ready.status == 503 && ready.text.contains("A700") && notice().contains("full") ? true : nil
            }
            #expect(told == true, "\(node.output.suffix(2000))")
            #expect(node.output.contains("C-STORE is refused with A700"))
            try volume.removeBallast("first")
            let untold = try eventually(within: 30) {
                try HTTP.get(node.url("/readyz")).status == 200 && notice() == "" ? true : nil
            }
            #expect(untold == true)
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// The order of system calls before a success (docs/decisions/01).
    @Suite("Durable before success", .serialized)
    struct DurabilityTests {
        @Test(
            "a file's name and then its data are on disk before the success leaves, and its row comes after them [STORE-1]"
        )
        func order() throws {
            let study = try Fixtures.smallBleed(seed: 200)
            let file = try #require(study.files.first)
            let uid = try #require(try sopInstanceUIDs(ofFiles: [file])[file])
            let node = try Daemon()
            try Self.startTraced(node)
            let sent = try node.send([file])
            #expect(sent.acknowledged == [file], "\(sent.output)")
            let stored = try Self.stored(uid, in: node)
            let trace = try Self.endTraced(node)
            let rule = DurabilityOrder(store: node.storeDirectory, port: node.dicomPort)
            #expect(throws: Never.self) { try rule.check(trace, path: stored.path, size: stored.size) }
        }

        @Test("the order holds for each instance of associations that share syncs and transactions [STORE-1]")
        func orderOfMany() throws {
            let node = try Daemon()
            let studies = try (201...204).map { try Fixtures.smallBleed(seed: $0) }
            try Self.startTraced(node)
            let senders = try studies.enumerated().map { number, study in
                try Tool(
                    "/usr/bin/storescu",
                    ["-aet", "CT1", "-aec", "TRIAGED", "-v", "127.0.0.1", "\(node.dicomPort)"] + study.files,
                    environment: ["TCP_NODELAY": "1"], log: node.directory.file("sender-\(number)"))
            }
            for (sender, study) in zip(senders, studies) {
                let outcome = sender.wait(seconds: 60)
                #expect(Sending.acknowledged(in: outcome.output) == study.files, "\(outcome.output)")
            }
            let uids = studies.flatMap(\.sopInstanceUIDs)
            let files = try uids.map { try Self.stored($0, in: node) }
            let trace = try Self.endTraced(node)
            let rule = DurabilityOrder(store: node.storeDirectory, port: node.dicomPort)
            for file in files {
                #expect(throws: Never.self) { try rule.check(trace, path: file.path, size: file.size) }
            }
        }

        @Test("the order holds for an instance that does not fit into memory and is written as it arrives [CRASH-6]")
        func orderOfSpilled() throws {
            let node = try Daemon()
            let uid = "1.2.3.4.5.8"
            let file = node.directory.file("large.dcm")
            try Part10Writer.write(to: file, sopInstanceUID: uid, pixelBytes: 3_500_000)
            try Self.startTraced(node)
            let sent = try node.send([file])
            #expect(sent.acknowledged == [file], "\(sent.output)")
            let stored = try Self.stored(uid, in: node)
            let trace = try Self.endTraced(node)
            #expect(trace.calls.count { $0.name.contains("write") && $0.arguments.contains(stored.path) } > 1)
            let rule = DurabilityOrder(store: node.storeDirectory, port: node.dicomPort)
            #expect(throws: Never.self) { try rule.check(trace, path: stored.path, size: stored.size) }
        }

        @Test("a result's data, name and row are on the disk before its first byte goes to a PACS [CRASH-7]")
        func orderOfResults() throws {
            let pacs = try ScriptedPACS { _, _ in .status(0) }
            defer { pacs.stop() }
            let node = try Daemon(
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(pacs.port), negativeReports: false}
                    """)
            let study = try Fixtures.smallBleed(seed: 205)
            try Self.startTraced(node)
            #expect(try node.send(study.files).acknowledged == study.files)
            _ = try #require(try node.settledItem(study: study.studyInstanceUID, within: 120), "\(node.output)")
            let trace = try Self.endTraced(node)
            let rule = DurabilityOrder(store: node.storeDirectory, port: Int(pacs.port))
            let uids = Set(pacs.receptions.map(\.sopInstanceUID))
            #expect(uids.count == 2)
            for uid in uids { #expect(throws: Never.self) { try rule.checkResult(trace, sopInstanceUID: uid) } }
        }

        @Test("a start syncs the file that it gives a row, and its name, before it writes the row [CRASH-8]")
        func orderOfRecovery() throws {
            let node = try Daemon()
            let study = try Fixtures.smallBleed(seed: 206)
            try node.start(environment: ["TRIAGED_CRASH_POINT": "fileStored"])
            #expect(try node.send([study.files[0]]).acknowledged.isEmpty)
            #expect(eventually(within: 30) { node.process?.poll() } == 128 + SIGKILL)
            let file = try #require(node.storedFiles().values.first?.first)
            try Self.startTraced(node)
            #expect(node.output.contains("rowsWritten=1"), "\(node.output)")
            let trace = try Self.endTraced(node)
            let directory = (file as NSString).deletingLastPathComponent
            let row = try #require(
                trace.calls.first {
                    $0.name.hasPrefix("pwrite") && $0.arguments.contains("<\(node.storeDirectory)/index.sqlite-wal>")
                })
            // What a killed process made and did not come to sync, up to the store itself.
            let parent = (directory as NSString).deletingLastPathComponent
            let folders = [directory, parent, node.storeDirectory + "/instances", node.storeDirectory]
            for path in [file] + folders {
                #expect(
                    trace.calls.contains { DurabilityOrder.isSync($0, of: path) && $0.ended < row.began },
                    "\(path) is not synced before the row")
            }
        }

        private static func startTraced(_ node: Daemon) throws {
            // -D leaves the daemon our child.
            try node.start(wrapper: [
                "/usr/bin/strace", "-D", "-f", "--seccomp-bpf", "-yy", "-s", "24", "-o", node.directory.file("trace"),
                "-e",
                "trace=open,openat,write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,rename,renameat,renameat2,link,linkat",
            ])
        }

        private static func stored(_ sopInstanceUID: String, in node: Daemon) throws -> (path: String, size: Int) {
            let path = try #require(node.storedFiles()[sopInstanceUID]?.first)
            return (path, try #require(try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int))
        }

        /// Ends the daemon and waits until strace has written its last line.
        private static func endTraced(_ node: Daemon) throws -> SystemCallTrace {
            let daemon = try #require(node.process?.processID)
            #expect(node.stop(within: 60) == 0)
            let text = try #require(
                eventually(within: 20) {
                    (try? String(contentsOfFile: node.directory.file("trace"), encoding: .utf8)).flatMap { text in
                        text.split(separator: "\n").contains {
                            $0.hasPrefix("\(daemon) ") && $0.contains("+++ exited with 0")
                        }
                            ? text : nil
                    }
                })
            return SystemCallTrace(text)
        }

        private static let place = "/s/instances/000000/000000001/0007.dcm"
        /// Of one instance: what the check must see.
        private static let good = [
            "9 sendmsg(26<TCP:[127.0.0.1:104->127.0.0.1:44414]>, {msg_iov=[{iov_base=\"\\2\\0\\0\\0\", iov_len=12}]}, 0) = 12",
            "8 openat(AT_FDCWD<\(place)>, \"\(place)\", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0640) = 28<\(place)>",
            "8 fsync(7</s/instances/000000/000000001> <unfinished ...>",
            "9 write(30</s/instances/000000/000000001/0008.dcm>, \"\\0\"..., 60) = 60",
            "8 <... fsync resumed>) = 0",
            "9 write(28<\(place)>, \"\\0\\0 = 1\"..., 60) = 60",
            "9 write(28<\(place)>, \"\\0\\0\"..., 40) = 40",
            "9 pwrite64(28<\(place)>, \"d\\0\"..., 16, 200) = 16",
            "9 fdatasync(28<\(place)>) = 0",
            "9 sendmsg(26<TCP:[127.0.0.1:104->127.0.0.1:44414]>, {msg_iov=[{iov_base=\"\\4\\0\\0\\0\", iov_len=12}]}, 0) = 12",
            "6 pwrite64(9</s/index.sqlite-wal>, \"\\0\\0\"..., 24, 173072) = 24",
        ]

        private static func check(_ lines: [String]) throws {
            try DurabilityOrder(store: "/s", port: 104)
                .check(SystemCallTrace(lines.joined(separator: "\n")), path: place, size: 100)
        }

        @Test("the check of the order accepts a right trace")
        func accepts() { #expect(throws: Never.self) { try Self.check(Self.good) } }

        @Test("the check of the order sees each call that is missing", arguments: [1, 4, 5, 6, 7, 8, 9, 10])
        func missing(line: Int) {
            var lines = Self.good
            lines.remove(at: line)
            #expect(throws: DurabilityOrder.Violation.self) { try Self.check(lines) }
        }

        @Test(
            "the check of the order sees each call that comes too late",
            arguments: zip([1, 2, 4, 6, 7, 8], [4, 4, 9, 9, 8, 9]))
        func late(line: Int, after other: Int) {
            var lines = Self.good
            lines.insert(lines[line], at: other + 1)
            lines.remove(at: line)
            #expect(throws: DurabilityOrder.Violation.self) { try Self.check(lines) }
        }

        @Test("the check of the order sees each call that failed", arguments: [4, 8])
        func failed(line: Int) {
            var lines = Self.good
            lines[line] = lines[line].replacingOccurrences(of: " = 0", with: " = -1 EIO (Input/output error)")
            #expect(throws: DurabilityOrder.Violation.self) { try Self.check(lines) }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support
import Testing

extension EndToEnd {
    /// Peers that mean harm to the whole node; docs/hostile-peers.md is the list.
    @Suite("Hostile peers", .serialized, .sharedNode({ try Daemon(quietPeriod: 0.5, unknownPeers: "accept") }))
    struct HostilePeerTests {
        private func number(_ node: Daemon, _ file: String, _ name: String) throws -> Int {
            let pid = try #require(node.process?.processID)
            let text = try String(contentsOfFile: "/proc/\(pid)/\(file)", encoding: .utf8)
            let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + ":") })
            return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1]))
        }

        /// kB.
        private func resident(_ node: Daemon) throws -> Int { try number(node, "status", "VmRSS") }

        /// User identities of 20 kB: those of a refused request stay with DCMTK (reference: CVE-2026-50254).
        private static let identity = PDUBytes.item(
            0x58,
            [1, 0] + [UInt8(20_000 >> 8), UInt8(20_000 & 0xFF)] + [UInt8](repeating: 65, count: 20_000) + [0, 0])

        /// One association in four repeats its user identity and is refused; one in four breaks off.
        private func associate(_ node: Daemon, _ count: Int) throws {
            let echo = PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest())
            for turn in 0..<count {
                let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
                let isRepeated = turn % 4 == 0
                let identities = isRepeated ? Self.identity + Self.identity + Self.identity : Self.identity
                peer.send(
                    PDUBytes.associateRequest(
                        user: PDUBytes.maximumLength() + PDUBytes.implementation + identities))
                if isRepeated {
                    try peer.play([.expect(3), .close])
                } else {
                    try peer.play([.expect(2), .send(echo), .expect(4)])
                    if turn % 4 == 1 {
                        peer.reset()
                    } else {
                        try peer.play([.send(PDUBytes.releaseRequest), .expect(6), .close])
                    }
                }
            }
        }

        @Test("thousands of associations, refused and broken ones among them, leave the memory as it was [ROBUST-4]")
        func memory() throws {
            // By hand more: HOSTILE_ASSOCIATIONS=10000.
            let count = Int(ProcessInfo.processInfo.environment["HOSTILE_ASSOCIATIONS"] ?? "") ?? 1500
            let node = try SharedNode.node()
            try associate(node, 500)
            let before = try resident(node)
            try associate(node, count)
            let after = try resident(node)
            print("resident: \(before) kB after 500 associations, \(after) kB after \(count) more")
            // DCMTK's own acceptor would have grown by 40 kB for each repeated identity: 15 MB for 1,500 associations.
            #expect(after - before < 6_000, "\(before) kB after 500 associations, \(after) kB after \(count) more")
        }

        @Test("a flood of connections costs a bounded number of threads and descriptors, and is survived [ROBUST-5]")
        func flood() throws {
            let node = try SharedNode.node()
            let pid = try #require(node.process?.processID)
            let threads = try number(node, "status", "Threads")
            let descriptors = ProcessTable.descriptors(of: pid).count
            let half = Array(PDUBytes.associateRequest().prefix(100))
            var peers: [ScriptedPeer] = []
            for turn in 0..<400 {
                let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
                if turn % 2 == 0 { peer.send(half) }
                peers.append(peer)
            }
            #expect(try node.echoes())
            // 64 associations and twice 64 that have not said what they want (docs/conformance.md).
            #expect(try number(node, "status", "Threads") <= threads + 192 + 8)
            #expect(ProcessTable.descriptors(of: pid).count <= descriptors + 192 + 8)
            for peer in peers { peer.close() }
            let settled = try eventually(within: 30) {
                try number(node, "status", "Threads") <= threads + 4
                    && ProcessTable.descriptors(of: pid).count <= descriptors + 4 ? true : nil
            }
            #expect(settled == true)
            #expect(try node.echoes())
        }

        @Test(
            "an identifier of 200,000 levels is refused without being parsed [ROBUST-1]",
            arguments: [0x20, 0x130] as [UInt16])
        func nestedIdentifier(field: UInt16) throws {
            let node = try SharedNode.node()
            let witness = try Witness(node)
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            let find = "1.2.840.10008.5.1.4.1.2.2.1"
            try peer.play([
                .send(
                    PDUBytes.associateRequest(
                        contexts: PDUBytes.context(1, find, [PDUBytes.explicitLittleEndian])
                            + PDUBytes.context(3, PDUBytes.ctImageStorage, [PDUBytes.explicitLittleEndian]))),
                .expect(2),
            ])
            // Result 0 of the first answer where queries are offered.
            let answer = peer.received[0]
            let place = try #require(answer.firstRange(of: [0x21, 0] as [UInt8])?.lowerBound)
            let context: UInt8 = answer[place + 6] == 0 ? 1 : 3
            let request = PDUBytes.commandSet(
                PDUBytes.element(2, PDUBytes.even(Array(find.utf8)))
                    + PDUBytes.element(0x100, PDUBytes.little16(field)) + PDUBytes.element(0x110, [1, 0])
                    + PDUBytes.element(0x700, [0, 0]) + PDUBytes.element(0x800, [1, 0]))
            peer.send(PDUBytes.data(context, command: true, last: true, request))
            let level =
                RawDataSet.element(8, 0x1140, "SQ", [], length: 0xFFFF_FFFF) + [
                    0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255,
                ]
            let bytes = Array(repeatElement(level, count: 200_000).joined())
            for start in stride(from: 0, to: bytes.count, by: 16_000) {
                let end = min(start + 16_000, bytes.count)
                peer.send(PDUBytes.data(context, command: false, last: end == bytes.count, Array(bytes[start..<end])))
            }
            // An abort, or a response that is no success.
            let last = peer.readPDU()
            #expect(
                last == nil || last?[0] == 7 || last?.firstRange(of: [0, 0, 0, 9, 2, 0, 0, 0, 0, 0] as [UInt8]) == nil)
            peer.close()
            try witness.expectUnharmed()
        }

        @Test("a deflated data set that swells is refused within bounded memory [ROBUST-10]", arguments: [300, 4096])
        func bomb(megabytes: Int) throws {
            let node = try SharedNode.node()
            let phantom = try Fixtures.smallHead(["--seed", "31", "--fresh-uids"], slices: 1)
            let slice = try RawDataSet(file: phantom.files[0])
            let place = try #require(slice.place(of: 0x10, 0x10))
            let directory = try TemporaryDirectory()
            let head = slice.bytes[..<place.start] + RawDataSet.element(9, 0x10, "OB", [], length: 0xFFFF_FFF0)
            try Data(head).write(to: URL(fileURLWithPath: directory.file("head")))
            let script = """
                import sys, zlib
                deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
                out = deflate.compress(open(sys.argv[1], "rb").read()) + deflate.flush(zlib.Z_FULL_FLUSH)
                part = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
                open(sys.argv[2], "wb").write(out + part * int(sys.argv[3]))
                """
            let made = try Tool.run(
                "/usr/bin/python3", ["-c", script, directory.file("head"), directory.file("bomb"), "\(megabytes)"])
            #expect(made.status == 0, "\(made.output)")
            let bomb = [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.file("bomb"))))
            let before = try number(node, "status", "VmHWM")
            let words = "the deflated data set swells beyond its limit"
            let refusals = node.output.components(separatedBy: words).count
            let answer = try RawStore(
                instance: slice.value(8, 0x18), transferSyntax: RawStore.deflated, dataSet: bomb
            ).send(to: node)
            #expect(answer == .status(0xC000))
            #expect(node.output.components(separatedBy: words).count == refusals + 1)
            #expect(try number(node, "status", "VmHWM") - before < 32_000)
            #expect(node.incomingFiles().isEmpty)
        }

        @Test("a program in the preamble is neither kept nor passed on [ROBUST-7]", arguments: ["MZ", "\u{7F}ELF"])
        func preamble(magic: String) throws {
            let node = try SharedNode.node()
            let study = try Fixtures.smallHead(["--finding", "bleed", "--seed", "32", "--fresh-uids"])
            for file in study.files {
                let handle = try #require(FileHandle(forWritingAtPath: file))
                handle.write(Data(Array(magic.utf8) + [UInt8](repeating: 0xCC, count: 128 - magic.utf8.count)))
                try handle.close()
            }
            try node.storeAll([study.directory.path])
            let stored = node.storedFiles()
            for uid in study.sopInstanceUIDs { try expectEmptyPreamble(#require(stored[uid]?.first)) }

            let output = try TemporaryDirectory()
            let made = try Command.run(
                "process", "--models", Daemon.repository + "/etc/models", "--output", output.path,
                study.directory.path, seconds: 120)
            #expect(made.status == 0, "\(made.output)")
            let results = try FileManager.default.contentsOfDirectory(atPath: output.path).filter {
                $0.hasSuffix(".dcm")
            }
            #expect(results.count == 2)
            for result in results { try expectEmptyPreamble(output.file(result)) }
        }

        private func expectEmptyPreamble(_ path: String) throws {
            let head = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)).prefix(132))
            #expect(head == [UInt8](repeating: 0, count: 128) + Array("DICM".utf8), "\(path)")
        }

        /// The issue of CVE-2026-5663: names that peers choose reach a shell. Here none does, nor SQL, nor the page.
        @Test(
            "what a peer calls itself and its patients is text, to the shell, to SQL and to the worklist [ROBUST-7]",
            arguments: [
                "Robert'); DROP TABLE instance; --", "x\"; DELETE FROM study; --", "$(touch harm)", "`touch harm`",
                "a;touch harm|touch harm&", "+SUM(1+1)*cmd|'/C calc'!A0", "@import url(x)<b onload=x>", "%s%n%x{0}",
            ])
        func metacharacters(name: String) throws {
            let node = try SharedNode.node()
            let witness = try Witness(node)
            let count = try #require(Int(node.rows("SELECT count(*) FROM instance")[0][0]))
            let mark = "/tmp/t\(UInt32.random(in: 100_000...999_999))"
            defer { unlink(mark) }
            let id = name.filter { $0 != "\\" }
            let study = try Fixtures.smallHead(
                ["--seed", "33", "--fresh-uids", "--patient-name", name, "--patient-id", id], slices: 2)
            // 16 characters of an AE title: a redirection is all that fits.
            try node.storeAll([study.directory.path], calling: "$(>\(mark))")
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(item["patientName"] as? String == name)
            #expect(item["patientID"] as? String == id)
            #expect(try Int(node.rows("SELECT count(*) FROM instance")[0][0]) == count + 2)
            #expect(!FileManager.default.fileExists(atPath: mark))
            for place in [FileManager.default.currentDirectoryPath, node.storeDirectory, node.directory.path] {
                #expect(!FileManager.default.fileExists(atPath: place + "/harm"))
            }
            try witness.expectUnharmed(hasNewFiles: true)
        }
    }
}

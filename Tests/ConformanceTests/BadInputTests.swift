// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Bytes that no peer should send: each gets a status or an abort, and harms nothing.
    @Suite("Bad input", .serialized, .sharedNode()) struct BadInputTests {
        struct Bytes: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var bytes: [UInt8]
        }

        /// A study that is stored before, so that there is something to harm; its first slice is what is made wrong.
        private func prepared() throws -> (node: Daemon, slice: RawDataSet, witness: Witness) {
            let node = try SharedNode.node()
            let phantom = try Fixtures.smallHead(["--seed", "11"], slices: 3)
            if try node.item(study: phantom.studyInstanceUID) == nil {
                try node.storeAll([phantom.directory.path])
                _ = try node.endedItem(study: phantom.studyInstanceUID)
            }
            return (node, try RawDataSet(file: phantom.files[0]), try Witness(node))
        }

        @Test(
            "what is not DICOM is closed [ROBUST-1]",
            arguments: [
                Bytes(testDescription: "HTTP", bytes: Array("GET / HTTP/1.1\r\nHost: pacs\r\n\r\n".utf8)),
                Bytes(
                    testDescription: "TLS",
                    bytes: [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3] + [UInt8](repeating: 7, count: 507)),
                Bytes(testDescription: "SSH", bytes: Array("SSH-2.0-OpenSSH_9.2p1 Debian\r\n".utf8)),
                Bytes(testDescription: "ones", bytes: [UInt8](repeating: 0xFF, count: 70_000)),
                Bytes(testDescription: "zeros", bytes: [UInt8](repeating: 0, count: 70_000)),
                Bytes(
                    testDescription: "HL7",
                    bytes: [11] + Array("MSH|^~\\&|HIS|H|RIS|R|20260101||ADT^A01|1|P|2.5\r".utf8) + [28, 13]),
            ])
        func notDICOM(input: Bytes) throws {
            let (node, _, witness) = try prepared()
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            peer.send(input.bytes)
            try peer.play([.expectEnd])
            try witness.expectUnharmed()
        }

        struct Wrong: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var answer: RawStore.Answer
            /// What the log gives as the reason, where the status alone could have another.
            var logged = "data set refused"
            var change: @Sendable (RawDataSet) -> RawDataSet
        }

        private static let notUnderstood = RawStore.Answer.status(0xC000)
        private static let tooDeep = "sequences are nested more than 64 deep"
        private static let mismatch = RawStore.Answer.status(0xA900)

        private static func cut(_ name: String, at end: @escaping @Sendable (RawDataSet) -> Int) -> Wrong {
            Wrong(testDescription: name, answer: notUnderstood) { slice in
                var cut = slice
                cut.bytes.removeSubrange(end(slice)...)
                return cut
            }
        }

        /// Undefined lengths all the way down, and nothing that closes them.
        private static func nested(_ levels: Int) -> [UInt8] {
            let level: [UInt8] =
                RawDataSet.element(8, 0x1140, "SQ", [], length: 0xFFFF_FFFF) + [
                    0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255,
                ]
            return Array(repeatElement(level, count: levels).joined())
        }

        @Test(
            "a data set that is wrong gets a failure status, and nothing of it is kept [ROBUST-1] [STORE-3]",
            arguments: [
                cut("cut in the header", at: { $0.place(of: 0x10, 0x20)!.value + 2 }),
                cut("cut in an element's head", at: { $0.place(of: 0x10, 0x20)!.start + 5 }),
                cut("cut in the pixels", at: { $0.bytes.count - 1000 }),
                Wrong(testDescription: "empty", answer: mismatch) { slice in
                    var slice = slice
                    slice.bytes = []
                    return slice
                },
                Wrong(testDescription: "Patient ID longer than everything", answer: notUnderstood) {
                    let id = $0.value(0x10, 0x20)
                    var wrong = $0.replacing(0x10, 0x20, "LO", id, length: 0xFFFF)
                    wrong.bytes.removeSubrange((wrong.bytes.count - 30_000)...)
                    return wrong
                },
                Wrong(testDescription: "Pixel Data of almost 4 GiB", answer: notUnderstood) {
                    $0.replacing(0x7FE0, 0x10, "OW", $0.value(0x7FE0, 0x10), length: 0xFFFF_FFF0)
                },
                Wrong(testDescription: "Pixel Data longer than its bytes", answer: notUnderstood) {
                    let pixels = $0.value(0x7FE0, 0x10)
                    return $0.replacing(0x7FE0, 0x10, "OW", pixels, length: UInt32(pixels.count + 2))
                },
                Wrong(testDescription: "a sequence shorter than its item", answer: notUnderstood) {
                    let item: [UInt8] =
                        [0xFE, 0xFF, 0, 0xE0, 100, 0, 0, 0] + RawDataSet.element(8, 0x1150, "UI", Array("1.2".utf8))
                    return $0.inserting(
                        RawDataSet.element(8, 0x1140, "SQ", item, length: UInt32(item.count)), before: 0x10, 0x10)
                },
                Wrong(testDescription: "sequences 200,000 deep", answer: notUnderstood, logged: tooDeep) {
                    $0.inserting(nested(200_000), before: 0x10, 0x10)
                },
                Wrong(testDescription: "items 200,000 deep, closed again", answer: notUnderstood, logged: tooDeep) {
                    let close: [UInt8] = [0xFE, 0xFF, 0x0D, 0xE0, 0, 0, 0, 0, 0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]
                    return $0.inserting(
                        nested(200_000) + Array(repeatElement(close, count: 200_000).joined()), before: 0x10, 0x10)
                },
                Wrong(testDescription: "Study Instance UID twice", answer: notUnderstood) {
                    $0.inserting(RawDataSet.element(0x20, 0xD, "UI", Array("1.2.3".utf8)), before: 0x20, 0xD)
                },
                Wrong(testDescription: "a command element inside", answer: notUnderstood) {
                    $0.inserting(RawDataSet.element(0, 0x100, "US", [1, 0]), before: 8, 8)
                },
            ])
        func wrongDataSet(wrong: Wrong) throws {
            let (node, slice, witness) = try prepared()
            let changed = wrong.change(slice)
            let before = node.output.components(separatedBy: wrong.logged).count
            let answer = try RawStore(instance: slice.value(8, 0x18), dataSet: changed.bytes).send(to: node)
            #expect(answer == wrong.answer)
            #expect(
                node.output.components(separatedBy: wrong.logged).count == before + 1, "\(node.output.suffix(1000))")
            try witness.expectUnharmed()
        }

        private static let notUIDs: [(String, [UInt8])] = [
            ("..", Array("..".utf8)), ("path", Array("../../../tmp/x".utf8)), ("absolute", Array("/etc/passwd".utf8)),
            ("NUL inside", Array("1.2\0.3".utf8)),
            ("100 characters", Array(String(repeating: "1.", count: 49).utf8) + Array("22".utf8)),
            ("letters", Array("1.2.three".utf8)), ("empty", []),
        ]

        @Test(
            "a UID in the command that is none is refused [STORE-3]",
            arguments: notUIDs.map { Bytes(testDescription: $0.0, bytes: $0.1) })
        func commandUID(uid: Bytes) throws {
            let (node, slice, witness) = try prepared()
            let answer = try RawStore(instance: uid.bytes, dataSet: slice.bytes).send(to: node)
            #expect(answer == .status(0x0117))
            try witness.expectUnharmed()
        }

        @Test(
            "a UID in the data set that is none is refused, and names no file [STORE-3]",
            arguments: notUIDs.map { Bytes(testDescription: $0.0, bytes: $0.1) },
            [[8, 0x18], [0x20, 0xD], [0x20, 0xE], [8, 0x16]] as [[UInt16]])
        func dataSetUID(uid: Bytes, tag: [UInt16]) throws {
            let (node, slice, witness) = try prepared()
            let wrong = slice.replacing(tag[0], tag[1], "UI", uid.bytes)
            let answer = try RawStore(instance: slice.value(8, 0x18), dataSet: wrong.bytes).send(to: node)
            #expect(answer == Self.mismatch)
            try witness.expectUnharmed()
        }

        @Test(
            "UIDs that differ between command and data set are refused [STORE-3]", arguments: [0x16, 0x18] as [UInt16])
        func differentUIDs(element: UInt16) throws {
            let (node, slice, witness) = try prepared()
            let other = element == 0x16 ? "1.2.840.10008.5.1.4.1.1.4" : "1.2.3.4.5.6"
            let wrong = slice.replacing(8, element, "UI", Array(other.utf8))
            #expect(try RawStore(instance: slice.value(8, 0x18), dataSet: wrong.bytes).send(to: node) == Self.mismatch)
            try witness.expectUnharmed()
        }

        @Test(
            "a command set nested without end, or without a field, ends the association [ROBUST-1] [STORE-5]",
            arguments: [8_000, 200_000])
        func nestedCommand(levels: Int) throws {
            let (node, _, witness) = try prepared()
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            try peer.play([.send(PDUBytes.associateRequest()), .expect(2)])
            let level: [UInt8] = [0, 0, 1, 0x10, 255, 255, 255, 255, 0xFE, 0xFF, 0, 0xE0, 255, 255, 255, 255]
            let all = Array(repeatElement(level, count: levels / 2).joined())
            for start in stride(from: 0, to: all.count, by: 16_000) {
                let end = min(start + 16_000, all.count)
                peer.send(PDUBytes.data(1, command: true, last: end == all.count, Array(all[start..<end])))
            }
            try peer.play([.expect(7), .expectEnd])
            try witness.expectUnharmed()
        }

        enum Break: String, CaseIterable, Sendable { case close, reset, abort, release, command, unknownPDU }

        @Test("a data set that breaks off leaves nothing behind [ROBUST-2]", arguments: Break.allCases)
        func brokenOff(how: Break) throws {
            let (node, slice, witness) = try prepared()
            let peer = try ScriptedPeer(port: UInt16(node.dicomPort))
            // More than is kept in memory before it goes to a file.
            let big = RawDataSet.element(9, 0x10, "OB", [UInt8](repeating: 1, count: 3_000_000))
            var dataSet = slice.inserting(big, before: 0x10, 0x10).bytes
            dataSet.removeLast(1000)
            try peer.play([
                .send(PDUBytes.associateRequest()), .expect(2),
                .send(
                    PDUBytes.data(1, command: true, last: true, PDUBytes.storeRequest(instance: slice.value(8, 0x18)))),
            ])
            for start in stride(from: 0, to: dataSet.count, by: 100_000) {
                peer.send(
                    PDUBytes.data(
                        1, command: false, last: false, Array(dataSet[start..<min(start + 100_000, dataSet.count)])))
            }
            switch how {
            case .close: peer.close()
            case .reset: peer.reset()
            case .abort: peer.send(PDUBytes.abort)
            case .release: peer.send(PDUBytes.releaseRequest)
            case .command: peer.send(PDUBytes.data(1, command: true, last: true, PDUBytes.echoRequest()))
            case .unknownPDU: peer.send(PDUBytes.pdu(0x42, [1, 2, 3]))
            }
            if how != .close, how != .reset { try peer.play([.expectEnd]) }
            try witness.expectUnharmed()
        }

        @Test("a deflated data set that swells beyond its bounds is refused [ROBUST-1]")
        func deflateBomb() throws {
            let (node, slice, witness) = try prepared()
            // 4 GiB of zeros in 4 MB: one deflated block again and again, behind the head of a sound data set.
            let script = """
                import sys, zlib
                head, block = open(sys.argv[1], "rb").read(), bytes(16 << 20)
                deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
                out = deflate.compress(head) + deflate.flush(zlib.Z_FULL_FLUSH)
                part = deflate.compress(block) + deflate.flush(zlib.Z_FULL_FLUSH)
                open(sys.argv[2], "wb").write(out + part * 256)
                """
            let directory = try TemporaryDirectory()
            let place = try #require(slice.place(of: 0x10, 0x10))
            let head = slice.bytes[..<place.start] + RawDataSet.element(9, 0x10, "OB", [], length: 0xFFFF_FFF0)
            try Data(head).write(to: URL(fileURLWithPath: directory.file("head")))
            let made = try Tool.run(
                "/usr/bin/python3", ["-c", script, directory.file("head"), directory.file("bomb")])
            #expect(made.status == 0, "\(made.output)")
            let bomb = [UInt8](try Data(contentsOf: URL(fileURLWithPath: directory.file("bomb"))))
            let answer = try RawStore(
                instance: slice.value(8, 0x18), transferSyntax: RawStore.deflated, dataSet: bomb
            ).send(to: node)
            #expect(answer == Self.notUnderstood)
            #expect(
                node.output.contains("the deflated data set swells beyond its limit"), "\(node.output.suffix(1000))")
            try witness.expectUnharmed()
        }
    }
}

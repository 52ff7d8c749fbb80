// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

extension EndToEnd {
    /// Instances that can be stored and not analysed: they are kept, and the worklist says why there is no result.
    @Suite("Unusable images", .serialized, .sharedNode()) struct UnusableImageTests {
        struct Fault: Sendable, CustomTestStringConvertible {
            var testDescription: String
            var isMultiFrame = false
            /// Given each file of a sound study.
            var spoil: @Sendable (String) throws -> Void
        }

        private static func raw(_ name: String, _ change: @escaping @Sendable (RawDataSet) -> RawDataSet) -> Fault {
            Fault(testDescription: name) { path in try change(RawDataSet(file: path)).write(to: path, headOf: path) }
        }

        private static func modified(_ name: String, multiFrame: Bool = false, _ arguments: [String]) -> Fault {
            Fault(testDescription: name, isMultiFrame: multiFrame) { path in
                let made = try Tool.run("/usr/bin/dcmodify", ["-nb"] + arguments + [path])
                guard made.status == 0 else { throw ToolError(made.output) }
            }
        }

        private static func short(_ value: UInt16) -> [UInt8] { PDUBytes.little16(value) }

        @Test(
            "images that cannot be decoded are stored, end without a result and with a reason, and harm nobody [ROBUST-3]",
            arguments: [
                raw("empty Pixel Data") { $0.replacing(0x7FE0, 0x10, "OW", []) },
                modified("no Pixel Data", ["-ea", "PixelData"]),
                raw("half of the Pixel Data") {
                    $0.replacing(0x7FE0, 0x10, "OW", Array($0.value(0x7FE0, 0x10).prefix(16_384)))
                },
                raw("65,535 rows and columns") {
                    $0.replacing(0x28, 0x10, "US", short(65_535)).replacing(0x28, 0x11, "US", short(65_535))
                },
                raw("32,769 rows of 65,535: more than 32 bits can count") {
                    $0.replacing(0x28, 0x10, "US", short(32_769)).replacing(0x28, 0x11, "US", short(65_535))
                },
                raw("rows of four bytes") { $0.replacing(0x28, 0x10, "UL", [128, 0, 0, 0x80]) },
                raw("columns of four bytes") { $0.replacing(0x28, 0x11, "UL", [128, 0, 1, 0]) },
                raw("a palette that is not there") { $0.replacing(0x28, 4, "CS", Array("PALETTE COLOR".utf8)) },
                raw("no rows") { $0.replacing(0x28, 0x10, "US", short(0)) },
                raw("7 bits allocated") { $0.replacing(0x28, 0x100, "US", short(7)) },
                raw("65,535 samples per pixel") { $0.replacing(0x28, 2, "US", short(65_535)) },
                raw("Rescale Slope is no number") { $0.replacing(0x28, 0x1053, "DS", Array("steep ".utf8)) },
                raw("Pixel Spacing of zero") { $0.replacing(0x28, 0x30, "DS", Array("0\\0 ".utf8)) },
                raw("positions beyond all numbers") {
                    $0.replacing(0x20, 0x32, "DS", Array("1e308\\1e308\\1e308".utf8))
                },
                raw("an orientation of zeros") { $0.replacing(0x20, 0x37, "DS", Array("0\\0\\0\\0\\0\\0 ".utf8)) },
                modified(
                    "65,535 frames and no Pixel Data", multiFrame: true,
                    ["-m", "NumberOfFrames=65535", "-ea", "PixelData"]),
                modified("65,535 frames of which 12 are there", multiFrame: true, ["-m", "NumberOfFrames=65535"]),
                modified(
                    "2,000 frames and no Pixel Data", multiFrame: true,
                    ["-m", "NumberOfFrames=2000", "-ea", "PixelData"]),
                modified("2,000 frames of which 12 are there", multiFrame: true, ["-m", "NumberOfFrames=2000"]),
                modified("2,147,483,648 frames", multiFrame: true, ["-m", "NumberOfFrames=2147483648"]),
                modified("a negative number of frames", multiFrame: true, ["-m", "NumberOfFrames=-1"]),
            ])
        func stored(fault: Fault) throws {
            let node = try SharedNode.node()
            let witness = try Witness(node)
            let study = try Fixtures.smallHead(
                ["--seed", "21", "--fresh-uids"] + (fault.isMultiFrame ? ["--multi-frame"] : []))
            for file in study.files { try fault.spoil(file) }
            try node.storeAll([study.directory.path])
            let item = try node.endedItem(study: study.studyInstanceUID)
            #expect(["notAnalysed", "outOfScope", "failed"].contains(item.state), "\(item)")
            #expect(!item.reason.isEmpty)
            #expect(item.findings.isEmpty)
            let lost = node.output.contains("worker lost")
            #expect(!lost, "\(node.output.suffix(2000))")
            for uid in study.sopInstanceUIDs { #expect(node.storedFiles()[uid]?.count == 1) }
            try witness.expectUnharmed(hasNewFiles: true)
        }
    }
}

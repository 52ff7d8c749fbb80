// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Small Part 10 files, written byte by byte.
package enum Part10Writer {
    /// A CT-like instance in Explicit VR Little Endian with `pixelBytes` of Pixel Data.
    package static func bytes(
        sopClassUID: String = PDUBytes.ctImageStorage, sopInstanceUID: String,
        transferSyntaxUID: String = PDUBytes.explicitLittleEndian, studyInstanceUID: String = "1.2.3.9",
        pixelBytes: Int
    ) -> (file: [UInt8], dataSet: [UInt8]) {
        let meta =
            element(2, 2, "UI", Array(sopClassUID.utf8)) + element(2, 3, "UI", Array(sopInstanceUID.utf8))
            + element(2, 0x10, "UI", Array(transferSyntaxUID.utf8)) + element(2, 0x12, "UI", Array("1.2.3.4".utf8))
        var dataSet =
            element(8, 0x16, "UI", Array(sopClassUID.utf8)) + element(8, 0x18, "UI", Array(sopInstanceUID.utf8))
            + element(8, 0x60, "CS", Array("CT".utf8)) + element(0x10, 0x20, "LO", Array("TEST".utf8))
            + element(0x20, 0xD, "UI", Array(studyInstanceUID.utf8))
            + element(0x20, 0xE, "UI", Array("\(studyInstanceUID).1".utf8))
        dataSet += PDUBytes.little16(0x7FE0) + PDUBytes.little16(0x10) + Array("OW".utf8) + [0, 0]
        dataSet += PDUBytes.little32(UInt32(pixelBytes))
        dataSet += (0..<pixelBytes).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        let file =
            [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
            + element(2, 0, "UL", PDUBytes.little32(UInt32(meta.count + 14))) + element(2, 1, "OB", [0, 1]) + meta
            + dataSet
        return (file, dataSet)
    }

    @discardableResult
    package static func write(
        to path: String, sopInstanceUID: String, studyInstanceUID: String = "1.2.3.9", pixelBytes: Int
    ) throws -> [UInt8] {
        let (file, dataSet) = bytes(
            sopInstanceUID: sopInstanceUID, studyInstanceUID: studyInstanceUID, pixelBytes: pixelBytes)
        try Data(file).write(to: URL(fileURLWithPath: path))
        return dataSet
    }

    private static func element(_ group: UInt16, _ number: UInt16, _ vr: String, _ value: [UInt8]) -> [UInt8] {
        var padded = value
        if padded.count & 1 == 1 { padded.append(vr == "UI" ? 0 : 0x20) }
        let head = PDUBytes.little16(group) + PDUBytes.little16(number) + Array(vr.utf8)
        return head
            + (vr == "OB" ? [0, 0] + PDUBytes.little32(UInt32(padded.count)) : PDUBytes.little16(UInt16(padded.count)))
            + padded
    }
}

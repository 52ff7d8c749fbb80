// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// C-FIND identifiers (PS3.7 9.1.2.1.1): a few short elements, coded here so that none reaches a recursive parser.
enum Identifier {
    static let sopInstanceUID = Tag(0x0008, 0x0018)
    static let queryRetrieveLevel = Tag(0x0008, 0x0052)
    static let studyInstanceUID = Tag(0x0020, 0x000D)
    static let seriesInstanceUID = Tag(0x0020, 0x000E)

    /// The elements must ascend. All are UI but the level, which is CS.
    static func encoded(_ elements: [(tag: Tag, value: String)], isExplicitVR: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for (tag, value) in elements {
            let isUID = tag != queryRetrieveLevel
            var padded = Array(value.utf8)
            if padded.count & 1 == 1 { padded.append(isUID ? 0 : 0x20) }
            for part in [tag.group, tag.element] { bytes += [UInt8(part & 0xFF), UInt8(part >> 8)] }
            let length = [UInt8(padded.count & 0xFF), UInt8(padded.count >> 8)]
            bytes += isExplicitVR ? Array((isUID ? "UI" : "CS").utf8) + length : length + [0, 0]
            bytes += padded
        }
        return bytes
    }

    /// The value of a top-level element; nil where it is absent, is no UID, or lies behind something that cannot be read.
    /// One flat loop: of a sequence only the delimiters are counted.
    static func uid(_ wanted: Tag, in bytes: [UInt8], isExplicitVR: Bool) -> UID? {
        var offset = 0
        var depth = 0
        func number(_ at: Int, _ count: Int) -> Int {
            (0..<count).reversed().reduce(0) { $0 << 8 | Int(bytes[at + $1]) }
        }
        while offset + 8 <= bytes.count {
            let tag = Tag(UInt16(number(offset, 2)), UInt16(number(offset + 2, 2)))
            // Items and delimiters have no VR (PS3.5 7.5).
            let hasVR = isExplicitVR && tag.group != 0xFFFE
            let isLong = hasVR && longForm.contains(number(offset + 4, 2))
            let header = isLong ? 12 : 8
            guard offset + header <= bytes.count else { return nil }
            let length = hasVR && !isLong ? number(offset + 6, 2) : number(offset + header - 4, 4)
            if depth == 0, tag > wanted, tag.group != 0xFFFE { return nil }
            offset += header
            switch (tag.group, tag.element) {
            case (0xFFFE, 0xE00D), (0xFFFE, 0xE0DD):
                depth -= 1
                guard depth >= 0 else { return nil }
            case _ where length == 0xFFFF_FFFF:
                depth += 1
            default:
                guard length <= bytes.count - offset else { return nil }
                if depth == 0, tag == wanted { return UID(bytes: bytes[offset..<(offset + length)]) }
                offset += length
            }
        }
        return nil
    }

    /// VRs with a length of four bytes (PS3.5 7.1.2), as little-endian numbers.
    private static let longForm = Set(
        ["OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV"].map { vr in
            Int(Array(vr.utf8)[0]) | Int(Array(vr.utf8)[1]) << 8
        })
}

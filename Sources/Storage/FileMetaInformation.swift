// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// What the node writes before a data set that it keeps (PS3.10 7.1), and reads back.
package struct FileMetaInformation: Sendable, Hashable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID
    package var transferSyntaxUID: UID
    /// The calling AE title of the association that the instance came over; nil where there was none.
    package var sourceAETitle: AETitle?

    package init(sopClassUID: UID, sopInstanceUID: UID, transferSyntaxUID: UID, sourceAETitle: AETitle?) {
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
        self.transferSyntaxUID = transferSyntaxUID
        self.sourceAETitle = sourceAETitle
    }

    /// Preamble, prefix and group 0002, always Explicit VR Little Endian (PS3.10 7.1). It ends with an empty seal.
    package var bytes: [UInt8] {
        var group: [UInt8] = []
        func put16(_ value: Int) { group += [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF)] }
        func element(_ number: Int, _ vr: StaticString, _ text: String, padding: UInt8) {
            var value = Array(text.utf8)
            if value.count % 2 == 1 { value.append(padding) }
            put16(2)
            put16(number)
            group += Array("\(vr)".utf8)
            put16(value.count)
            group += value
        }
        // File Meta Information Version, OB: a length of four bytes after two reserved ones.
        group += [0x02, 0, 0x01, 0, UInt8(ascii: "O"), UInt8(ascii: "B"), 0, 0, 2, 0, 0, 0, 0x00, 0x01]
        element(0x0002, "UI", sopClassUID.string, padding: 0)
        element(0x0003, "UI", sopInstanceUID.string, padding: 0)
        element(0x0010, "UI", transferSyntaxUID.string, padding: 0)
        element(0x0012, "UI", Implementation.classUID.string, padding: 0)
        element(0x0013, "SH", Implementation.versionName, padding: 0x20)
        if let sourceAETitle { element(0x0016, "AE", sourceAETitle.string, padding: 0x20) }
        // The standard's place for what only the writer understands.
        element(0x0100, "UI", Implementation.classUID.string, padding: 0)
        group += [0x02, 0, 0x02, 0x01, UInt8(ascii: "O"), UInt8(ascii: "B"), 0, 0, UInt8(Seal.length), 0, 0, 0]
        group += Seal.none.bytes
        var file = [UInt8](repeating: 0, count: 128) + Array("DICM".utf8)
        file += [0x02, 0, 0, 0, UInt8(ascii: "U"), UInt8(ascii: "L"), 4, 0]
        file += (0..<4).map { UInt8(truncatingIfNeeded: group.count >> (8 * $0)) }
        return file + group
    }

    /// Reads what stands before the data set in a Part 10 file, ours or another's. Nil where it is none.
    ///
    /// The seal is nil in files that this store did not write; it counts only where it ends what stands before the data set.
    ///
    /// - Parameter head: the beginning of the file; 4 KiB are enough for any sensible header.
    package static func parse(
        _ head: UnsafeRawBufferPointer
    ) -> (meta: FileMetaInformation, dataSetOffset: Int, seal: Seal?)? {
        guard head.count > 132, head[128..<132].elementsEqual("DICM".utf8) else { return nil }
        func u16(_ at: Int) -> Int { Int(head[at]) | Int(head[at + 1]) << 8 }
        func u32(_ at: Int) -> Int { u16(at) | u16(at + 2) << 16 }
        var offset = 132
        var values: [Int: ArraySlice<UInt8>] = [:]
        // Group Length may be wrong or missing in files of others: the group's elements are walked instead.
        while offset + 8 <= head.count, u16(offset) == 2 {
            let number = u16(offset + 2)
            let isLong = [[UInt8]]([Array("OB".utf8), Array("UN".utf8)]).contains([head[offset + 4], head[offset + 5]])
            guard !isLong || offset + 12 <= head.count else { return nil }
            let length = isLong ? u32(offset + 8) : u16(offset + 6)
            let start = offset + (isLong ? 12 : 8)
            guard length <= head.count - start else { return nil }
            values[number] = Array(head[start..<start + length])[...]
            offset = start + length
        }
        guard let sopClass = values[0x0002].flatMap({ UID(bytes: $0) }),
            let instance = values[0x0003].flatMap({ UID(bytes: $0) }),
            let syntax = values[0x0010].flatMap({ UID(bytes: $0) })
        else { return nil }
        let meta = FileMetaInformation(
            sopClassUID: sopClass, sopInstanceUID: instance, transferSyntaxUID: syntax,
            sourceAETitle: values[0x0016].flatMap { AETitle(bytes: $0) })
        let isOurs = values[0x0100].flatMap({ UID(bytes: $0) }) == Implementation.classUID
        let seal = values[0x0102].flatMap {
            isOurs && $0.elementsEqual(head[..<offset].suffix(Seal.length)) ? Seal(bytes: $0) : nil
        }
        return (meta, offset, seal)
    }
}

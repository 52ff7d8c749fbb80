// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Which fragments of encapsulated Pixel Data make which frame (PS3.5 A.4).
enum EncapsulatedFrames {
    /// Item numbers, the Basic Offset Table being 0; empty where Pixel Data is native.
    static func fragments(of image: ImageDescription, in item: Item) throws(VolumeRefusal) -> [Range<Int>] {
        guard case .encapsulated(let items) = image.layout else { return [] }
        if image.frames == 1 { return [1..<items] }
        if items - 1 == image.frames { return (1..<items).map { $0..<$0 + 1 } }
        let uid = image.sopInstanceUID
        let table: [UInt8]
        do { table = try item.pixelItem(0) } catch { throw .undecodable(uid, reason: error.text) }
        let lengths = (1..<items).map { item.pixelItemLength($0) }
        guard let ranges = ranges(table: table, fragmentLengths: lengths, frames: image.frames) else {
            throw .undecodable(uid, reason: "the Basic Offset Table does not tell which fragments make a frame")
        }
        return ranges
    }

    /// nil unless the table has one ascending offset a frame, each at the start of a fragment.
    static func ranges(table: [UInt8], fragmentLengths: [Int], frames: Int) -> [Range<Int>]? {
        guard table.count == frames * 4 else { return nil }
        var itemAtOffset: [Int: Int] = [:]
        var offset = 0
        for (index, length) in fragmentLengths.enumerated() {
            itemAtOffset[offset] = index + 1
            offset += 8 + length + length % 2
        }
        var starts: [Int] = []
        for frame in 0..<frames {
            let bytes = table[frame * 4..<frame * 4 + 4]
            let value = bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
            guard let item = itemAtOffset[value], item > (starts.last ?? 0) else { return nil }
            starts.append(item)
        }
        guard starts.first == 1 else { return nil }
        return zip(starts, starts.dropFirst() + [fragmentLengths.count + 1]).map { $0..<$1 }
    }
}

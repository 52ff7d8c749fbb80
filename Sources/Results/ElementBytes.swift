// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Elements as a data set of a little endian syntax holds them (PS3.5 7), with explicit lengths of sequences and items. For
/// what there are thousands of: a tree of DCMTK's objects takes ten times as long. The caller keeps the order of the tags.
struct ElementBytes {
    private(set) var bytes: [UInt8] = []
    private let isExplicit: Bool

    init(isExplicit: Bool = true) { self.isExplicit = isExplicit }

    /// For VRs of text with a 16-bit length.
    mutating func append(_ tag: Tag, _ vr: StaticString, _ text: String) {
        let isOdd = text.utf8.count % 2 == 1
        header(tag, vr, count: text.utf8.count + (isOdd ? 1 : 0))
        bytes.append(contentsOf: text.utf8)
        // PS3.5 6.2: UI is padded by NUL, other text by a space.
        if isOdd { bytes.append(vr.utf8Start[0] == UInt8(ascii: "U") ? 0 : 0x20) }
    }

    mutating func append(_ tag: Tag, _ uid: UID) { append(tag, "UI", uid.string) }

    mutating func append(_ tag: Tag, unsignedShort value: Int) {
        header(tag, "US", count: 2)
        append16(value)
    }

    mutating func append(_ tag: Tag, unsignedLongs values: [Int]) {
        header(tag, "UL", count: 4 * values.count)
        for value in values { append32(value) }
    }

    /// A sequence; `fill` appends its items.
    mutating func appendSequence(_ tag: Tag, _ fill: (inout ElementBytes) -> Void) {
        longHeader(tag, "SQ", count: 0)
        measure(fill)
    }

    mutating func appendItem(_ fill: (inout ElementBytes) -> Void) {
        append16(0xFFFE)
        append16(0xE000)
        append32(0)
        measure(fill)
    }

    /// A sequence of one item.
    mutating func append(_ tag: Tag, item fill: (inout ElementBytes) -> Void) {
        appendSequence(tag) { $0.appendItem(fill) }
    }

    /// Of at most 16 characters.
    mutating func append(_ tag: Tag, _ code: Code) {
        append(
            tag,
            item: { item in
                item.append(Attribute.codeValue, "SH", code.value)
                item.append(Attribute.codingSchemeDesignator, "SH", code.scheme)
                item.append(Attribute.codeMeaning, "LO", code.meaning)
            })
    }

    /// The header of an element whose value of that many bytes follows elsewhere.
    mutating func appendHeader(_ tag: Tag, _ vr: StaticString, count: Int) { longHeader(tag, vr, count: count) }

    private mutating func header(_ tag: Tag, _ vr: StaticString, count: Int) {
        guard isExplicit else { return longHeader(tag, vr, count: count) }
        append16(Int(tag.group))
        append16(Int(tag.element))
        bytes.append(vr.utf8Start[0])
        bytes.append(vr.utf8Start[1])
        append16(count)
    }

    private mutating func longHeader(_ tag: Tag, _ vr: StaticString, count: Int) {
        append16(Int(tag.group))
        append16(Int(tag.element))
        if isExplicit {
            bytes.append(vr.utf8Start[0])
            bytes.append(vr.utf8Start[1])
            append16(0)
        }
        append32(count)
    }

    /// Puts the length of what `fill` appends into the four bytes before it.
    private mutating func measure(_ fill: (inout ElementBytes) -> Void) {
        let start = bytes.count
        fill(&self)
        let count = bytes.count - start
        for index in 0..<4 { bytes[start - 4 + index] = UInt8(truncatingIfNeeded: count >> (8 * index)) }
    }

    private mutating func append16(_ value: Int) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }

    private mutating func append32(_ value: Int) {
        append16(value)
        append16(value >> 16)
    }
}

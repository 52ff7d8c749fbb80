// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension AttributeList {
    package struct Malformation: Error, Hashable, Sendable, CustomStringConvertible {
        package var reason: String
        /// Bytes from the beginning.
        package var offset: Int
        package var description: String { "\(reason) at byte \(offset)" }
    }

    /// Elements, items and sequences together.
    private static let maximumElements = 100_000

    /// What encloses the bytes that come next.
    private struct Level {
        enum Kind {
            case list
            case sequence(Tag, vr: String)
        }
        var kind: Kind
        var encoding: DataSetEncoding
        /// Where it ends; its parent's where its own length is undefined.
        var end: Int
        var isUndefined: Bool
        var elements: [Element] = []
        var items: [AttributeList] = []

        var place: (kind: Kind, encoding: DataSetEncoding, end: Int, isUndefined: Bool) {
            (kind, encoding, end, isUndefined)
        }
    }

    /// Reads a whole data set in one loop, every length checked against what holds it.
    ///
    /// - Parameter transferSyntax: one of the three native ones.
    package init(decoding bytes: [UInt8], transferSyntax: UID) throws(Malformation) {
        let traits = SyntaxTraits(transferSyntax)
        guard let encoding = traits.encoding, !traits.isDeflated, !traits.isEncapsulated else {
            throw Malformation(reason: "transfer syntax \(transferSyntax) is not for identifiers", offset: 0)
        }
        var levels = [Level(kind: .list, encoding: encoding, end: bytes.count, isUndefined: false)]
        var offset = 0
        var count = 0
        func fail(_ reason: String) -> Malformation { Malformation(reason: reason, offset: offset) }
        func close() throws(Malformation) {
            let ended = levels.removeLast()
            switch ended.kind {
            case .list:
                levels[levels.count - 1].items.append(AttributeList(elements: ended.elements))
            case .sequence(let tag, let vr):
                levels[levels.count - 1].elements.append(Element(tag: tag, vr: vr, value: .items(ended.items)))
            }
        }
        while true {
            while levels.count > 1, !levels[levels.count - 1].isUndefined, offset == levels[levels.count - 1].end {
                try close()
            }
            // Fields, not the level: a second reference to its elements would copy them with each append.
            let level = levels[levels.count - 1].place
            if offset == level.end {
                guard levels.count == 1 else { throw fail("the data set ends within a sequence") }
                break
            }
            guard level.end - offset >= 8 else { throw fail("an element is cut off") }
            count += 1
            guard count <= Self.maximumElements else { throw fail("more than \(Self.maximumElements) elements") }
            let (tag, vr, header, length) = try Self.header(in: bytes, at: offset, before: level.end, level.encoding)
            let isUndefined = length == DataSetScan.undefinedLength
            let end = isUndefined ? level.end : offset + header + Int(length)
            guard end <= level.end else { throw fail("\(tag) reaches beyond what holds it") }
            offset += header
            switch (level.kind, tag.group, tag.element) {
            case (.sequence, 0xFFFE, 0xE000):
                levels.append(Level(kind: .list, encoding: level.encoding, end: end, isUndefined: isUndefined))
            case (.sequence, 0xFFFE, 0xE0DD) where level.isUndefined, (.list, 0xFFFE, 0xE00D) where level.isUndefined:
                try close()
            case (.sequence, _, _), (_, 0xFFFE, _): throw fail("\(tag) does not belong here")
            case (_, 0x0000, _), (_, 0x0002, _): throw fail("\(tag) does not belong in a data set")
            case (.list, _, _) where Self.isSequence(tag, vr, isUndefined):
                guard levels.count < 2 * Self.maximumDepth else {
                    throw fail("sequences nested more than \(Self.maximumDepth) deep")
                }
                // PS3.5 6.2.2 Note 4: UN of undefined length holds Implicit VR Little Endian.
                let inner = vr == "UN" ? DataSetEncoding.implicitLittle : level.encoding
                levels.append(
                    Level(kind: .sequence(tag, vr: "SQ"), encoding: inner, end: end, isUndefined: isUndefined))
            case (.list, _, _):
                guard !isUndefined else { throw fail("\(tag) has an undefined length") }
                levels[levels.count - 1].elements.append(
                    Element(tag: tag, vr: vr, value: .bytes(Array(bytes[offset..<end]))))
                offset = end
            }
        }
        self.init(elements: levels[0].elements)
        for (a, b) in zip(elements, elements.dropFirst()) where a.tag == b.tag {
            throw Malformation(reason: "\(a.tag) is there twice", offset: 0)
        }
    }

    private static func isSequence(_ tag: Tag, _ vr: String, _ isUndefined: Bool) -> Bool {
        if vr == "SQ" { return true }
        if vr.isEmpty || vr == "UN" {
            return isUndefined || (vr.isEmpty && SequenceTags.contains(UInt32(tag.group) << 16 | UInt32(tag.element)))
        }
        return false
    }

    private static func header(
        in bytes: [UInt8], at offset: Int, before end: Int, _ encoding: DataSetEncoding
    ) throws(Malformation) -> (tag: Tag, vr: String, size: Int, length: UInt32) {
        let result: (Tag, String, Int, UInt32)? = bytes.withUnsafeBytes { buffer in
            guard let base = buffer.baseAddress.map({ $0 + offset }) else { return nil }
            let number = encoding.tag(base)
            let tag = Tag(UInt16(number >> 16), UInt16(number & 0xFFFF))
            if encoding == .implicitLittle || tag.group == 0xFFFE { return (tag, "", 8, encoding.length(base + 4)) }
            let name = VRForm.name(base + 4)
            let vr = String(decoding: [UInt8(name >> 8), UInt8(name & 0xFF)], as: UTF8.self)
            if VRForm(name) == .short { return (tag, vr, 8, UInt32(encoding.shortLength(base + 6))) }
            guard offset + 12 <= end else { return nil }
            return (tag, vr, 12, encoding.length(base + 8))
        }
        guard let result else { throw Malformation(reason: "an element is cut off", offset: offset) }
        return result
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A data set that is small enough to hold, or an item of one: an identifier, or the data set of a DIMSE-N message.
/// Elements ascend. It is read and written without recursion over the bytes, and nests at most `maximumDepth` deep.
package struct AttributeList: Hashable, Sendable {
    package enum Value: Hashable, Sendable {
        /// As encoded, padding included; in little-endian order where it is binary.
        case bytes([UInt8])
        case items([AttributeList])
    }

    package struct Element: Hashable, Sendable {
        package var tag: Tag
        /// Two letters; empty where Implicit VR did not tell.
        package var vr: String
        package var value: Value
    }

    package static let maximumDepth = 8

    package private(set) var elements: [Element]

    package init(elements: [Element] = []) { self.elements = elements.sorted { $0.tag < $1.tag } }

    package subscript(tag: Tag) -> Element? { elements.first { $0.tag == tag } }

    // MARK: reading values

    /// Empty where the attribute is absent, empty, or no sequence.
    package func items(_ tag: Tag) -> [AttributeList] {
        if case .items(let items)? = self[tag]?.value { items } else { [] }
    }

    package func bytes(_ tag: Tag) -> [UInt8]? {
        if case .bytes(let bytes)? = self[tag]?.value { bytes } else { nil }
    }

    /// Nil where it is absent, empty or no UID.
    package func uid(_ tag: Tag) -> UID? { bytes(tag).flatMap { UID(bytes: $0) } }

    /// US; nil where it is absent or not one number.
    package func unsignedShort(_ tag: Tag) -> UInt16? {
        guard let bytes = bytes(tag), bytes.count == 2 else { return nil }
        return UInt16(bytes[0]) | UInt16(bytes[1]) << 8
    }

    /// The values of UI; what is no UID is left out.
    package func uids(_ tag: Tag) -> [UID] {
        (bytes(tag) ?? []).split(separator: UInt8(ascii: "\\")).compactMap { UID(bytes: $0) }
    }

    /// The first value of CS, DA, TM, IS and others of the default repertoire, without padding; nil where absent or empty.
    package func string(_ tag: Tag) -> String? {
        guard let bytes = bytes(tag) else { return nil }
        let first = bytes.prefix { $0 != UInt8(ascii: "\\") }
        let text = String(decoding: first.filter { (0x20...0x7E).contains($0) }, as: UTF8.self)
        let trimmed = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        return trimmed.isEmpty ? nil : String(trimmed)
    }

    /// (0008,0005) of this list. Items inherit that of what holds them (PS3.3 C.12.1.1.2); the caller passes it on.
    package var specificCharacterSet: SpecificCharacterSet? {
        guard let bytes = bytes(Tag(0x0008, 0x0005)) else { return nil }
        let terms = bytes.split(separator: UInt8(ascii: "\\"), omittingEmptySubsequences: false).map {
            String(String(decoding: $0, as: UTF8.self).filter { $0 != "\0" }.drop { $0 == " " })
        }
        return SpecificCharacterSet(terms: terms.map { $0.split(separator: " ").joined(separator: " ") })
    }

    // MARK: making one

    package mutating func set(_ tag: Tag, _ vr: String, bytes: [UInt8]) {
        put(Element(tag: tag, vr: vr, value: .bytes(bytes)))
    }

    /// Text as bytes of the default repertoire or ISO_IR 192, padded to even length: UIDs with NUL, others with a space.
    package mutating func set(_ tag: Tag, _ vr: String, _ text: String) {
        var bytes = Array(text.utf8)
        if bytes.count & 1 == 1 { bytes.append(vr == "UI" ? 0 : 0x20) }
        set(tag, vr, bytes: bytes)
    }

    package mutating func set(_ tag: Tag, _ uid: UID) { set(tag, "UI", uid.string) }

    package mutating func set(_ tag: Tag, items: [AttributeList]) {
        put(Element(tag: tag, vr: "SQ", value: .items(items)))
    }

    /// US.
    package mutating func set(_ tag: Tag, _ number: UInt16) {
        set(tag, "US", bytes: [UInt8(number & 0xFF), UInt8(number >> 8)])
    }

    private mutating func put(_ element: Element) {
        if let index = elements.firstIndex(where: { $0.tag >= element.tag }) {
            if elements[index].tag == element.tag {
                elements[index] = element
            } else {
                elements.insert(element, at: index)
            }
        } else {
            elements.append(element)
        }
    }

    /// In Explicit or Implicit VR Little Endian, sequences and items with their lengths.
    package func encoded(isExplicitVR: Bool) -> [UInt8] {
        var bytes: [UInt8] = []
        for element in elements {
            let value: [UInt8]
            switch element.value {
            case .bytes(let stored): value = stored
            case .items(let items):
                value = items.flatMap { item in
                    let body = item.encoded(isExplicitVR: isExplicitVR)
                    return [0xFE, 0xFF, 0x00, 0xE0] + Self.number(body.count, 4) + body
                }
            }
            for part in [element.tag.group, element.tag.element] { bytes += Self.number(Int(part), 2) }
            if isExplicitVR {
                let vr = element.vr.isEmpty ? "UN" : element.vr
                bytes += Array(vr.utf8)
                let isShort = VRForm(VRForm.name(Array(vr.utf8))) == .short
                bytes += isShort ? Self.number(value.count, 2) : [0, 0] + Self.number(value.count, 4)
            } else {
                bytes += Self.number(value.count, 4)
            }
            bytes += value
        }
        return bytes
    }

    private static func number(_ value: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
}

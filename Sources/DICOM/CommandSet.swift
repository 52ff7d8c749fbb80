// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A DIMSE command set: elements of group 0000, Implicit VR Little Endian (PS3.7 6.3.1).
///
/// Decoding is one flat loop over at most 64 KiB: no element of a command set is a sequence, so an undefined length, a
/// delimiter or another group is an error and nothing is ever nested. An odd length is tolerated: old modalities do not pad
/// their UIDs, and nothing is ambiguous about it.
package struct CommandSet: Equatable, Sendable {
    package static let maximumLength = 65_536
    /// Command Data Set Type (0000,0800) for "no data set".
    private static let noDataSet: UInt16 = 0x0101

    package enum Malformation: Error, Equatable, Sendable, CustomStringConvertible {
        case tooLong(Int)
        case truncated(offset: Int)
        case notACommandElement(offset: Int)
        case lengthBeyondEnd(element: UInt16)
        case notAscending(element: UInt16)
        case missing(element: UInt16)
        case badValue(element: UInt16)

        package var description: String {
            func tag(_ element: UInt16) -> String { Tag(0, element).description }
            return switch self {
            case .tooLong(let length): "command set of \(length) bytes, more than \(CommandSet.maximumLength)"
            case .truncated(let offset): "command set ends within an element at byte \(offset)"
            case .notACommandElement(let offset): "element outside group 0000 at byte \(offset)"
            case .lengthBeyondEnd(let element): "length of \(tag(element)) reaches beyond the command set"
            case .notAscending(let element): "\(tag(element)) repeated or out of order"
            case .missing(let element): "\(tag(element)) missing"
            case .badValue(let element): "value of \(tag(element)) is not what its VR allows"
            }
        }
    }

    /// Ascending by element number; values padded to even length. Without the group length.
    private var elements: [(element: UInt16, value: [UInt8])] = []

    package init() {}

    package init(decoding bytes: UnsafeRawBufferPointer) throws(Malformation) {
        guard bytes.count <= Self.maximumLength else { throw .tooLong(bytes.count) }
        var offset = 0
        var last: UInt16?
        while offset < bytes.count {
            guard bytes.count - offset >= 8 else { throw .truncated(offset: offset) }
            let group = UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8
            let element = UInt16(bytes[offset + 2]) | UInt16(bytes[offset + 3]) << 8
            let length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
            guard group == 0 else { throw .notACommandElement(offset: offset) }
            if let last, element <= last { throw .notAscending(element: element) }
            // Also what catches 0xFFFFFFFF, the undefined length of a sequence.
            guard Int(length) <= bytes.count - offset - 8 else { throw .lengthBeyondEnd(element: element) }
            let start = offset + 8
            if element != 0 { elements.append((element, Array(bytes[start..<start + Int(length)]))) }
            last = element
            offset = start + Int(length)
        }
    }

    package init(decoding bytes: [UInt8]) throws(Malformation) {
        self = try bytes.withUnsafeBytes { buffer in
            Result { () throws(Malformation) in try CommandSet(decoding: buffer) }
        }.get()
    }

    package static func == (a: CommandSet, b: CommandSet) -> Bool {
        a.elements.count == b.elements.count
            && zip(a.elements, b.elements).allSatisfy { $0.element == $1.element && $0.value == $1.value }
    }

    /// With the group length (0000,0000) that PS3.7 6.3.1 demands.
    package func encoded() -> [UInt8] {
        var body: [UInt8] = []
        for (element, value) in elements { Self.append(element, value, to: &body) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(body.count + 12)
        Self.append(0, Self.littleEndian(UInt32(body.count)), to: &bytes)
        return bytes + body
    }

    private static func append(_ element: UInt16, _ value: [UInt8], to bytes: inout [UInt8]) {
        bytes += [0, 0, UInt8(element & 0xFF), UInt8(element >> 8)]
        bytes += littleEndian(UInt32(value.count))
        bytes += value
    }

    private static func littleEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value >> 16 & 0xFF), UInt8(value >> 24)]
    }

    // MARK: values

    package func bytes(_ element: UInt16) -> [UInt8]? { elements.first { $0.element == element }?.value }

    /// Nil where absent or empty.
    package func unsignedShort(_ element: UInt16) throws(Malformation) -> UInt16? {
        guard let value = bytes(element), !value.isEmpty else { return nil }
        guard value.count == 2 else { throw .badValue(element: element) }
        return UInt16(value[0]) | UInt16(value[1]) << 8
    }

    package func uid(_ element: UInt16) throws(Malformation) -> UID? {
        guard let value = bytes(element), !value.isEmpty else { return nil }
        guard let uid = UID(bytes: value) else { throw .badValue(element: element) }
        return uid
    }

    package mutating func set(_ element: UInt16, bytes value: [UInt8]) {
        let padded = value.count & 1 == 0 ? value : value + [0]
        if let index = elements.firstIndex(where: { $0.element >= element }) {
            if elements[index].element == element {
                elements[index].value = padded
            } else {
                elements.insert((element, padded), at: index)
            }
        } else {
            elements.append((element, padded))
        }
    }

    package mutating func set(_ element: UInt16, _ value: UInt16) {
        set(element, bytes: [UInt8(value & 0xFF), UInt8(value >> 8)])
    }

    package mutating func set(_ element: UInt16, _ uid: UID) { set(element, bytes: Array(uid.string.utf8)) }

    /// LO or AE text: padded with a space.
    package mutating func set(_ element: UInt16, _ text: String) {
        let value = Array(text.utf8)
        set(element, bytes: value.count & 1 == 0 ? value : value + [0x20])
    }

    // MARK: the elements that every message has (PS3.7 E.1)

    package func field() throws(Malformation) -> CommandField {
        guard let value = try unsignedShort(0x0100) else { throw .missing(element: 0x0100) }
        return CommandField(rawValue: value)
    }

    package func hasDataSet() throws(Malformation) -> Bool {
        guard let value = try unsignedShort(0x0800) else { throw .missing(element: 0x0800) }
        return value != Self.noDataSet
    }

    package func messageID() throws(Malformation) -> UInt16 {
        guard let value = try unsignedShort(0x0110) else { throw .missing(element: 0x0110) }
        return value
    }

    package func messageIDBeingRespondedTo() throws(Malformation) -> UInt16 {
        guard let value = try unsignedShort(0x0120) else { throw .missing(element: 0x0120) }
        return value
    }

    package func status() throws(Malformation) -> Status {
        guard let value = try unsignedShort(0x0900) else { throw .missing(element: 0x0900) }
        return Status(rawValue: value)
    }

    package func affectedSOPClassUID() throws(Malformation) -> UID? { try uid(0x0002) }
    package func affectedSOPInstanceUID() throws(Malformation) -> UID? { try uid(0x1000) }

    /// Error Comment (0000,0902): printable ASCII of at most 64 characters, whatever the peer sent.
    package var errorComment: String? {
        guard let value = bytes(0x0902) else { return nil }
        let text = String(decoding: value.prefix(64).filter { (0x20...0x7E).contains($0) }, as: UTF8.self)
        let trimmed = text.split(separator: " ").joined(separator: " ")
        return trimmed.isEmpty ? nil : trimmed
    }

    package static func request(
        _ field: CommandField, messageID: UInt16, affectedSOPClassUID: UID, hasDataSet: Bool
    ) -> CommandSet {
        var command = CommandSet()
        command.set(0x0002, affectedSOPClassUID)
        command.set(0x0100, field.rawValue)
        command.set(0x0110, messageID)
        command.set(0x0800, hasDataSet ? 0x0001 : noDataSet)
        return command
    }

    /// The response to `request`. Its UIDs are repeated where they are UIDs.
    package static func response(
        to request: CommandSet, status: Status, errorComment: String? = nil, hasDataSet: Bool = false
    ) throws(Malformation) -> CommandSet {
        var command = CommandSet()
        // N-SET, N-GET, N-ACTION and N-DELETE name them as requested ones (PS3.7 10.3).
        let sopClass = UID(bytes: request.bytes(0x0002) ?? []) ?? UID(bytes: request.bytes(0x0003) ?? [])
        let instance = UID(bytes: request.bytes(0x1000) ?? []) ?? UID(bytes: request.bytes(0x1001) ?? [])
        if let sopClass { command.set(0x0002, sopClass) }
        command.set(0x0100, try request.field().response.rawValue)
        command.set(0x0120, try request.messageID())
        command.set(0x0800, hasDataSet ? 0x0001 : noDataSet)
        command.set(0x0900, status.rawValue)
        if let errorComment {
            command.set(
                0x0902,
                String(decoding: errorComment.utf8.filter { (0x20...0x7E).contains($0) }.prefix(64), as: UTF8.self))
        }
        if let instance { command.set(0x1000, instance) }
        return command
    }
}

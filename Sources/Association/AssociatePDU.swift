// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The variable items of A-ASSOCIATE-RQ and -AC (PS3.8 9.3.2 and 9.3.3), read with every length checked against what holds it.
enum AssociatePDU {
    static let requestType: UInt8 = 0x01
    static let acceptType: UInt8 = 0x02
    /// DUL's own limit too. 128 contexts of 64 transfer syntaxes take a quarter of it.
    static let maximumLength = 0x10_0000
    static let maximumContexts = 128
    static let applicationContextName = UID(literal: "1.2.840.10008.3.1.1.1")

    struct Malformation: Error, Equatable {
        var reason: String
    }

    struct Item {
        var type: UInt8
        var body: ArraySlice<UInt8>
    }

    /// Items of type (1), reserved (1), length (2), which fill the slice exactly.
    static func items(of bytes: ArraySlice<UInt8>, in place: StaticString) throws(Malformation) -> [Item] {
        var items: [Item] = []
        var rest = bytes
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw Malformation(reason: "an item of \(place) is cut off") }
            let start = rest.startIndex
            let length = Int(rest[start + 2]) << 8 | Int(rest[start + 3])
            guard length <= rest.count - 4 else {
                throw Malformation(reason: "an item of \(place) is longer than what holds it")
            }
            items.append(Item(type: rest[start], body: rest[(start + 4)..<(start + 4 + length)]))
            rest = rest[(start + 4 + length)...]
        }
        return items
    }

    /// At most 64 bytes, for DUL's buffers hold no more; nil where they are no UID.
    static func uid(_ item: Item) throws(Malformation) -> UID? {
        guard item.body.count <= 64 else { throw Malformation(reason: "a UID has \(item.body.count) bytes") }
        return UID(bytes: item.body)
    }

    /// The one item of a type.
    static func only(_ type: UInt8, of items: [Item], _ name: StaticString) throws(Malformation) -> Item {
        var found: Item?
        for item in items where item.type == type {
            guard found == nil else { throw Malformation(reason: "more than one \(name)") }
            found = item
        }
        guard let found else { throw Malformation(reason: "no \(name)") }
        return found
    }

    /// PS3.7 D.3.3.4: UID length (2), UID, two roles. Nil where the UID is none.
    static func roleSelection(_ item: Item) throws(Malformation) -> (UID, RoleSelection)? {
        let length = item.body.prefix(2).reduce(0) { $0 << 8 | Int($1) }
        guard item.body.count >= 4, length <= item.body.count - 4, length <= 64 else {
            throw Malformation(reason: "a role selection's lengths do not fit")
        }
        let rest = item.body.dropFirst(2)
        let roles = Array(rest.dropFirst(length).prefix(2))
        return UID(bytes: rest.prefix(length)).map { ($0, RoleSelection(isSCU: roles[0] == 1, isSCP: roles[1] == 1)) }
    }

    // MARK: writing

    static func roleSelections(_ roles: [UID: RoleSelection]) -> [UInt8] {
        roles.sorted { $0.key.string < $1.key.string }.flatMap { uid, role in
            let name = Array(uid.string.utf8)
            return item(0x54, [0, UInt8(name.count)] + name + [role.isSCU ? 1 : 0, role.isSCP ? 1 : 0])
        }
    }

    static func item(_ type: UInt8, _ body: [UInt8]) -> [UInt8] {
        [type, 0, UInt8(body.count >> 8), UInt8(body.count & 0xFF)] + body
    }

    static func item(_ type: UInt8, _ uid: UID) -> [UInt8] { item(type, Array(uid.string.utf8)) }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    static func pdu(_ type: UInt8, _ body: [UInt8]) -> [UInt8] { [type, 0] + bigEndian(UInt32(body.count)) + body }

    static func rejection(_ rejection: Rejection) -> [UInt8] {
        pdu(0x03, [0, rejection.result, rejection.source, rejection.reason])
    }

    /// PS3.8 9.3.8.
    static func abort(source: UInt8, reason: UInt8) -> [UInt8] { pdu(0x07, [0, 0, source, reason]) }
}

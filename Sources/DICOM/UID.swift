// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A unique identifier that is safe in a file name and in SQL: 1 to 64 digits and dots, no empty component.
///
/// PS3.5 9.1 forbids leading zeros in a component too; scanners in the field send them, so they are tolerated.
package struct UID: Hashable, Sendable, CustomStringConvertible {
    package let string: String

    /// Trailing NUL and space padding is dropped; anything else that is not a UID gives nil.
    package init?(_ string: some StringProtocol) {
        self.init(bytes: string.utf8)
    }

    package init?(bytes: some Collection<UInt8>) {
        var count = 0
        var previous = UInt8(ascii: ".")
        var end = bytes.endIndex
        while end > bytes.startIndex {
            let before = bytes.index(end, offsetBy: -1)
            guard bytes[before] == 0 || bytes[before] == 0x20 else { break }
            end = before
        }
        for byte in bytes[..<end] {
            count += 1
            guard count <= 64 else { return nil }
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): break
            case UInt8(ascii: "."): if previous == UInt8(ascii: ".") { return nil }
            default: return nil
            }
            previous = byte
        }
        guard count > 0, previous != UInt8(ascii: ".") else { return nil }
        string = String(decoding: bytes[..<end], as: UTF8.self)
    }

    /// A UID known when the program was written.
    package init(literal: StaticString) {
        guard let uid = UID("\(literal)") else { preconditionFailure("not a UID: \(literal)") }
        self = uid
    }

    /// One that nobody else has: `2.25.` and the decimal value of a random UUID (PS3.5 B.2; RFC 9562 5.4).
    package static func unique() -> UID {
        var value = UInt128.random(in: 0 ... .max)
        value = value & ~(UInt128(0xF) << 76) | UInt128(4) << 76
        value = value & ~(UInt128(0b11) << 62) | UInt128(0b10) << 62
        guard let uid = UID("2.25.\(value)") else { preconditionFailure("39 digits at most") }
        return uid
    }

    package var description: String { string }
}

extension UID: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let uid = UID(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a UID")
        }
        self = uid
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(string)
    }
}

extension UID: Comparable {
    package static func < (a: UID, b: UID) -> Bool { a.string < b.string }
}

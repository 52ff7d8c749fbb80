// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// An application entity title: 1 to 16 printable ASCII characters without backslash, padding not significant (PS3.5 6.2, AE).
package struct AETitle: Hashable, Sendable, CustomStringConvertible {
    package let string: String

    package init?(_ string: some StringProtocol) {
        self.init(bytes: Array(string.utf8))
    }

    /// Leading and trailing spaces and trailing NULs are padding (PS3.8 9.3.2).
    package init?(bytes: some Collection<UInt8>) {
        var trimmed = Array(bytes)[...]
        while let last = trimmed.last, last == 0x20 || last == 0 { trimmed.removeLast() }
        while trimmed.first == 0x20 { trimmed.removeFirst() }
        guard (1...16).contains(trimmed.count),
            trimmed.allSatisfy({ (0x20...0x7E).contains($0) && $0 != UInt8(ascii: "\\") })
        else { return nil }
        string = String(decoding: trimmed, as: UTF8.self)
    }

    package init(literal: StaticString) {
        guard let title = AETitle("\(literal)") else { preconditionFailure("not an AE title: \(literal)") }
        self = title
    }

    package var description: String { string }
}

extension AETitle: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let title = AETitle(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(
                in: container, debugDescription: "an AE title has 1 to 16 printable characters and no backslash")
        }
        self = title
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(string)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

/// Importers: what upstream says about a model, turned into a package.
/// Takes a MONAI bundle, an nnU-Net folder or a SAM export; gives a manifest, and a report of every field that it met.
/// Keeps nothing. Never evaluates an expression, never loads a network, and never guesses: what it does not know by
/// name it refuses, with the field.

/// A value of a JSON or YAML file.
package indirect enum ConfigValue: Sendable, Equatable {
    case null
    case boolean(Bool)
    case number(Double)
    case text(String)
    case list([ConfigValue])
    /// In the order of the file.
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var key: String
        package var value: ConfigValue
    }

    package subscript(key: String) -> ConfigValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.key == key }?.value
    }

    package var members: [Member] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    package var text: String? {
        guard case .text(let text) = self else { return nil }
        return text
    }

    package var number: Double? {
        guard case .number(let number) = self, number.isFinite else { return nil }
        return number
    }

    package var integer: Int? { number.flatMap { Int(exactly: $0) } }

    package var boolean: Bool? {
        guard case .boolean(let boolean) = self else { return nil }
        return boolean
    }

    package var list: [ConfigValue]? {
        guard case .list(let items) = self else { return nil }
        return items
    }

    /// A list of numbers, or nil.
    package var numbers: [Double]? {
        guard let list else { return nil }
        let numbers = list.compactMap(\.number)
        return numbers.count == list.count ? numbers : nil
    }
}

extension ConfigValue: CustomStringConvertible {
    /// As JSON on one line; numbers that are whole without a point.
    package var description: String {
        switch self {
        case .null: "null"
        case .boolean(let value): "\(value)"
        case .number(let value): Self.text(of: value)
        case .text(let value): Self.quoted(value)
        case .list(let items): "[" + items.map(\.description).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.map { Self.quoted($0.key) + ": " + $0.value.description }.joined(separator: ", ") + "}"
        }
    }

    package static func text(of number: Double) -> String {
        guard number.isFinite else { return number.isNaN ? ".nan" : number < 0 ? "-.inf" : ".inf" }
        if let whole = Int(exactly: number), abs(whole) < 1 << 53 { return String(whole) }
        return "\(number)"
    }

    /// A JSON string, which is a YAML one too.
    package static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\u{0}"..<"\u{20}", "\u{7F}"..."\u{9F}", "\u{2028}", "\u{2029}", "\u{FEFF}":
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}

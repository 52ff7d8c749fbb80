// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Yams

/// A description file of upstream, as bytes and as values.
package struct ConfigFile: Sendable {
    /// Path from the folder that is imported.
    package var name: String
    package var bytes: Data
    package var root: ConfigValue

    /// What a description file may hold. Real ones have some thousand values.
    static let maximumBytes = 16 << 20
    static let maximumDepth = 64
    static let maximumValues = 1_000_000

    /// nil if there is no such file.
    package static func read(_ name: String, in folder: String) throws(ImportError) -> ConfigFile? {
        let path = folder + "/" + name
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        let bytes: Data
        do {
            bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        } catch {
            throw .unreadable(file: path, reason: "cannot be read")
        }
        guard bytes.count <= maximumBytes, let text = String(data: bytes, encoding: .utf8) else {
            throw .unreadable(file: path, reason: "must be UTF-8 text of at most \(maximumBytes >> 20) MiB")
        }
        return ConfigFile(name: name, bytes: bytes, root: try parse(text, file: path))
    }

    /// JSON or YAML: YAML holds all of JSON but pairs of escaped surrogates.
    package static func parse(_ text: String, file: String) throws(ImportError) -> ConfigValue {
        guard depth(of: text) <= maximumDepth else {
            throw .unreadable(file: file, reason: "is nested deeper than \(maximumDepth)")
        }
        do {
            guard let node = try Yams.compose(yaml: joined(text)) else {
                throw ImportError.unreadable(file: file, reason: "is empty")
            }
            var left = maximumValues
            return try value(of: node, left: &left, file: file)
        } catch let error as ImportError {
            throw error
        } catch {
            let reason = "\(error)".split(separator: "\n").prefix(2).joined(separator: " ")
            throw .unreadable(file: file, reason: "is neither JSON nor YAML: \(reason)")
        }
    }

    /// YAML knows no pairs of surrogates, with which JSON writes what lies beyond 16 bits.
    private static func joined(_ text: String) -> String {
        guard text.contains("\\u") else { return text }
        return text.replacing(/\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})/) { match in
            guard let high = UInt32(match.1, radix: 16), let low = UInt32(match.2, radix: 16),
                let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
            else { return String(match.0) }
            return String(Character(scalar))
        }
    }

    /// The deepest nesting that brackets, indentation or dashes could make.
    private static func depth(of text: String) -> Int {
        var open = 0
        var deepest = 0
        var dashes = 0
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "["), UInt8(ascii: "{"): open += 1
            case UInt8(ascii: "]"), UInt8(ascii: "}"): open = max(0, open - 1)
            case UInt8(ascii: "\n"): dashes = 0
            case UInt8(ascii: "-"), UInt8(ascii: "?"): dashes += 1
            case UInt8(ascii: " "): break
            default: dashes = 0
            }
            deepest = max(deepest, open, dashes)
        }
        return deepest
    }

    private static func value(of node: Node, left: inout Int, file: String) throws(ImportError) -> ConfigValue {
        left -= 1
        guard left >= 0 else { throw .unreadable(file: file, reason: "holds more than \(maximumValues) values") }
        switch node {
        case .mapping(let mapping):
            var members: [ConfigValue.Member] = []
            for (key, item) in mapping {
                members.append(.init(key: key.string ?? "", value: try value(of: item, left: &left, file: file)))
            }
            return .object(members)
        case .sequence(let sequence):
            var items: [ConfigValue] = []
            for item in sequence { items.append(try value(of: item, left: &left, file: file)) }
            return .list(items)
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .text(scalar.string) }
            if node.null != nil { return .null }
            if let boolean = node.bool { return .boolean(boolean) }
            // Python writes what JSON has no word for as NaN, Infinity and -Infinity.
            switch scalar.string {
            case "NaN": return .number(.nan)
            case "Infinity": return .number(.infinity)
            case "-Infinity": return .number(-.infinity)
            default: return node.float.map(ConfigValue.number) ?? .text(scalar.string)
            }
        case .alias: throw .unreadable(file: file, reason: "has an alias that leads nowhere")
        }
    }
}

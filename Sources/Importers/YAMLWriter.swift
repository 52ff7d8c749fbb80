// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// YAML in the one form that manifests are written in: block mappings, and flow for what is short.
struct YAMLWriter {
    indirect enum Value {
        case word(String)
        case text(String)
        case number(Double)
        case boolean(Bool)
        /// On one line.
        case flow([Value])
        case flowMapping([(String, Value)])
        case mapping([(String, Value)])
        case sequence([Value])
    }

    static func write(_ entries: [(String, Value)]) -> String {
        var text = ""
        block(entries, indent: "", into: &text)
        return text
    }

    private static func block(_ entries: [(String, Value)], indent: String, into text: inout String) {
        for (position, (key, value)) in entries.enumerated() {
            // A blank line between the sections of a manifest.
            if indent.isEmpty, position > 0, isBlock(value) { text += "\n" }
            text += indent + scalar(key) + ":"
            item(value, indent: indent + "  ", into: &text)
        }
    }

    private static func isBlock(_ value: Value) -> Bool {
        switch value {
        case .mapping, .sequence: true
        default: false
        }
    }

    private static func item(_ value: Value, indent: String, into text: inout String) {
        switch value {
        case .mapping(let entries):
            text += "\n"
            block(entries, indent: indent, into: &text)
        case .sequence(let items):
            text += "\n"
            for entry in items {
                text += indent + "-"
                if case .mapping(let entries) = entry {
                    var inner = ""
                    block(entries, indent: indent + "  ", into: &inner)
                    text += " " + inner.dropFirst(indent.count + 2)
                } else {
                    item(entry, indent: indent + "  ", into: &text)
                }
            }
        default: text += " " + flow(value) + "\n"
        }
    }

    private static func flow(_ value: Value) -> String {
        switch value {
        case .word(let word): word
        case .text(let text): scalar(text)
        case .number(let number): ConfigValue.text(of: number)
        case .boolean(let flag): flag ? "true" : "false"
        case .flow(let items), .sequence(let items): "[" + items.map(flow).joined(separator: ", ") + "]"
        case .flowMapping(let entries), .mapping(let entries):
            "{" + entries.map { scalar($0.0) + ": " + flow($0.1) }.joined(separator: ", ") + "}"
        }
    }

    /// Plain where nothing else could be read into it, else in double quotes.
    private static func scalar(_ text: String) -> String {
        let reserved = ["true", "false", "yes", "no", "on", "off", "null", "y", "n", "none", "nan", "inf"]
        let isPlain =
            text.first.map { $0.isASCII && $0.isLetter } == true && !reserved.contains(text.lowercased())
            && text.last != " "
            && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || " _-./+".contains($0)) }
        return isPlain ? text : ConfigValue.quoted(text)
    }
}

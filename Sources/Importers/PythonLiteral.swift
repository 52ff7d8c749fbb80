// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// The literals of Python, which hold those of JSON: numbers, texts, True, False, None, lists, tuples and dictionaries.
/// Nothing is computed; what is no literal is nil.
package struct PythonLiteral {
    private let characters: [Character]
    private var position = 0
    private var depth = 0

    package static func parse(_ text: String) -> ConfigValue? {
        var reader = PythonLiteral(characters: Array(text))
        guard let value = reader.value() else { return nil }
        reader.skipSpace()
        return reader.position == reader.characters.count ? value : nil
    }

    /// Arguments of a call, all by name and all literals or references: "score_thresh=0.02, roi_size=@patch".
    package static func arguments(_ text: String) -> [(name: String, value: ConfigValue)]? {
        var reader = PythonLiteral(characters: Array(text))
        var result: [(String, ConfigValue)] = []
        repeat {
            reader.skipSpace()
            let name = reader.word()
            guard !name.isEmpty, reader.take("="), let value = reader.reference() ?? reader.value() else { return nil }
            result.append((name, value))
        } while reader.take(",")
        reader.skipSpace()
        return reader.position == reader.characters.count ? result : nil
    }

    private init(characters: [Character]) { self.characters = characters }

    private var next: Character? { position < characters.count ? characters[position] : nil }

    private mutating func skipSpace() {
        while let character = next, character.isWhitespace { position += 1 }
    }

    private mutating func take(_ character: Character) -> Bool {
        skipSpace()
        guard next == character else { return false }
        position += 1
        return true
    }

    private mutating func word() -> String {
        var word = ""
        while let character = next, character.isASCII, character.isLetter || character.isNumber || character == "_" {
            word.append(character)
            position += 1
        }
        return word
    }

    private mutating func reference() -> ConfigValue? {
        skipSpace()
        guard next == "@" else { return nil }
        var text = ""
        while let character = next, character.isASCII,
            character.isLetter || character.isNumber || "_@:#".contains(character)
        {
            text.append(character)
            position += 1
        }
        return text.count > 1 ? .text(text) : nil
    }

    private mutating func value() -> ConfigValue? {
        depth += 1
        defer { depth -= 1 }
        guard depth <= 32 else { return nil }
        skipSpace()
        switch next {
        case "[": return items(closing: "]").map(ConfigValue.list)
        case "(": return tuple()
        case "{": return dictionary()
        case "\"", "'": return quotedText().map(ConfigValue.text)
        case let character? where character.isASCII && character.isLetter:
            switch word() {
            case "True", "true": return .boolean(true)
            case "False", "false": return .boolean(false)
            case "None", "null": return .null
            default: return nil
            }
        default: return number().map(ConfigValue.number)
        }
    }

    private mutating func items(closing: Character) -> [ConfigValue]? {
        position += 1
        var items: [ConfigValue] = []
        while true {
            if take(closing) { return items }
            guard let item = value() else { return nil }
            items.append(item)
            if take(",") { continue }
            return take(closing) ? items : nil
        }
    }

    /// (a) is a; (a,) is a list of one.
    private mutating func tuple() -> ConfigValue? {
        let start = position
        guard let items = items(closing: ")") else { return nil }
        let hasComma = characters[start..<position].dropLast().last { !$0.isWhitespace } == ","
        return items.count == 1 && !hasComma ? items[0] : .list(items)
    }

    private mutating func dictionary() -> ConfigValue? {
        position += 1
        var members: [ConfigValue.Member] = []
        while true {
            if take("}") { return .object(members) }
            guard let key = value(), take(":"), let item = value() else { return nil }
            members.append(.init(key: key.text ?? key.description, value: item))
            if take(",") { continue }
            return take("}") ? .object(members) : nil
        }
    }

    private mutating func quotedText() -> String? {
        guard let quote = next else { return nil }
        position += 1
        var text = ""
        while let character = next {
            position += 1
            if character == quote { return text }
            // An escape would have to be decoded as Python does; no name of a model needs one.
            if character == "\\" || character.isNewline { return nil }
            text.append(character)
        }
        return nil
    }

    private mutating func number() -> Double? {
        var text = ""
        while let character = next, character.isASCII, character.isNumber || "+-.eE_".contains(character) {
            text.append(character)
            position += 1
        }
        guard !text.isEmpty, !text.contains("_") else { return nil }
        if text.hasSuffix(".") { text += "0" }
        if text.hasPrefix(".") { text = "0" + text }
        if text.hasPrefix("-.") { text = "-0" + text.dropFirst() }
        return Double(text)
    }
}

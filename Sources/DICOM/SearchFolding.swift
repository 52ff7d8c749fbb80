// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Text without what people leave out, or write in another way, when they look for a name: NFKC (half width and full
/// width are one), letter case, diacritics of Latin and Greek letters, hiragana and katakana, spaces and punctuation.
enum SearchFolding {
    /// The folded words of one component group; `*` and `?` are kept as they are.
    static func words(_ text: some StringProtocol) -> [String] {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return asciiWords(text.utf8) }
        var words: [String] = []
        var word = String.UnicodeScalarView()
        var base: UnicodeScalar = " "
        func end() {
            if !word.isEmpty { words.append(String(word).precomposedStringWithCanonicalMapping) }
            word = String.UnicodeScalarView()
        }
        for scalar in String(text).decomposedStringWithCompatibilityMapping.unicodeScalars {
            switch scalar.value {
            // Variation selectors say which glyph of a kanji; a keyboard does not.
            case 0xFE00...0xFE0F, 0xE0100...0xE01EF: continue
            case 0x300...0x36F where dropsMarks(base, scalar): continue
            case 0x3041...0x3096, 0x309D...0x309E:
                word.append(UnicodeScalar(scalar.value + 0x60) ?? scalar)
            default:
                switch kind(scalar) {
                case .separator: end()
                case .nothing: continue
                case .letter: word.append(contentsOf: folded(scalar))
                }
            }
            base = scalar
        }
        end()
        return words
    }

    private static func asciiWords(_ bytes: some Sequence<UInt8>) -> [String] {
        var words: [String] = []
        var word: [UInt8] = []
        func end() {
            if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
            word.removeAll(keepingCapacity: true)
        }
        for byte in bytes {
            switch UnicodeScalar(byte) {
            case "a"..."z", "0"..."9", "*", "?": word.append(byte)
            case "A"..."Z": word.append(byte | 0x20)
            default: end()
            }
        }
        end()
        return words
    }

    /// A dakuten belongs to its kana and a breve makes another letter of и, but é is typed as e, and ё as е.
    private static func dropsMarks(_ base: UnicodeScalar, _ mark: UnicodeScalar) -> Bool {
        base.value < 0x400 || (mark == "\u{308}" && (base == "е" || base == "Е"))
    }

    private enum Kind { case letter, separator, nothing }

    private static func kind(_ scalar: UnicodeScalar) -> Kind {
        if scalar == "*" || scalar == "?" { return .letter }
        if scalar.isASCII {
            return scalar.properties.isAlphabetic || scalar.properties.numericType != nil ? .letter : .separator
        }
        switch scalar.properties.generalCategory {
        case .format: return .nothing
        case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
            .finalPunctuation, .otherPunctuation, .modifierSymbol, .spaceSeparator, .lineSeparator,
            .paragraphSeparator, .control:
            return .separator
        default: return .letter
        }
    }

    private static func folded(_ scalar: UnicodeScalar) -> String.UnicodeScalarView {
        if let other = letters[scalar] { return other.unicodeScalars }
        let lower = scalar.properties.lowercaseMapping.unicodeScalars
        if let first = lower.first, lower.count == 1, let other = letters[first] { return other.unicodeScalars }
        return lower
    }

    /// What Unicode does not decompose and a keyboard of another country lacks; and the three forms of kanji in
    /// Japanese family names that are outside JIS X 0208, so that half of the systems write the plain one.
    private static let letters: [UnicodeScalar: String] = [
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i", "ħ": "h",
        "ŧ": "t", "ŋ": "n", "ς": "σ", "髙": "高", "﨑": "崎", "𠮷": "吉",
    ]
}

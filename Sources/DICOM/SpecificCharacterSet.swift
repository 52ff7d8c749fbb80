// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// The character sets that a data set or an item names in (0008,0005), and the text they turn bytes into
/// (PS3.3 C.12.1.1.2, PS3.5 6.1). Nothing fails: bytes that mean nothing become U+FFFD and are told.
package struct SpecificCharacterSet: Sendable, Hashable {
    /// How a value representation is cut into values, and where code extensions fall back (PS3.5 6.1.2.5.3).
    package enum Usage: Sendable {
        /// LO, SH, UC: "\" separates values.
        case values
        /// ST, LT, UT: one value, in which "\" is a character.
        case text
        /// PN: "\" separates values, "^" components and "=" component groups.
        case personName
    }

    package struct Decoded: Sendable, Equatable {
        /// Without padding; at least one.
        package var values: [String]
        /// False where bytes had no meaning in the character sets named.
        package var isIntact: Bool
    }

    /// Terms as they stand in the attribute; none, or an empty first one, is the default repertoire.
    package let terms: [String]
    /// False where a term is unknown, or may not stand where it stands.
    package let isKnown: Bool
    let initial: CodeState
    /// A multi-byte set without code extensions, which replaces everything else.
    let whole: CharacterConverter.Name?
    /// What the terms allow to be designated, in their order.
    let elements: [CodeElement]
    /// For bytes that come without the escape sequence: the only G1 that the terms know. Some peers, pydicom among them,
    /// leave the sequence out after a delimiter.
    let onlyG1: CodeState.G1

    package init(terms: [String]) {
        self.terms = terms
        var isKnown = true
        var whole: CharacterConverter.Name?
        var initial = CodeState()
        var elements: [CodeElement] = []
        for (index, term) in terms.enumerated() {
            switch Repertoire(term: term) {
            case .none: isKnown = false
            case .whole(let name) where index == 0: whole = name
            case .whole: isKnown = false
            case .coded(let state, let more):
                if index == 0 { initial = state }
                elements += more
            }
        }
        self.elements = elements
        let upper = elements.compactMap { if case .g1(let g1) = $0 { g1 } else { nil } }
        onlyG1 = upper.count == 1 ? upper[0] : .none
        if whole != nil, terms.count > 1 { isKnown = false }
        self.isKnown = isKnown
        self.whole = whole
        self.initial = initial
    }

    /// - Parameter tellsBytesApart: writes the hexadecimal value after each U+FFFD, so that two identifiers that cannot
    ///   be read do not become one.
    package func decode(
        _ bytes: some Collection<UInt8>, as usage: Usage, tellsBytesApart: Bool = false
    ) -> Decoded {
        // By far the most text is ASCII, which nearly every state reads alike.
        if initial.g0 == .ascii, bytes.allSatisfy({ (0x20...0x7E).contains($0) }) {
            let string = String(decoding: bytes, as: UTF8.self)
            guard usage != .text else { return Decoded(values: [trimmed(string, .text)], isIntact: true) }
            return Decoded(values: split(string, usage), isIntact: true)
        }
        // NUL is no character; at the end some peers pad with it.
        var bytes = Array(bytes)
        while bytes.last == 0 { bytes.removeLast() }
        var output = DecodedText(tellsBytesApart: tellsBytesApart)
        if let whole {
            output.append(bytes, through: whole)
            let string = output.current
            return Decoded(
                values: usage == .text ? [trimmed(string, .text)] : split(string, usage), isIntact: output.isIntact)
        }
        decodeCodeExtensions(bytes, usage, into: &output)
        return Decoded(values: output.finished().map { trimmed($0, usage) }, isIntact: output.isIntact)
    }

    private func split(_ string: String, _ usage: Usage) -> [String] {
        guard string.utf8.contains(UInt8(ascii: "\\")) else { return [trimmed(string, usage)] }
        return string.unicodeScalars.split(separator: "\\", omittingEmptySubsequences: false)
            .map { trimmed(String($0), usage) }
    }

    private func trimmed(_ string: String, _ usage: Usage) -> String {
        var scalars = string.unicodeScalars[...]
        while scalars.last == " " { scalars.removeLast() }
        // Leading spaces are significant in ST, LT and UT only (PS3.5 6.2).
        if usage != .text { while scalars.first == " " { scalars.removeFirst() } }
        return String(scalars)
    }
}

/// What a defined term stands for.
private enum Repertoire {
    /// The code elements in use where the term is the first, and those that it lets be designated.
    case coded(CodeState, [CodeElement])
    case whole(CharacterConverter.Name)

    /// Peers write "ISO-IR 100", "ISO IR 100" and "ISO 2022 IR 100" for "ISO_IR 100".
    init?(term: String) {
        var words = term.uppercased().split(whereSeparator: { " _-".contains($0) })
        if words.isEmpty {
            self = .coded(CodeState(), [.g0(.ascii)])
            return
        }
        if words.first == "ISO" {
            words.removeFirst()
            if words.first == "2022" { words.removeFirst() }
            guard words.first == "IR", words.count == 2 else { return nil }
            words.removeFirst()
        } else if words.count != 1 || Int(words[0]) != nil {
            return nil
        }
        switch words[0] {
        case "6": self = .coded(CodeState(), [.g0(.ascii)])
        case "13": self = .coded(CodeState(g0: .romaji, g1: .katakana), [.g0(.romaji), .g1(.katakana)])
        case "14": self = .coded(CodeState(g0: .romaji, g1: .none), [.g0(.romaji)])
        // Their characters come by escape sequences only; value 1 is then the default repertoire.
        case "87": self = .coded(CodeState(), [.g0(.kanji)])
        case "159": self = .coded(CodeState(), [.g0(.supplementaryKanji)])
        // Some peers name these alone and leave the escape sequence out.
        case "149": self = .coded(CodeState(g1: .korean), [.g1(.korean)])
        case "58": self = .coded(CodeState(g1: .chinese), [.g1(.chinese)])
        case "192": self = .whole(.utf8)
        case "GB18030": self = .whole(.gb18030)
        case "GBK": self = .whole(.gbk)
        default:
            guard let part = SingleByteSet(registration: words[0]) else { return nil }
            self = .coded(CodeState(g1: .singleByte(part)), [.g0(.ascii), .g1(.singleByte(part))])
        }
    }
}

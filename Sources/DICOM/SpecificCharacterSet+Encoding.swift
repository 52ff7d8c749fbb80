// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A set of characters that an escape sequence designates as G0 or G1 (PS3.3 C.12.1.1.2).
enum CodeElement: Sendable, Hashable {
    case g0(CodeState.G0)
    case g1(CodeState.G1)
}

extension SpecificCharacterSet {
    /// The bytes of a value in these character sets, without padding; nil where some of the text does not fit, and where
    /// a term is unknown. A caller then answers in ISO_IR 192.
    ///
    /// - Parameter text: as `decode` gives it, several values joined by "\" unless `usage` is `.text`.
    package func encode(_ text: String, as usage: Usage) -> [UInt8]? {
        guard isKnown, text.unicodeScalars.allSatisfy({ Self.isText($0, usage) }) else { return nil }
        if let whole { return CharacterConverter.encode(text, whole) }
        if initial.g0 == .ascii, text.utf8.allSatisfy({ $0 < 0x80 }) { return Array(text.utf8) }
        var writer = CodeWriter(set: self, usage: usage)
        for scalar in text.unicodeScalars {
            guard writer.write(scalar) else { return nil }
        }
        writer.reset()
        return writer.bytes
    }

    private static func isText(_ scalar: UnicodeScalar, _ usage: Usage) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A, 0x0C, 0x0D: usage == .text
        case 0x00..<0x20, 0x7F..<0xA0: false
        default: true
        }
    }
}

/// Writes text with code extensions, and goes back to the first term's elements where PS3.5 6.1.2.5.3 wants them.
private struct CodeWriter {
    let set: SpecificCharacterSet
    let usage: SpecificCharacterSet.Usage
    var state: CodeState
    var bytes: [UInt8] = []

    init(set: SpecificCharacterSet, usage: SpecificCharacterSet.Usage) {
        self.set = set
        self.usage = usage
        state = Self.start(set)
    }

    /// A multi-byte G1 counts only after its escape sequence, whatever the first term is.
    private static func start(_ set: SpecificCharacterSet) -> CodeState {
        var state = set.initial
        if state.g1 == .korean || state.g1 == .chinese { state.g1 = .none }
        return state
    }

    mutating func reset() {
        let start = Self.start(set)
        if state.g0 != start.g0 { designate(.g0(start.g0)) }
        if state.g1 != start.g1, start.g1 != .none { designate(.g1(start.g1)) }
        state = start
    }

    mutating func write(_ scalar: UnicodeScalar) -> Bool {
        if isDelimiter(scalar) {
            reset()
            bytes.append(UInt8(scalar.value))
            return true
        }
        // A space is in no multi-byte set.
        if scalar == " " {
            leaveKanji()
            bytes.append(0x20)
            return true
        }
        for element in [.g0(state.g0), .g1(state.g1), .g0(Self.start(set).g0)] + set.elements {
            guard let code = code(scalar, element) else { continue }
            switch element {
            case .g0(let g0): if g0 != state.g0 { designate(element) }
            case .g1(let g1):
                leaveKanji()
                if g1 != state.g1 { designate(element) }
            }
            bytes += code
            return true
        }
        return false
    }

    /// ISO 2022 would let a G1 stand beside the kanji, but readers convert from one escape sequence to the next.
    private mutating func leaveKanji() {
        let isKanji = state.g0 == .kanji || state.g0 == .supplementaryKanji
        if isKanji { designate(.g0(Self.start(set).g0)) }
    }

    private func isDelimiter(_ scalar: UnicodeScalar) -> Bool {
        switch scalar {
        case "\t", "\n", "\u{0C}", "\r": true
        case "\\": usage != .text
        case "^", "=": usage == .personName
        default: false
        }
    }

    private mutating func designate(_ element: CodeElement) {
        let sequence: String
        switch element {
        case .g0(let g0):
            state.g0 = g0
            switch g0 {
            case .ascii: sequence = "(B"
            case .romaji: sequence = "(J"
            case .kanji: sequence = "$B"
            case .supplementaryKanji: sequence = "$(D"
            }
        case .g1(let g1):
            state.g1 = g1
            switch g1 {
            case .none: return
            case .katakana: sequence = ")I"
            case .korean: sequence = "$)C"
            case .chinese: sequence = "$)A"
            case .singleByte(let part):
                bytes += [0x1B, UInt8(ascii: "-"), part.final]
                return
            }
        }
        bytes += [0x1B] + Array(sequence.utf8)
    }

    private func code(_ scalar: UnicodeScalar, _ element: CodeElement) -> [UInt8]? {
        switch element {
        case .g0(.ascii): return scalar.isASCII ? [UInt8(scalar.value)] : nil
        case .g0(.romaji):
            switch scalar {
            // The byte of the Yen sign separates values.
            case "\u{A5}": return usage == .text ? [0x5C] : nil
            case "\u{203E}": return [0x7E]
            case "\\", "~": return nil
            default: return scalar.isASCII ? [UInt8(scalar.value)] : nil
            }
        case .g0(.kanji): return japanese(scalar, count: 2).map { $0.map { $0 & 0x7F } }
        case .g0(.supplementaryKanji):
            return japanese(scalar, count: 3).map { $0.dropFirst().map { $0 & 0x7F } }
        case .g1(.none): return nil
        case .g1(.singleByte(let part)): return part.byte(scalar).map { [$0] }
        case .g1(.katakana):
            return (0xFF61...0xFF9F).contains(scalar.value) ? [UInt8(scalar.value - 0xFF61 + 0xA1)] : nil
        case .g1(.korean): return pair(scalar, .eucKR)
        case .g1(.chinese): return pair(scalar, .gb2312)
        }
    }

    /// EUC-JP writes JIS X 0208 in two bytes and JIS X 0212 in three; its half-width katakana begin with 0x8E.
    private func japanese(_ scalar: UnicodeScalar, count: Int) -> [UInt8]? {
        guard !scalar.isASCII, let code = CharacterConverter.encode(String(scalar), .eucJP), code.count == count,
            code[0] != 0x8E, count == 2 || code[0] == 0x8F
        else { return nil }
        return code
    }

    private func pair(_ scalar: UnicodeScalar, _ name: CharacterConverter.Name) -> [UInt8]? {
        guard !scalar.isASCII, let code = CharacterConverter.encode(String(scalar), name), code.count == 2,
            code.allSatisfy({ $0 >= 0xA1 })
        else { return nil }
        return code
    }
}

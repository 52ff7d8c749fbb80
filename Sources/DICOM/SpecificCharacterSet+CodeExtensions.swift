// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// The code elements in use (ISO 2022; PS3.5 6.1.2.5): G0 for bytes below 0x80, G1 for those above.
struct CodeState: Sendable, Hashable {
    enum G0: Sendable, Hashable {
        case ascii
        /// ISO-IR 14: a Yen sign for "\" and an overline for "~".
        case romaji
        /// ISO-IR 87, two bytes a character.
        case kanji
        /// ISO-IR 159, two bytes a character.
        case supplementaryKanji
    }
    enum G1: Sendable, Hashable {
        case none
        case singleByte(SingleByteSet)
        case katakana
        /// ISO-IR 149, two bytes a character.
        case korean
        /// ISO-IR 58, two bytes a character.
        case chinese
    }

    var g0 = G0.ascii
    var g1 = G1.none

    /// Takes the escape sequence that follows ESC; returns its length, or nil where it is none of DICOM's.
    mutating func designate(_ bytes: ArraySlice<UInt8>) -> Int? {
        let next = bytes.prefix(3).map { Character(UnicodeScalar($0)) }
        switch next.prefix(2) {
        case ["(", "B"]: g0 = .ascii
        case ["(", "J"]: g0 = .romaji
        case [")", "I"]: g1 = .katakana
        case ["$", "B"], ["$", "@"]: g0 = .kanji
        case ["$", "("] where next.count == 3 && next[2] == "D":
            g0 = .supplementaryKanji
            return 3
        case ["$", ")"] where next.count == 3 && next[2] == "C":
            g1 = .korean
            return 3
        case ["$", ")"] where next.count == 3 && next[2] == "A":
            g1 = .chinese
            return 3
        default:
            guard next.count >= 2, next[0] == "-", let part = SingleByteSet(final: bytes[bytes.startIndex + 1]) else {
                return nil
            }
            g1 = .singleByte(part)
        }
        return 2
    }
}

extension SpecificCharacterSet {
    /// Cuts the value into runs of one code element. Delimiters count only while G0 has one byte a character: 0x5C,
    /// 0x5E and 0x3D are halves of kanji too.
    func decodeCodeExtensions(_ bytes: [UInt8], _ usage: Usage, into output: inout DecodedText) {
        var state = initial
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case 0x1B:
                if let length = state.designate(bytes[(index + 1)...]) {
                    index += 1 + length
                } else {
                    output.appendBad(byte)
                    index += 1
                }
            case 0x09, 0x0A, 0x0C, 0x0D:
                state = initial
                output.append(UnicodeScalar(byte))
                index += 1
            case 0x00..<0x20, 0x7F:
                output.appendBad(byte)
                index += 1
            case 0x20:
                output.append(" ")
                index += 1
            case 0x21..<0x7F:
                index += decodeG0(bytes, index, &state, usage, into: &output)
            default:
                index += decodeG1(bytes, index, state.g1 == .none ? onlyG1 : state.g1, into: &output)
            }
        }
    }

    private func decodeG0(
        _ bytes: [UInt8], _ start: Int, _ state: inout CodeState, _ usage: Usage, into output: inout DecodedText
    ) -> Int {
        let byte = bytes[start]
        switch state.g0 {
        case .ascii, .romaji:
            if byte == UInt8(ascii: "\\"), usage != .text {
                state = initial
                output.endValue()
            } else if usage == .personName, byte == UInt8(ascii: "^") || byte == UInt8(ascii: "=") {
                state = initial
                output.append(UnicodeScalar(byte))
            } else if state.g0 == .romaji, byte == 0x5C {
                output.append("\u{A5}")
            } else if state.g0 == .romaji, byte == 0x7E {
                output.append("\u{203E}")
            } else {
                output.append(UnicodeScalar(byte))
            }
            return 1
        case .kanji, .supplementaryKanji:
            guard start + 1 < bytes.count, (0x21..<0x7F).contains(bytes[start + 1]) else {
                output.appendBad(byte)
                return 1
            }
            let pair = [byte | 0x80, bytes[start + 1] | 0x80]
            output.append(
                state.g0 == .kanji ? pair : [0x8F] + pair, through: .eucJP, bad: bytes[start...start + 1])
            return 2
        }
    }

    private func decodeG1(_ bytes: [UInt8], _ start: Int, _ g1: CodeState.G1, into output: inout DecodedText) -> Int {
        let byte = bytes[start]
        switch g1 {
        case .none: output.appendBad(byte)
        case .singleByte(let part):
            if let scalar = part.scalar(byte) { output.append(scalar) } else { output.appendBad(byte) }
        case .katakana:
            // JIS X 0201 lies in Unicode in its own order.
            if (0xA1...0xDF).contains(byte), let scalar = UnicodeScalar(0xFF61 + UInt32(byte) - 0xA1) {
                output.append(scalar)
            } else {
                output.appendBad(byte)
            }
        case .korean, .chinese:
            guard byte >= 0xA1, start + 1 < bytes.count, bytes[start + 1] >= 0xA1 else {
                output.appendBad(byte)
                return 1
            }
            let pair = bytes[start...start + 1]
            output.append(Array(pair), through: g1 == .korean ? .eucKR : .gb2312, bad: pair)
            return 2
        }
        return 1
    }
}

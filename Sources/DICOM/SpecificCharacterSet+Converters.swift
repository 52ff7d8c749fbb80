// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// One descriptor of iconv, opened at first use and kept: opening one loads a shared library.
final class CharacterConverter: Sendable {
    enum Name: String, Sendable, CaseIterable {
        case utf8 = "UTF-8"
        case gb18030 = "GB18030"
        case gbk = "GBK"
        case gb2312 = "EUC-CN"
        case eucJP = "EUC-JP"
        case eucKR = "EUC-KR"
    }

    // Opened once and only used inside the lock: iconv keeps its state in the descriptor.
    private struct Descriptor: @unchecked Sendable { let handle: iconv_t? }
    private let descriptor: Mutex<Descriptor>

    init(_ name: String, to target: String = "UTF-8") {
        let handle = iconv_open(target, name)
        descriptor = Mutex(Descriptor(handle: handle == iconv_t(bitPattern: -1) ? nil : handle))
    }

    deinit {
        descriptor.withLock { if let handle = $0.handle { iconv_close(handle) } }
    }

    private static let all: [Name: CharacterConverter] = Dictionary(
        uniqueKeysWithValues: Name.allCases.map { ($0, CharacterConverter($0.rawValue)) })

    static func named(_ name: Name) -> CharacterConverter { all[name]! }

    private static let encoders: [Name: CharacterConverter] = Dictionary(
        uniqueKeysWithValues: Name.allCases.map { ($0, CharacterConverter("UTF-8", to: $0.rawValue)) })

    /// Nil where the set lacks a character of the text.
    static func encode(_ text: String, _ name: Name) -> [UInt8]? {
        if name == .utf8 { return Array(text.utf8) }
        let bytes = Array(text.utf8)
        let (encoded, count) = encoders[name]!.convertBytes(bytes[...])
        guard count == bytes.count else { return nil }
        // iconv writes some characters as others that look alike; what would not come back does not fit.
        let (back, read) = named(name).convert(encoded[...])
        return read == encoded.count && back.utf8.elementsEqual(text.utf8) ? encoded : nil
    }

    /// Converts as many bytes as mean something; returns the text and how many bytes it took.
    func convert(_ bytes: ArraySlice<UInt8>) -> (text: String, count: Int) {
        let (output, count) = convertBytes(bytes)
        return (String(decoding: output, as: UTF8.self), count)
    }

    private func convertBytes(_ bytes: ArraySlice<UInt8>) -> (output: [UInt8], count: Int) {
        descriptor.withLock { descriptor in
            guard let handle = descriptor.handle else { return ([], 0) }
            iconv(handle, nil, nil, nil, nil)
            var input = bytes.map { CChar(bitPattern: $0) }
            var taken = 0
            // No set of DICOM's makes more than 4 bytes of UTF-8 from one byte, nor more than 4 from one of UTF-8.
            let output = [UInt8](unsafeUninitializedCapacity: input.count * 4) { output, made in
                output.withMemoryRebound(to: CChar.self) { output in
                    input.withUnsafeMutableBufferPointer { input in
                        var from = input.baseAddress
                        var to = output.baseAddress
                        var left = input.count
                        var room = output.count
                        iconv(handle, &from, &left, &to, &room)
                        taken = input.count - left
                        made = output.count - room
                    }
                }
            }
            return (output, taken)
        }
    }
}

/// The upper half of a single-byte set that DICOM names by its registration number.
enum SingleByteSet: UInt8, Sendable, CaseIterable {
    case latin1, latin2, latin3, latin4, latin5, latin9, cyrillic, arabic, greek, hebrew, thai

    private var encoding: String {
        switch self {
        case .latin1: "ISO-8859-1"
        case .latin2: "ISO-8859-2"
        case .latin3: "ISO-8859-3"
        case .latin4: "ISO-8859-4"
        case .latin5: "ISO-8859-9"
        case .latin9: "ISO-8859-15"
        case .cyrillic: "ISO-8859-5"
        case .arabic: "ISO-8859-6"
        case .greek: "ISO-8859-7"
        case .hebrew: "ISO-8859-8"
        case .thai: "TIS-620"
        }
    }

    init?(registration: Substring) {
        switch registration {
        case "100": self = .latin1
        case "101": self = .latin2
        case "109": self = .latin3
        case "110": self = .latin4
        case "148": self = .latin5
        case "203": self = .latin9
        case "144": self = .cyrillic
        case "127": self = .arabic
        case "126": self = .greek
        case "138": self = .hebrew
        case "166": self = .thai
        default: return nil
        }
    }

    /// - Parameter final: the last byte of ESC 02/13 F (PS3.3 Table C.12-3).
    init?(final byte: UInt8) {
        switch UnicodeScalar(byte) {
        case "A": self = .latin1
        case "B": self = .latin2
        case "C": self = .latin3
        case "D": self = .latin4
        case "M": self = .latin5
        case "b": self = .latin9
        case "L": self = .cyrillic
        case "G": self = .arabic
        case "F": self = .greek
        case "H": self = .hebrew
        case "T": self = .thai
        default: return nil
        }
    }

    /// Made from iconv once; a place is nil where the set has no character.
    private static let tables: [[UnicodeScalar?]] = allCases.map { set in
        let converter = CharacterConverter(set.encoding)
        return (UInt8(0x80)...0xFF).map { byte in
            // 0x80 to 0x9F are controls: bytes of Windows code pages that call themselves Latin 1.
            byte < 0xA0 ? nil : converter.convert([byte]).text.unicodeScalars.first
        }
    }

    func scalar(_ byte: UInt8) -> UnicodeScalar? { SingleByteSet.tables[Int(rawValue)][Int(byte) - 0x80] }

    func byte(_ scalar: UnicodeScalar) -> UInt8? {
        SingleByteSet.tables[Int(rawValue)].firstIndex(of: scalar).map { UInt8($0 + 0x80) }
    }

    /// - Returns: the F of ESC 02/13 F.
    var final: UInt8 {
        let finals: [SingleByteSet: Unicode.Scalar] = [
            .latin1: "A", .latin2: "B", .latin3: "C", .latin4: "D", .latin5: "M", .latin9: "b", .cyrillic: "L",
            .arabic: "G", .greek: "F", .hebrew: "H", .thai: "T",
        ]
        return UInt8(ascii: finals[self]!)
    }
}

/// Text on its way out of a decoder.
struct DecodedText {
    let tellsBytesApart: Bool
    private(set) var isIntact = true
    private var values: [String] = []
    private(set) var current = ""

    init(tellsBytesApart: Bool) { self.tellsBytesApart = tellsBytesApart }

    mutating func append(_ scalar: UnicodeScalar) { current.unicodeScalars.append(scalar) }

    mutating func appendBad(_ byte: UInt8) {
        isIntact = false
        current.unicodeScalars.append("\u{FFFD}")
        if tellsBytesApart {
            let digits = String(byte, radix: 16, uppercase: true)
            current += digits.count == 1 ? "0" + digits : digits
        }
    }

    /// One character of a multi-byte set; `bad` are the bytes to show where it means nothing.
    mutating func append(_ code: [UInt8], through name: CharacterConverter.Name, bad: ArraySlice<UInt8>) {
        let (text, count) = CharacterConverter.named(name).convert(code[...])
        if count == code.count, !text.isEmpty {
            current += text
        } else {
            for byte in bad { appendBad(byte) }
        }
    }

    /// Bytes of a set without code extensions.
    mutating func append(_ bytes: [UInt8], through name: CharacterConverter.Name) {
        var rest = bytes[...]
        while let first = rest.first {
            // Below 0x20 no set has a half of a character.
            let isControl = { (byte: UInt8) in byte < 0x20 && ![0x09, 0x0A, 0x0C, 0x0D].contains(byte) || byte == 0x7F }
            if isControl(first) {
                appendBad(first)
                rest.removeFirst()
                continue
            }
            let run = rest.prefix { !isControl($0) }
            let (text, count) = CharacterConverter.named(name).convert(run)
            current += text
            rest.removeFirst(count)
            if count < run.count { appendBad(rest.removeFirst()) }
        }
    }

    mutating func endValue() {
        values.append(current)
        current = ""
    }

    func finished() -> [String] { values + [current] }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc

/// Text of ours as a data set can hold it whatever its character set.
enum Text {
    /// ASCII that reads the same in every repertoire, cut to `limit`. The copied attributes bring their character set
    /// along, and in ISO 2022 IR 13 backslash and tilde are other characters.
    static func plain(_ text: String, limit: Int = 1024) -> String {
        var bytes: [UInt8] = []
        for scalar in text.unicodeScalars {
            guard bytes.count < limit else { break }
            let isPlain = (0x20..<0x7E).contains(scalar.value) && scalar != "\\"
            bytes.append(isPlain ? UInt8(scalar.value) : UInt8(ascii: "?"))
        }
        while bytes.last == 0x20 { bytes.removeLast() }
        return String(decoding: bytes.drop { $0 == 0x20 }, as: UTF8.self)
    }

    static func isPlain(_ text: String) -> Bool { !text.isEmpty && plain(text, limit: .max) == text }

    /// VR LO.
    static func long(_ text: String) -> String { plain(text, limit: 64) }
    /// VR SH.
    static func short(_ text: String) -> String { plain(text, limit: 16) }

    /// VR CS: upper case, digits, space and underscore, 16 at most.
    static func codeString(_ text: String) -> String {
        let characters = text.uppercased().utf8.prefix(16).map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): byte
            default: UInt8(ascii: "_")
            }
        }
        return String(decoding: characters, as: UTF8.self)
    }

    /// VR DS: at most 16 characters, at most `digits` of them significant.
    static func decimal(_ value: Double, digits: Int = 10) -> String {
        for count in stride(from: digits, through: 1, by: -1) {
            let text = formatted(value, count)
            if text.utf8.count <= 16 { return text }
        }
        return formatted(value, 1)
    }

    /// The code of a sequence item of a source; nil where it is not plain, because it could not be repeated.
    static func code(_ item: Item) -> Code? {
        guard let value = item.string(Attribute.codeValue), let scheme = item.string(Attribute.codingSchemeDesignator),
            isPlain(value), isPlain(scheme), value.utf8.count <= 16, scheme.utf8.count <= 16
        else { return nil }
        let meaning = item.string(Attribute.codeMeaning) ?? ""
        return Code(value, scheme, isPlain(meaning) ? long(meaning) : "\(scheme) \(value)")
    }

    /// A code goes out as it is or not at all. A value of more than 16 characters becomes a Long Code Value.
    static func check(_ code: Code, _ what: String) throws(ResultsError) {
        guard isPlain(code.value), isPlain(code.scheme), isPlain(code.meaning), code.value.utf8.count <= 64,
            code.scheme.utf8.count <= 16, code.meaning.utf8.count <= 64
        else { throw .request("the code of \(what) is not a triplet of ASCII text of 64, 16 and 64 characters") }
    }

    private static func formatted(_ value: Double, _ digits: Int) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 64) { buffer in
            let count = withVaList([Int32(digits), value]) { vsnprintf(buffer.baseAddress, 64, "%.*g", $0) }
            return String(decoding: buffer.prefix(Int(count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        }
    }
}

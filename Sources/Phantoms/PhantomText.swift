// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension HeadCT.CharacterSet {
    /// Specific Character Set; nil where it is left out.
    var attribute: String? {
        switch self {
        case .none: nil
        case .latin1, .utf8: rawValue
        case .japanese: "\\ISO 2022 IR 87"
        }
    }

    var defaultPatientName: String {
        switch self {
        case .none: "Phantom^Head"
        case .latin1: "Phäntom^Hédwig"
        // PS3.5 H.3.1 and I.2
        case .japanese: "Yamada^Tarou=山田^太郎=やまだ^たろう"
        case .utf8: "Wang^XiaoDong=王^小東"
        }
    }

    func encode(_ text: String) throws(PhantomError) -> [UInt8] {
        switch self {
        case .utf8: return Array(text.utf8)
        case .none, .latin1:
            var bytes: [UInt8] = []
            for scalar in text.unicodeScalars {
                guard scalar.value <= (self == .none ? 0x7E : 0xFF) else {
                    throw .impossible("a name has a letter that \(self) lacks")
                }
                bytes.append(UInt8(scalar.value))
            }
            return bytes
        case .japanese: return try iconvert(text)
        }
    }

    /// ISO-2022-JP has the escape sequences of IR 87 and returns to ASCII before a delimiter, as PS3.5 6.1.2.5.3 asks.
    private func iconvert(_ text: String) throws(PhantomError) -> [UInt8] {
        let failed = PhantomError.impossible("a name has a letter that ISO 2022 IR 87 lacks")
        guard let converter = iconv_open("ISO-2022-JP", "UTF-8"), Int(bitPattern: converter) != -1 else { throw failed }
        defer { iconv_close(converter) }
        var input = text.utf8.map { CChar(bitPattern: $0) }
        var output = [CChar](repeating: 0, count: input.count * 8 + 16)
        let capacity = output.count
        let written = input.withUnsafeMutableBufferPointer { source in
            output.withUnsafeMutableBufferPointer { target -> Int? in
                var (from, fromLeft) = (source.baseAddress, source.count)
                var (to, toLeft) = (target.baseAddress, target.count)
                guard iconv(converter, &from, &fromLeft, &to, &toLeft) != -1, fromLeft == 0,
                    iconv(converter, nil, nil, &to, &toLeft) != -1
                else { return nil }
                return capacity - toLeft
            }
        }
        guard let written else { throw failed }
        return output.prefix(written).map { UInt8(bitPattern: $0) }
    }
}

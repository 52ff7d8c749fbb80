// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// How headers are written (PS3.5 7.1, 7.3).
enum DataSetEncoding: UInt8, Sendable {
    case implicitLittle, explicitLittle, explicitBig

    @inline(__always)
    func tag(_ bytes: UnsafeRawPointer) -> UInt32 {
        let halves = bytes.loadUnaligned(as: UInt32.self)
        if self == .explicitBig { return UInt32(bigEndian: halves) }
        let little = UInt32(littleEndian: halves)
        return little << 16 | little >> 16
    }

    @inline(__always)
    func length(_ bytes: UnsafeRawPointer) -> UInt32 {
        let value = bytes.loadUnaligned(as: UInt32.self)
        return self == .explicitBig ? UInt32(bigEndian: value) : UInt32(littleEndian: value)
    }

    @inline(__always)
    func shortLength(_ bytes: UnsafeRawPointer) -> UInt16 {
        let value = bytes.loadUnaligned(as: UInt16.self)
        return self == .explicitBig ? UInt16(bigEndian: value) : UInt16(littleEndian: value)
    }
}

/// What the scan must know of a transfer syntax (PS3.5 A).
struct SyntaxTraits {
    /// Nil where the scan cannot follow it, such as GE's private Implicit VR Big Endian (1.2.840.113619.5.2).
    var encoding: DataSetEncoding?
    var isDeflated = false
    var isEncapsulated = false
    /// JPIP: the pixels lie behind a URL.
    var isReferenced = false

    init(_ uid: UID) {
        let root = "1.2.840.10008.1.2"
        switch uid.string {
        case root: encoding = .implicitLittle
        case root + ".2": encoding = .explicitBig
        case root + ".1": encoding = .explicitLittle
        case root + ".1.99":
            encoding = .explicitLittle
            isDeflated = true
        case root + ".4.95", root + ".4.205":
            encoding = .explicitLittle
            isDeflated = true
            isReferenced = true
        case root + ".4.94", root + ".4.204":
            encoding = .explicitLittle
            isReferenced = true
        case let other where other.hasPrefix(root + "."):
            // All other standard syntaxes encode the data set in Explicit VR Little Endian (PS3.5 A.4).
            encoding = .explicitLittle
            isEncapsulated = true
        default: encoding = nil
        }
    }
}

extension UID {
    /// The data set is deflated as a whole (PS3.5 A.5); the scan then needs an `Inflater`.
    package var isDeflatedTransferSyntax: Bool { SyntaxTraits(self).isDeflated }
}

/// What a value representation in Explicit VR says about the header (PS3.5 7.1.2) and the value.
enum VRForm {
    /// 16-bit length.
    case short
    /// OB and OW: 32-bit length; undefined for encapsulated pixel data only.
    case word
    /// 32-bit length, always defined.
    case long
    case sequence
    /// UN, and two capitals that no edition of ours knows: 32-bit length.
    case unknown
    /// Names that DCMTK uses inside itself and would believe.
    case invalid

    static func name(_ bytes: UnsafeRawPointer) -> UInt16 { UInt16(bigEndian: bytes.loadUnaligned(as: UInt16.self)) }

    static let ox = code("OX")

    /// - Parameter vr: two letters, the first in the high byte.
    init(_ vr: UInt16) {
        switch vr {
        case 0x4145, 0x4153, 0x4154, 0x4353, 0x4441, 0x4453, 0x4454, 0x464C, 0x4644, 0x4953, 0x4C4F, 0x4C54, 0x504E,
            0x5348, 0x534C, 0x5353, 0x5354, 0x544D, 0x5549, 0x554C, 0x5553:
            // AE AS AT CS DA DS DT FL FD IS LO LT PN SH SL SS ST TM UI UL US
            self = .short
        case 0x4F42, 0x4F57: self = .word
        case 0x4F44, 0x4F46, 0x4F4C, 0x4F56, 0x5356, 0x5543, 0x5552, 0x5554, 0x5556:
            // OD OF OL OV SV UC UR UT UV
            self = .long
        case 0x5351: self = .sequence
        case 0x6F78, 0x7078, 0x6C74, 0x6E61, 0x7069: self = .invalid  // ox px lt na pi
        default:
            let (first, second) = (vr >> 8, vr & 0xFF)
            // DCMTK takes other bytes for a broken two-byte form; peers write "??", spaces and zeros that way.
            self = (0x41...0x5A).contains(first) && (0x41...0x5A).contains(second) ? .unknown : .short
        }
    }

    static func isStandard(_ vr: UInt16) -> Bool {
        switch VRForm(vr) {
        case .word, .long, .sequence: true
        case .unknown: vr == code("UN")
        case .invalid: false
        case .short: (0x41...0x5A).contains(vr >> 8) && (0x41...0x5A).contains(vr & 0xFF)
        }
    }

    /// The value is numbers or bytes, not text (PS3.5 6.2). UN is neither: what a peer did not know, it passed on as it was.
    static func isBinary(_ vr: UInt16) -> Bool {
        switch vr {
        case 0x4154, 0x464C, 0x4644, 0x534C, 0x5353, 0x554C, 0x5553, 0x5356, 0x5556: true  // AT FL FD SL SS UL US SV UV
        case 0x4F42, 0x4F57, 0x4F44, 0x4F46, 0x4F4C, 0x4F56: true  // OB OW OD OF OL OV
        default: false
        }
    }

    static func code(_ name: StaticString) -> UInt16 {
        UInt16(name.utf8Start[0]) << 8 | UInt16(name.utf8Start[1])
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A transfer syntax that this node can carry: it stores such a data set as received, and sends it again as stored.
///
/// Left out on purpose: GE's private implicit VR with big-endian pixels (1.2.840.113619.5.2), whose pixels nobody else reads;
/// JPIP referenced, whose pixels are not in the data set, so that a success would promise what is not here; and what is no
/// DIMSE storage encoding (MIME, XML, SMPTE ST 2110).
package struct TransferSyntax: Hashable, Sendable {
    package enum Encoding: Sendable { case implicitLittleEndian, explicitLittleEndian, explicitBigEndian, deflated }

    package let uid: UID
    package let name: String
    package let encoding: Encoding
    /// Pixel Data is a sequence of fragments (PS3.5 A.4).
    package let isEncapsulated: Bool

    package var isExplicitVR: Bool { encoding != .implicitLittleEndian }
    package var isBigEndian: Bool { encoding == .explicitBigEndian }

    /// Nil where the node does not carry it.
    package init?(uid: UID) {
        guard let found = Self.byUID[uid] else { return nil }
        self = found
    }

    private init(_ uid: StaticString, _ name: String, _ encoding: Encoding, encapsulated: Bool) {
        self.uid = UID(literal: uid)
        self.name = name
        self.encoding = encoding
        isEncapsulated = encapsulated
    }

    package static let implicitVRLittleEndian = native(
        "1.2.840.10008.1.2", "Implicit VR Little Endian", .implicitLittleEndian)
    package static let explicitVRLittleEndian = native(
        "1.2.840.10008.1.2.1", "Explicit VR Little Endian", .explicitLittleEndian)
    package static let explicitVRBigEndian = native("1.2.840.10008.1.2.2", "Explicit VR Big Endian", .explicitBigEndian)
    package static let deflatedExplicitVRLittleEndian = native(
        "1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", .deflated)
    package static let rleLossless = encapsulated("1.2.840.10008.1.2.5", "RLE Lossless")
    package static let jpegBaseline = encapsulated("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)")
    package static let jpegExtended = encapsulated("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2 & 4)")
    package static let jpegLossless = encapsulated("1.2.840.10008.1.2.4.57", "JPEG Lossless (Process 14)")
    package static let jpegLosslessSV1 = encapsulated(
        "1.2.840.10008.1.2.4.70", "JPEG Lossless (Process 14, Selection Value 1)")
    package static let jpegLSLossless = encapsulated("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless")
    package static let jpegLSNearLossless = encapsulated("1.2.840.10008.1.2.4.81", "JPEG-LS Near-Lossless")
    package static let jpeg2000Lossless = encapsulated("1.2.840.10008.1.2.4.90", "JPEG 2000 Lossless")
    package static let jpeg2000 = encapsulated("1.2.840.10008.1.2.4.91", "JPEG 2000")
    package static let htj2kLossless = encapsulated("1.2.840.10008.1.2.4.201", "HTJ2K Lossless")
    package static let htj2kLosslessRPCL = encapsulated("1.2.840.10008.1.2.4.202", "HTJ2K Lossless RPCL")
    package static let htj2k = encapsulated("1.2.840.10008.1.2.4.203", "HTJ2K")

    package static let all: [TransferSyntax] =
        [
            implicitVRLittleEndian, explicitVRLittleEndian, explicitVRBigEndian, deflatedExplicitVRLittleEndian,
            rleLossless,
            jpegBaseline, jpegExtended, jpegLossless, jpegLosslessSV1, jpegLSLossless, jpegLSNearLossless,
            jpeg2000Lossless,
            jpeg2000, htj2kLossless, htj2kLosslessRPCL, htj2k,
            encapsulated("1.2.840.10008.1.2.4.92", "JPEG 2000 Part 2 Multi-component Lossless"),
            encapsulated("1.2.840.10008.1.2.4.93", "JPEG 2000 Part 2 Multi-component"),
            encapsulated("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level"),
            encapsulated("1.2.840.10008.1.2.4.100.1", "Fragmentable MPEG2 Main Profile / Main Level"),
            encapsulated("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile / High Level"),
            encapsulated("1.2.840.10008.1.2.4.101.1", "Fragmentable MPEG2 Main Profile / High Level"),
            encapsulated("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1"),
            encapsulated("1.2.840.10008.1.2.4.102.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1"),
            encapsulated("1.2.840.10008.1.2.4.103", "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
            encapsulated(
                "1.2.840.10008.1.2.4.103.1", "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1"),
            encapsulated("1.2.840.10008.1.2.4.104", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
            encapsulated(
                "1.2.840.10008.1.2.4.104.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video"),
            encapsulated("1.2.840.10008.1.2.4.105", "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
            encapsulated(
                "1.2.840.10008.1.2.4.105.1", "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video"),
            encapsulated("1.2.840.10008.1.2.4.106", "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
            encapsulated("1.2.840.10008.1.2.4.106.1", "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2"),
            encapsulated("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1"),
            encapsulated("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile / Level 5.1"),
        ] + retiredJPEG

    /// The retired JPEG processes (PS3.6 A.1), which DCMTK carries and old archives still send.
    private static let retiredJPEG: [TransferSyntax] = [
        encapsulated("1.2.840.10008.1.2.4.52", "JPEG Extended (Process 3 & 5)"),
        encapsulated("1.2.840.10008.1.2.4.53", "JPEG Spectral Selection (Process 6 & 8)"),
        encapsulated("1.2.840.10008.1.2.4.54", "JPEG Spectral Selection (Process 7 & 9)"),
        encapsulated("1.2.840.10008.1.2.4.55", "JPEG Full Progression (Process 10 & 12)"),
        encapsulated("1.2.840.10008.1.2.4.56", "JPEG Full Progression (Process 11 & 13)"),
        encapsulated("1.2.840.10008.1.2.4.58", "JPEG Lossless (Process 15)"),
        encapsulated("1.2.840.10008.1.2.4.59", "JPEG Extended, Hierarchical (Process 16 & 18)"),
        encapsulated("1.2.840.10008.1.2.4.60", "JPEG Extended, Hierarchical (Process 17 & 19)"),
        encapsulated("1.2.840.10008.1.2.4.61", "JPEG Spectral Selection, Hierarchical (Process 20 & 22)"),
        encapsulated("1.2.840.10008.1.2.4.62", "JPEG Spectral Selection, Hierarchical (Process 21 & 23)"),
        encapsulated("1.2.840.10008.1.2.4.63", "JPEG Full Progression, Hierarchical (Process 24 & 26)"),
        encapsulated("1.2.840.10008.1.2.4.64", "JPEG Full Progression, Hierarchical (Process 25 & 27)"),
        encapsulated("1.2.840.10008.1.2.4.65", "JPEG Lossless, Hierarchical (Process 28)"),
        encapsulated("1.2.840.10008.1.2.4.66", "JPEG Lossless, Hierarchical (Process 29)"),
    ]

    private static let byUID = Dictionary(uniqueKeysWithValues: all.map { ($0.uid, $0) })

    private static func native(_ uid: StaticString, _ name: String, _ encoding: Encoding) -> TransferSyntax {
        TransferSyntax(uid, name, encoding, encapsulated: false)
    }
    private static func encapsulated(_ uid: StaticString, _ name: String) -> TransferSyntax {
        TransferSyntax(uid, name, .explicitLittleEndian, encapsulated: true)
    }
}

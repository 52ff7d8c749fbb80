// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The transfer syntaxes that a phantom can be written in (PS3.6 A).
package enum PhantomTransferSyntax: String, Sendable, CaseIterable {
    case implicitLittleEndian = "implicit"
    case explicitLittleEndian = "explicit"
    case explicitBigEndian = "big-endian"
    case deflated
    case rle
    /// 8 bits, lossy.
    case jpegBaseline = "jpeg-baseline"
    /// 12 bits, lossy.
    case jpegExtended = "jpeg-extended"
    case jpegLossless = "jpeg-lossless"
    case jpegLosslessSV1 = "jpeg-lossless-sv1"
    case jpegLSLossless = "jpeg-ls"
    case jpegLSNearLossless = "jpeg-ls-near"
    case jpeg2000Lossless = "jpeg-2000"
    case jpeg2000 = "jpeg-2000-lossy"

    package var uid: UID {
        switch self {
        case .implicitLittleEndian: UID(literal: "1.2.840.10008.1.2")
        case .explicitLittleEndian: UID(literal: "1.2.840.10008.1.2.1")
        case .explicitBigEndian: UID(literal: "1.2.840.10008.1.2.2")
        case .deflated: UID(literal: "1.2.840.10008.1.2.1.99")
        case .rle: UID(literal: "1.2.840.10008.1.2.5")
        case .jpegBaseline: UID(literal: "1.2.840.10008.1.2.4.50")
        case .jpegExtended: UID(literal: "1.2.840.10008.1.2.4.51")
        case .jpegLossless: UID(literal: "1.2.840.10008.1.2.4.57")
        case .jpegLosslessSV1: UID(literal: "1.2.840.10008.1.2.4.70")
        case .jpegLSLossless: UID(literal: "1.2.840.10008.1.2.4.80")
        case .jpegLSNearLossless: UID(literal: "1.2.840.10008.1.2.4.81")
        case .jpeg2000Lossless: UID(literal: "1.2.840.10008.1.2.4.90")
        case .jpeg2000: UID(literal: "1.2.840.10008.1.2.4.91")
        }
    }

    package var isEncapsulated: Bool {
        switch self {
        case .implicitLittleEndian, .explicitLittleEndian, .explicitBigEndian, .deflated: false
        default: true
        }
    }

    /// Lossy Image Compression Method (PS3.3 C.7.6.1.1.5.1); nil where nothing is lost.
    package var lossyMethod: String? {
        switch self {
        case .jpegBaseline, .jpegExtended: "ISO_10918_1"
        case .jpegLSNearLossless: "ISO_14495_1"
        case .jpeg2000: "ISO_15444_1"
        default: nil
        }
    }
}

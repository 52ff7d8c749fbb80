// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What `InstanceHeader.defects` may say. None is a reason to refuse storage; those of the pixel data are reasons not to
/// decode (`preventsDecoding`).
package enum HeaderDefect: String, Sendable, CaseIterable {
    /// Rows and Columns are there, Pixel Data is not.
    case pixelDataMissing
    /// Pixel Data has no byte, or no fragment that has one.
    case pixelDataEmpty
    /// Fewer bytes than Rows × Columns × Samples × Bits Allocated × Number of Frames need, or fewer fragments than frames.
    case pixelDataShort
    /// Native Pixel Data in an encapsulated transfer syntax.
    case pixelDataNotEncapsulated
    /// Encapsulated Pixel Data in a native transfer syntax.
    case pixelDataEncapsulated
    /// Rows, Columns, Bits Allocated or Samples per Pixel absent, zero or unreadable beside Pixel Data.
    case pixelGeometryMissing
    /// Number of Frames is there and is not a positive integer.
    case numberOfFramesMalformed
    /// One frame takes more than 2 GiB decoded.
    case frameTooLarge
    /// Top-level elements are not in ascending order.
    case elementOrder
    /// An attribute that is gathered but identifies nothing is there twice; the first counts, as in DCMTK.
    case duplicateElement
    /// A value was too long to be gathered.
    case valueTooLong
    /// A known attribute has bytes that are no value representation.
    case unknownVR
    /// A number has another value representation than the standard's.
    case vrMismatch
    /// A delimitation item has a length.
    case delimiterLength
    /// Specific Character Set names a set that is unknown or cannot be combined.
    case characterSetUnknown
    /// A UID that is not required is malformed; it reads as absent.
    case malformedUID

    package var preventsDecoding: Bool {
        switch self {
        case .pixelDataMissing, .pixelDataEmpty, .pixelDataShort, .pixelDataNotEncapsulated, .pixelDataEncapsulated,
            .pixelGeometryMissing, .numberOfFramesMalformed, .frameTooLarge, .vrMismatch:
            true
        case .elementOrder, .duplicateElement, .valueTooLong, .unknownVR, .delimiterLength, .characterSetUnknown,
            .malformedUID:
            false
        }
    }
}

/// A set of defects as bits, so that noting one costs nothing.
struct DefectSet: Sendable {
    private var bits: UInt32 = 0

    mutating func insert(_ defect: HeaderDefect) { bits |= 1 << DefectSet.place(of: defect) }

    var words: [String] {
        bits == 0 ? [] : HeaderDefect.allCases.filter { bits >> DefectSet.place(of: $0) & 1 == 1 }.map(\.rawValue)
    }

    private static func place(of defect: HeaderDefect) -> UInt32 {
        UInt32(HeaderDefect.allCases.firstIndex(of: defect)!)
    }
}

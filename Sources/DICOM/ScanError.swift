// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why a data set was not accepted. Offsets count from the first byte of the data set.
package enum ScanError: Error, Equatable, Sendable {
    /// No reader of ours can follow this encoding, or it is deflated and the scan was given no inflater.
    case unsupportedTransferSyntax(UID)
    /// The data set ends inside an element, an item or a sequence.
    case truncated(offset: UInt64)
    /// A length, or the header itself, runs past the item or sequence around it.
    case pastParent(Tag, offset: UInt64)
    /// Undefined length where the value representation has none (PS3.5 7.1.1).
    case undefinedLength(Tag, offset: UInt64)
    /// A delimitation item or an item tag where none can be.
    case misplacedDelimiter(Tag, offset: UInt64)
    /// A sequence holds something other than items.
    case notAnItem(Tag, offset: UInt64)
    /// A value representation that leaves the length, or the meaning of a known attribute, open.
    case invalidVR(Tag, offset: UInt64)
    case nestingTooDeep(limit: Int, offset: UInt64)
    case tooManyElements(limit: Int, offset: UInt64)
    /// Command or file meta information inside a data set.
    case forbiddenGroup(Tag, offset: UInt64)
    /// An attribute that says whose image it is, or how its pixels lie, twice: two readers could pick different ones.
    case duplicateAttribute(Tag, offset: UInt64)
    case valueTooLong(Tag, offset: UInt64)
    /// The deflated stream is damaged.
    case inflateFailed(offset: UInt64)
    /// The deflated stream swells beyond its bounds.
    case inflateLimit(offset: UInt64)
    case missingUID(Tag)
    case malformedUID(Tag)

    /// False where the encoding is sound but the data set does not say which instance it is.
    package var isStructural: Bool {
        switch self {
        case .missingUID, .malformedUID: false
        case .unsupportedTransferSyntax, .truncated, .pastParent, .undefinedLength, .misplacedDelimiter, .notAnItem,
            .invalidVR, .nestingTooDeep, .tooManyElements, .forbiddenGroup, .duplicateAttribute, .valueTooLong,
            .inflateFailed, .inflateLimit:
            true
        }
    }
}

extension ScanError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unsupportedTransferSyntax(let uid): "transfer syntax \(uid) cannot be read"
        case .truncated(let offset): "the data set ends at byte \(offset), inside an element or a sequence"
        case .pastParent(let tag, let offset): "\(tag) at byte \(offset) is longer than the item or sequence around it"
        case .undefinedLength(let tag, let offset):
            "\(tag) at byte \(offset) has an undefined length, which it may not have"
        case .misplacedDelimiter(let tag, let offset): "\(tag) at byte \(offset) delimits nothing"
        case .notAnItem(let tag, let offset): "\(tag) at byte \(offset) stands in a sequence where an item should be"
        case .invalidVR(let tag, let offset): "\(tag) at byte \(offset) has a value representation that cannot be used"
        case .nestingTooDeep(let limit, let offset): "sequences are nested more than \(limit) deep at byte \(offset)"
        case .tooManyElements(let limit, let offset): "more than \(limit) elements at byte \(offset)"
        case .forbiddenGroup(let tag, let offset): "\(tag) at byte \(offset) has no place in a data set"
        case .duplicateAttribute(let tag, let offset): "\(tag) at byte \(offset) is there a second time"
        case .valueTooLong(let tag, let offset): "the value of \(tag) at byte \(offset) is too long"
        case .inflateFailed(let offset): "the deflated data set is damaged near byte \(offset)"
        case .inflateLimit(let offset): "the deflated data set swells beyond its limit at byte \(offset)"
        case .missingUID(let tag): "\(tag) is missing or empty"
        case .malformedUID(let tag): "\(tag) is not a UID"
        }
    }
}

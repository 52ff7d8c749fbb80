// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A DIMSE status code (PS3.7 C). Equality is of the code; families are asked for by `category`.
package struct Status: RawRepresentable, Hashable, Sendable, Codable, CustomStringConvertible {
    package enum Category: Sendable { case success, pending, cancel, warning, failure }

    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let success = Status(rawValue: 0x0000)
    // PS3.4 B.2.3, Storage Service Class
    package static let outOfResources = Status(rawValue: 0xA700)
    package static let dataSetDoesNotMatchSOPClass = Status(rawValue: 0xA900)
    package static let cannotUnderstand = Status(rawValue: 0xC000)
    // PS3.4 C.4.1.1.4, C.4.2.1.5 and C.4.3.1.4, Query/Retrieve
    package static let unableToProcess = Status(rawValue: 0xC001)
    package static let unableToCalculateMatches = Status(rawValue: 0xA701)
    package static let unableToPerformSubOperations = Status(rawValue: 0xA702)
    package static let moveDestinationUnknown = Status(rawValue: 0xA801)
    package static let subOperationsFailed = Status(rawValue: 0xB000)
    // PS3.7 C.4 and C.5
    package static let missingAttribute = Status(rawValue: 0x0120)
    package static let invalidAttributeValue = Status(rawValue: 0x0106)
    package static let duplicateSOPInstance = Status(rawValue: 0x0111)
    package static let processingFailure = Status(rawValue: 0x0110)
    package static let sopClassNotSupported = Status(rawValue: 0x0122)
    package static let invalidSOPInstance = Status(rawValue: 0x0117)
    package static let notAuthorized = Status(rawValue: 0x0124)
    package static let unrecognizedOperation = Status(rawValue: 0x0211)
    package static let mistypedArgument = Status(rawValue: 0x0212)
    package static let pending = Status(rawValue: 0xFF00)
    package static let pendingWithWarning = Status(rawValue: 0xFF01)
    package static let canceled = Status(rawValue: 0xFE00)

    package var category: Category {
        switch rawValue {
        case 0x0000: .success
        case 0xFF00, 0xFF01: .pending
        case 0xFE00: .cancel
        case 0x0001, 0x0107, 0x0116, 0xB000...0xBFFF: .warning
        default: .failure
        }
    }

    package var description: String {
        let digits = String(rawValue, radix: 16, uppercase: true)
        return String(repeating: "0", count: 4 - digits.count) + digits
    }
}

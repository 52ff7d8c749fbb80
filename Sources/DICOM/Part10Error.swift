// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why a file was not accepted.
package enum Part10Error: Error, Equatable, Sendable {
    /// No preamble with "DICM" (PS3.10 7.1).
    case notPart10
    /// File meta information that is wrong, ends in two places or names no transfer syntax.
    case malformedFileMeta(Tag)
    /// The file ends before its data set begins.
    case truncated(offset: Int)
    /// The head is sound, the data set is not.
    case dataSet(ScanError)
}

extension Part10Error: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notPart10: "not a DICOM file"
        case .malformedFileMeta(let tag): "the file meta information is wrong at \(tag)"
        case .truncated(let offset): "the file ends at byte \(offset), before its data set"
        case .dataSet(let error): error.description
        }
    }
}

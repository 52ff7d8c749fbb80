// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What storage says of a file that it made durable.
package struct StoredFile: Sendable, Hashable, Codable {
    /// Relative to the store.
    package var path: String
    /// The store's epoch that the file lies in: see docs/decisions/01.
    package var epoch: Int64
    package var size: Int64
    /// SHA-256 of the data set up to Pixel Data, and from there on.
    package var headerDigest: [UInt8]
    /// Nil where the data set has no Pixel Data, or where it is not told apart (deflated transfer syntax).
    package var pixelDigest: [UInt8]?

    package init(path: String, epoch: Int64, size: Int64, headerDigest: [UInt8], pixelDigest: [UInt8]?) {
        self.path = path
        self.epoch = epoch
        self.size = size
        self.headerDigest = headerDigest
        self.pixelDigest = pixelDigest
    }
}

/// What became of a recorded instance. All of them are a success to the peer.
package enum RecordOutcome: Sendable, Equatable {
    case new
    /// The same bytes are kept already: the caller removes the file that it has just stored.
    case duplicate(existing: String)
    /// The same bytes, and the file that was kept is missing or damaged: this one has taken its place and must stay.
    case restored(lost: String)
    /// The same bytes, and the file that was kept has expired: this one takes its place.
    case returned
    /// The same identity and pixels under another header: kept beside the first, which stays current.
    case coercedCopy
    /// Not known yet whether the pixels are the same; the series is not analysed until `resolve(_:)` has told.
    case transcodedCopyPending
    /// Another identity or other pixels under the same UID: kept, analysis of the study is blocked.
    case conflict(reason: String)
}

/// Names one association to the index while it is open; 0 where there is none (a folder, a recovered file).
package typealias AssociationID = UInt64

/// A series by its row.
package struct SeriesID: Hashable, Sendable, Codable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}
package struct JobID: Hashable, Sendable, Codable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}
package struct DeliveryID: Hashable, Sendable, Codable {
    package let rawValue: Int64
    package init(rawValue: Int64) { self.rawValue = rawValue }
}

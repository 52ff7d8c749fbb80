// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// What a peer wanted and did not get: one line of `GET /api/refusals`, equal ones counted.
package struct RefusalItem: Codable, Sendable, Equatable {
    /// The class of the reason, as `/metrics` labels it, such as "unknownCallingAETitle".
    package var kind: String
    package var first: Date
    package var last: Date
    package var count: Int
    /// Numeric; empty where no connection was accepted.
    package var peerAddress: String
    /// As sent, printable ASCII; empty where no association request was read.
    package var callingAETitle: String
    package var calledAETitle: String
    /// The three fields of the A-ASSOCIATE-RJ, such as "1/1/3"; null where none was sent.
    package var rejection: String?
    package var reason: String
    /// What to do; empty where there is nothing to advise.
    package var hint: String

    package init(
        kind: String, first: Date, last: Date, count: Int, peerAddress: String, callingAETitle: String,
        calledAETitle: String, rejection: String?, reason: String, hint: String
    ) {
        self.kind = kind
        self.first = first
        self.last = last
        self.count = count
        self.peerAddress = peerAddress
        self.callingAETitle = callingAETitle
        self.calledAETitle = calledAETitle
        self.rejection = rejection
        self.reason = reason
        self.hint = hint
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(kind, forKey: .kind)
        try container.encode(first, forKey: .first)
        try container.encode(last, forKey: .last)
        try container.encode(count, forKey: .count)
        try container.encode(peerAddress, forKey: .peerAddress)
        try container.encode(callingAETitle, forKey: .callingAETitle)
        try container.encode(calledAETitle, forKey: .calledAETitle)
        // Null rather than absent.
        try container.encode(rejection, forKey: .rejection)
        try container.encode(reason, forKey: .reason)
        try container.encode(hint, forKey: .hint)
    }
}

/// The answer of `GET /api/refusals`.
package struct RefusalList: Codable, Sendable, Equatable {
    /// Newest first.
    package var refusals: [RefusalItem]

    package init(refusals: [RefusalItem]) { self.refusals = refusals }

    /// Reads what the API writes.
    package static func decoded(from data: Data) -> RefusalList? {
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = Timestamp.decoding
        return try? decoder.decode(RefusalList.self, from: data)
    }
}

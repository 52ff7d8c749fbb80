// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What ends an association, thrown up to the one place that tells the peer and the node.
enum Ending: Error, Equatable {
    /// The peer asks for release, between messages.
    case releaseRequested
    case aborted
    case lost
    case timedOut
    /// The peer broke the protocol: what happened, and the reason of our A-ABORT (PS3.8 9.3.8).
    case violated(String, reason: UInt8)
    case stopped

    static let noReason: UInt8 = 0
    static let unexpectedPDU: UInt8 = 2
    static let invalidParameter: UInt8 = 6

    static func violated(_ words: String) -> Ending { .violated(words, reason: noReason) }

    /// In words, for an outcome.
    var words: String {
        switch self {
        case .releaseRequested: "the peer released the association"
        case .aborted: "the peer aborted the association"
        case .lost: "the connection was lost"
        case .timedOut: "the peer did not answer in time"
        case .violated(let words, _): "the peer broke the protocol: \(words)"
        case .stopped: "the node stops"
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which association something happened on, and with whom.
package struct AssociationInfo: Sendable, Hashable {
    /// Unique and ascending within the life of the process.
    package var id: UInt64
    package var callingAETitle: AETitle
    package var calledAETitle: AETitle
    /// Numeric, without the port.
    package var peerAddress: String

    package init(id: UInt64, callingAETitle: AETitle, calledAETitle: AETitle, peerAddress: String) {
        self.id = id
        self.callingAETitle = callingAETitle
        self.calledAETitle = calledAETitle
        self.peerAddress = peerAddress
    }
}

/// How an association ended.
package enum AssociationEnd: Sendable, Equatable {
    case released
    /// The peer aborted.
    case aborted
    /// The connection went away without release or abort.
    case lost
    case timedOut
    /// We aborted, because the peer broke the protocol.
    case violated(String)
    /// We aborted, because the node stops.
    case stopped
}

/// A connection that became no association, for logs and metrics.
package struct AssociationRefusal: Sendable {
    package var peerAddress: String
    /// Printable ASCII, at most 16 characters; empty where no request was read.
    package var callingAETitle: String
    package var calledAETitle: String
    /// What was answered; nil where the peer got no answer but an abort or a closed connection.
    package var rejection: Rejection?
    /// In words, for the operator.
    package var reason: String

    package init(
        peerAddress: String, callingAETitle: String = "", calledAETitle: String = "", rejection: Rejection? = nil,
        reason: String
    ) {
        self.peerAddress = peerAddress
        self.callingAETitle = callingAETitle
        self.calledAETitle = calledAETitle
        self.rejection = rejection
        self.reason = reason
    }
}

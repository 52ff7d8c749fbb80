// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// Which association something happened on, and with whom.
package struct AssociationInfo: Sendable, Hashable {
    /// Unique and ascending within the life of the process.
    package var id: UInt64
    package var callingAETitle: AETitle
    package var calledAETitle: AETitle
    /// Numeric, without the port.
    package var peerAddress: String
    /// Version, cipher suite and the peer's certificate, where it came by TLS.
    package var tls: TLSSession.Peer?
    /// Who that is by the configuration, and what it may do; its title may be written in another case than it was sent.
    package var caller: KnownPeer

    package init(
        id: UInt64, callingAETitle: AETitle, calledAETitle: AETitle, peerAddress: String, caller: KnownPeer? = nil,
        tls: TLSSession.Peer? = nil
    ) {
        self.id = id
        self.callingAETitle = callingAETitle
        self.calledAETitle = calledAETitle
        self.peerAddress = peerAddress
        self.tls = tls
        self.caller = caller ?? KnownPeer(aeTitle: callingAETitle)
    }
}

extension AssociationInfo {
    /// Something that was refused on an association that stands.
    func refusal(_ kind: AssociationRefusal.Kind, reason: String) -> AssociationRefusal {
        AssociationRefusal(
            kind, peerAddress: peerAddress, callingAETitle: callingAETitle.string, calledAETitle: calledAETitle.string,
            reason: reason)
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

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Something that a peer wanted and did not get: an association, a service on it, or that an instance is stored. For the
/// operator, who asks why nothing arrives. Without patient data.
package struct AssociationRefusal: Sendable, Hashable {
    /// Few, for they label a metric.
    package enum Kind: String, Sendable, CaseIterable {
        case unknownCallingAETitle, address, calledAETitle, protocolVersion, malformed
        case tls, http, notDICOM, noRequest, tooSlow, lost
        case associationLimit, congestion
        case service, noContext, store
        case system
    }

    package var kind: Kind
    /// Numeric; empty where no connection was accepted.
    package var peerAddress: String
    /// As sent, printable ASCII of at most 16 characters; empty where no request was read.
    package var callingAETitle: String
    package var calledAETitle: String
    /// What was answered; nil where the peer got no answer but an abort or a closed connection, or where the association stands.
    package var rejection: Rejection?
    /// In words: printable ASCII.
    package var reason: String

    package init(
        _ kind: Kind, peerAddress: String, callingAETitle: String = "", calledAETitle: String = "",
        rejection: Rejection? = nil, reason: String
    ) {
        self.kind = kind
        self.peerAddress = peerAddress
        self.callingAETitle = Self.printable(callingAETitle, 16)
        self.calledAETitle = Self.printable(calledAETitle, 16)
        self.rejection = rejection
        self.reason = Self.printable(reason, 300)
    }

    private static func printable(_ text: String, _ limit: Int) -> String {
        String(decoding: text.utf8.prefix(limit).map { (0x20...0x7E).contains($0) ? $0 : 0x3F }, as: UTF8.self)
    }

    /// False where the association stands: a service of several, or an instance, was refused.
    package var endsConnection: Bool {
        switch kind {
        case .service, .noContext, .store: false
        default: true
        }
    }

    /// What to do about it; empty where there is nothing to advise.
    package var hint: String {
        switch kind {
        case .unknownCallingAETitle:
            "If the peer may call, list its AE title under peers in triaged.yaml, or correct it at the peer."
        case .address: "If the peer moved, correct its address under peers in triaged.yaml."
        case .calledAETitle:
            "Set our AE title (dicom.aeTitle) at the peer, or dicom.calledAETitle to any in triaged.yaml."
        case .protocolVersion: "The peer does not speak DICOM's upper layer protocol version 1."
        case .malformed: "The peer breaks PS3.8; its vendor should know."
        case .tls: "Give the peer the port for TLS, if this node has one."
        case .http: "This is the DICOM port; the worklist is on the web server's port."
        case .notDICOM: "A port scan, or a program that is not DICOM."
        case .noRequest: "A port scan, a health check of a load balancer, or a peer that was stopped."
        case .tooSlow: "The network between the peer and here loses packets, or the peer hangs."
        case .lost: "The network between the peer and here, or the peer itself, ended the connection."
        case .associationLimit:
            "The peer may try again. If this goes on, raise maximumAssociations in triaged.yaml, or lower the peer's number."
        case .congestion: "The peer may try again. If this goes on, look for what floods this port."
        case .service: "If the peer may do this, add the service to its entry under peers in triaged.yaml."
        case .noContext: "The peer wants what this node does not offer; docs/conformance.md lists what it does."
        case .store: "The log names the instance; A7xx is space, A9xx and Cxxx are the data set's own faults."
        case .system: "Look at the limits of the service: open files, threads and memory."
        }
    }
}

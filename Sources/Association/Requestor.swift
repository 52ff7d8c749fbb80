// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc

/// Asks a peer for associations. Its calls block, with deadlines: not for Swift's cooperative pool. Any thread.
package struct Requestor: Sendable {
    package var callingAETitle: AETitle
    package var calledAETitle: AETitle
    package var host: String
    package var port: UInt16
    package var timeouts: Timeouts
    /// Nil is plain DICOM.
    package var tls: TLS?

    package struct TLS: Sendable {
        /// Asked for each association, so that certificates can be renewed.
        package var context: @Sendable () -> TLSContext
        /// What the acceptor's certificate must carry; nil takes any that is trusted.
        package var certificateName: String?

        package init(certificateName: String? = nil, context: @escaping @Sendable () -> TLSContext) {
            self.context = context
            self.certificateName = certificateName
        }
    }

    package init(
        callingAETitle: AETitle, calledAETitle: AETitle, host: String, port: UInt16, timeouts: Timeouts = Timeouts()
    ) {
        self.callingAETitle = callingAETitle
        self.calledAETitle = calledAETitle
        self.host = host
        self.port = port
        self.timeouts = timeouts
    }

    /// What an association is to be for. Up to 128 of them fit; more are an error of the caller.
    package struct Proposal: Sendable, Hashable {
        package var abstractSyntax: UID
        package var transferSyntaxes: [UID]
        /// Ours; nil proposes none, and leaves us the SCU.
        package var role: RoleSelection?

        package init(abstractSyntax: UID, transferSyntaxes: [UID], role: RoleSelection? = nil) {
            self.abstractSyntax = abstractSyntax
            self.transferSyntaxes = transferSyntaxes
            self.role = role
        }

        package static let verification = Proposal(
            abstractSyntax: AssociateRequest.verification, transferSyntaxes: [TransferSyntax.implicitVRLittleEndian.uid]
        )
        package static let find = Proposal(
            abstractSyntax: StudyRootQuery.find,
            transferSyntaxes: [TransferSyntax.explicitVRLittleEndian.uid, TransferSyntax.implicitVRLittleEndian.uid])
    }

    /// Connects and associates. Use the association on one thread, and release it.
    package func associate(for proposals: [Proposal]) throws(RequestFailure) -> RequestedAssociation {
        guard (1...AssociatePDU.maximumContexts).contains(proposals.count),
            proposals.allSatisfy({ !$0.transferSyntaxes.isEmpty })
        else { throw .local(reason: "an association has 1 to 128 presentation contexts, each with a transfer syntax") }
        let proposed = proposals.enumerated().map { index, proposal in
            ProposedPresentationContext(
                id: UInt8(2 * index + 1), abstractSyntax: proposal.abstractSyntax,
                transferSyntaxes: proposal.transferSyntaxes)
        }
        var request = AssociateRequest(
            calledAETitle: calledAETitle, callingAETitle: callingAETitle, contexts: proposed,
            maximumPDULength: Limits.maximumPDULength)
        for proposal in proposals { request.roles[proposal.abstractSyntax] = proposal.role }
        let proposedRoles = request.roles
        var socket = try connect()
        let deadline = ContinuousClock.now + timeouts.associate
        if let tls { try Self.start(tls, over: &socket, until: deadline) }
        let accept = try shakeHands(request, over: socket, until: deadline)
        let contexts = accept.answers.compactMap { answer -> PresentationContext? in
            guard answer.result == .acceptance, let transferSyntax = answer.transferSyntax,
                let proposal = proposed.first(where: { $0.id == answer.id }),
                proposal.transferSyntaxes.contains(transferSyntax),
                let abstractSyntax = proposal.abstractSyntax
            else { return nil }
            return PresentationContext(
                id: answer.id, abstractSyntax: abstractSyntax, transferSyntax: transferSyntax,
                // Peers that play the part, but leave the item out, are taken at their deeds.
                role: accept.roles[abstractSyntax] ?? proposedRoles[abstractSyntax] ?? .none)
        }
        // DUL takes the peer's maximum length from here.
        request.maximumPDULength = accept.maximumPDULength
        let handle: AssociationHandle
        let (descriptor, session) = socket.take()
        do throws(DCMTKError) {
            handle = try AssociationHandle(
                socket: descriptor, session: session, request: request.reduced.encoded(),
                maximumPDULength: Limits.maximumPDULength)
        } catch {
            throw .notConnected(reason: error.text)
        }
        // A peer may answer an identifier twice; the first counts.
        var unique: [UInt8: PresentationContext] = [:]
        for context in contexts where unique[context.id] == nil { unique[context.id] = context }
        let accepted = unique.values.sorted { $0.id < $1.id }
        return RequestedAssociation(
            stream: MessageStream(handle: handle, contexts: accepted, timeouts: timeouts), contexts: accepted)
    }

    /// One C-ECHO on an association of its own.
    package func echo() -> RequestOutcome<StatusAnswer> {
        do throws(RequestFailure) {
            let association = try associate(for: [.verification])
            defer { association.release() }
            return association.echo()
        } catch {
            return .failed(error)
        }
    }

    /// One C-FIND on an association of its own: does the peer hold this instance?
    package func find(studyInstanceUID: UID, seriesInstanceUID: UID, sopInstanceUID: UID) -> RequestOutcome<FindAnswer>
    {
        do throws(RequestFailure) {
            let association = try associate(for: [.find])
            defer { association.release() }
            return association.find(
                studyInstanceUID: studyInstanceUID, seriesInstanceUID: seriesInstanceUID, sopInstanceUID: sopInstanceUID
            )
        } catch {
            return .failed(error)
        }
    }

    // MARK: handshake

    /// Tries each address of the host until one connects or the time is over. The look-up of a name is the resolver's, and
    /// takes as long as resolv.conf says; numeric addresses need none.
    private func connect() throws(RequestFailure) -> Socket {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let first = list else {
            throw .notConnected(reason: "host \(host): \(String(cString: gai_strerror(code)))")
        }
        defer { freeaddrinfo(list) }
        let deadline = ContinuousClock.now + timeouts.connect
        var reason = "no address"
        for address in sequence(first: first, next: { $0.pointee.ai_next }) {
            do throws(Socket.Failure) {
                return try .connected(
                    to: address.pointee.ai_addr, length: address.pointee.ai_addrlen,
                    family: address.pointee.ai_family, until: deadline)
            } catch {
                reason = error == .timedOut ? "no connection in time" : error.words
            }
        }
        throw .notConnected(reason: "\(host) port \(port): \(reason)")
    }

    private static func start(
        _ tls: TLS, over socket: inout Socket, until deadline: ContinuousClock.Instant
    ) throws(RequestFailure) {
        do throws(Socket.Failure) {
            try socket.startTLS(tls.context(), isAcceptor: false, until: deadline)
        } catch {
            throw .notConnected(reason: "TLS handshake: \(error.words)")
        }
        if let name = tls.certificateName, !socket.peerHasName(name) {
            throw .notConnected(
                reason: "the peer's certificate is of \(socket.tlsPeer?.subject ?? ""), and \(name) is due")
        }
    }

    private func shakeHands(
        _ request: AssociateRequest, over socket: borrowing Socket, until deadline: ContinuousClock.Instant
    ) throws(RequestFailure) -> AssociateAccept {
        let pdu: [UInt8]
        do throws(Socket.Failure) {
            try socket.write(request.encoded(), until: deadline)
            pdu = try socket.readPDU(maximumLength: AssociatePDU.maximumLength, until: deadline)
        } catch {
            throw .notConnected(reason: "association request: \(error.words)")
        }
        switch pdu[0] {
        case AssociatePDU.acceptType:
            do throws(AssociatePDU.Malformation) {
                return try AssociateAccept(parsing: pdu)
            } catch {
                throw .notConnected(reason: "malformed answer to the association request: \(error.reason)")
            }
        case 0x03 where pdu.count >= 10:
            throw .rejected(Rejection(result: pdu[7], source: pdu[8], reason: pdu[9]))
        case 0x07:
            throw .notConnected(reason: "the peer aborted instead of answering the association request")
        default:
            throw .notConnected(reason: "the peer answered the association request with a PDU of type \(pdu[0])")
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One accepted connection on its own thread: reads and judges the request, then serves the association.
struct Connection: Sendable {
    let configuration: Acceptor.Configuration
    let needs: AcceptorNeeds
    let connections: Connections
    let peerAddress: String
    /// For a connection to the TLS port.
    let tlsContext: (@Sendable () -> TLSContext)?

    func start(owning descriptor: Int32) {
        let isUrgent = configuration.policy.isUrgent(address: peerAddress)
        guard let id = connections.enter(descriptor, from: peerAddress, isUrgent: isUrgent) else {
            return refuse(Socket(owning: descriptor), .congestion, reason: "too many connections wait already")
        }
        let started = BlockingThread.start {
            run(id, Socket(owning: descriptor))
            connections.threadEnded(id)
        }
        if !started {
            connections.leave(id)
            connections.threadEnded(id)
            refuse(Socket(owning: descriptor), .system, reason: "the system gives no thread")
        }
    }

    /// On the accepting thread, so without a wait: the rejection goes into the empty socket buffer.
    private func refuse(_ socket: consuming Socket, _ kind: AssociationRefusal.Kind, reason: String) {
        // A peer that begins TLS would not understand it.
        if tlsContext == nil { try? socket.write(AssociatePDU.rejection(.temporaryCongestion), until: .now) }
        needs.refused(
            AssociationRefusal(kind, peerAddress: peerAddress, rejection: .temporaryCongestion, reason: reason))
    }

    private func run(_ id: UInt64, _ taken: consuming Socket) {
        var socket = taken
        let deadline = ContinuousClock.now + configuration.timeouts.associate
        if let tlsContext {
            do throws(Socket.Failure) {
                try socket.startTLS(tlsContext(), isAcceptor: true, until: deadline)
            } catch {
                needs.refused(AssociationRefusal(.tls, peerAddress: peerAddress, reason: Self.reason(error)))
                // PS3.8 9.3.8: a provider's abort, in plain for a peer that spoke plainly.
                finish(
                    id, socket, with: error == .plain ? AssociatePDU.abort(source: 2, reason: 0) : nil, lingers: true)
                return
            }
        }
        let read = Result { () throws(RequestReader.Failure) in try RequestReader.read(from: socket, until: deadline) }
        switch read {
        case .failure(let failure):
            refuse(failure, id)
            finish(id, socket, with: failure.answer)
        case .success(let request):
            let admitted = Result { () throws(AcceptancePolicy.Rebuff) in try admit(request, over: socket, id) }
            switch admitted {
            case .failure(let rebuff):
                needs.refused(refusal(rebuff.kind, of: request, rebuff.rejection, reason: rebuff.reason))
                finish(id, socket, with: AssociatePDU.rejection(rebuff.rejection))
            case .success(let caller):
                serve(request, of: caller, id, socket)
            }
        }
    }

    private func refuse(_ failure: RequestReader.Failure, _ id: UInt64) {
        // A connection that was cut to make room looks like one that the peer closed.
        let wasCut = failure.answer == nil && failure.kind != .tooSlow && !connections.isEntered(id)
        needs.refused(
            AssociationRefusal(
                wasCut ? .congestion : failure.kind, peerAddress: peerAddress, rejection: failure.rejection,
                reason: wasCut
                    ? "closed without an answer: too many connections wait, and this one had waited longest"
                    : failure.reason))
    }

    private func refusal(
        _ kind: AssociationRefusal.Kind, of request: AssociateRequest, _ rejection: Rejection? = nil, reason: String
    ) -> AssociationRefusal {
        AssociationRefusal(
            kind, peerAddress: peerAddress, callingAETitle: request.callingText, calledAETitle: request.calledText,
            rejection: rejection, reason: reason)
    }

    /// Of a handshake that came to nothing.
    private static func reason(_ failure: Socket.Failure) -> String {
        switch failure {
        case .timedOut: "no whole TLS handshake in time"
        case .closed: "the peer closed the connection within the TLS handshake"
        case .tls, .plain, .system, .tooLong: failure.words
        }
    }

    /// The last PDU of a connection that became no association. `lingers` where TLS has had a last word.
    private func finish(_ id: UInt64, _ socket: consuming Socket, with pdu: [UInt8]?, lingers: Bool = false) {
        let closing = ContinuousClock.now + configuration.timeouts.close
        if let pdu { try? socket.write(pdu, until: closing) }
        connections.leave(id)
        if pdu != nil || lingers { socket.linger(until: closing) }
    }

    private func admit(
        _ request: AssociateRequest, over socket: borrowing Socket, _ id: UInt64
    ) throws(AcceptancePolicy.Rebuff) -> KnownPeer {
        let caller = try configuration.policy.caller(of: request, from: peerAddress)
        if let name = configuration.certificateNames[caller.aeTitle], !socket.peerHasName(name) {
            let subject = socket.tlsPeer?.subject
            let shown = subject.map { $0.isEmpty ? "no certificate" : "a certificate of \($0)" } ?? "no TLS"
            throw AcceptancePolicy.Rebuff(
                kind: .tls, rejection: .callingAETitleNotRecognized,
                reason: "\(caller.aeTitle) must show a certificate of \(name), and comes with \(shown)")
        }
        do throws(Connections.Denial) {
            try connections.establish(id, for: caller)
        } catch {
            throw AcceptancePolicy.Rebuff(
                kind: error == .cut ? .congestion : .associationLimit,
                rejection: error == .cut ? .temporaryCongestion : .localLimitExceeded, reason: error.words)
        }
        return caller
    }

    private func serve(
        _ request: AssociateRequest, of caller: KnownPeer, _ id: UInt64, _ socket: consuming Socket
    ) {
        // Nobody is admitted without them.
        guard let calling = request.callingAETitle, let called = request.calledAETitle else { return }
        let info = AssociationInfo(
            id: id, callingAETitle: calling, calledAETitle: called, peerAddress: peerAddress, caller: caller,
            tls: socket.tlsPeer)
        let policy = configuration.policy
        let answers = request.contexts.map { context in
            policy.answer(
                to: context, for: caller, role: context.abstractSyntax.flatMap { request.roles[$0] })
        }
        let roles = policy.roles(answering: request.roles, for: caller)
        let accept = AssociateAccept(answers: answers, roles: roles, maximumPDULength: Limits.maximumPDULength)
        func fail(_ reason: String) {
            connections.leave(id)
            needs.refused(refusal(.lost, of: request, reason: "the association could not be accepted: \(reason)"))
        }
        do throws(Socket.Failure) {
            try socket.write(accept.encoded(to: request), until: .now + configuration.timeouts.pdu)
        } catch {
            return fail("the peer does not take the answer: \(error.words)")
        }
        let handle: AssociationHandle
        let (descriptor, session) = socket.take()
        do throws(DCMTKError) {
            handle = try AssociationHandle(
                socket: descriptor, session: session, request: request.reduced.encoded(),
                maximumPDULength: Limits.maximumPDULength)
        } catch {
            return fail(error.text)
        }
        let contexts = zip(request.contexts, answers).compactMap { proposed, answer -> PresentationContext? in
            guard let abstractSyntax = proposed.abstractSyntax, let transferSyntax = answer.transferSyntax else {
                return nil
            }
            return PresentationContext(
                id: proposed.id, abstractSyntax: abstractSyntax, transferSyntax: transferSyntax,
                role: roles[abstractSyntax] ?? .none)
        }
        let stream = MessageStream(
            handle: handle, contexts: contexts, timeouts: configuration.timeouts,
            isStopped: { connections.isStopped(id) })
        needs.opened(info)
        if let refusal = policy.refusal(of: request.contexts, answers, on: info) { needs.refused(refusal) }
        let loop = ServiceLoop(
            stream: stream, policy: policy,
            providers: providers(info, contexts))
        conclude(stream, after: loop.run(), id, info)
    }

    private func providers(
        _ info: AssociationInfo, _ contexts: [PresentationContext]
    ) -> [ServiceClass: any ServiceProvider] {
        var providers: [ServiceClass: any ServiceProvider] = [
            .verification: VerificationSCP(),
            .storage: StorageSCP(
                needs: needs.storage, policy: configuration.policy, info: info, refused: needs.refused),
        ]
        if let steps = needs.procedureSteps {
            providers[.performedProcedureStep] = ProcedureStepSCP(needs: steps, info: info)
            providers[.instanceAvailability] = InstanceAvailabilitySCP(needs: steps, info: info)
        }
        if needs.commitment != nil || needs.takeReport != nil {
            providers[.storageCommitment] = StorageCommitmentSCP(
                needs: needs.commitment, takeReport: needs.takeReport, info: info)
        }
        providers[.query] = needs.query.map { QuerySCP(needs: $0, info: info) }
        providers[.retrieve] = needs.retrieve.map { RetrieveSCP(needs: $0, info: info, contexts: contexts) }
        return providers
    }

    /// Tells the peer and the node.
    private func conclude(_ stream: MessageStream, after ending: Ending, _ id: UInt64, _ info: AssociationInfo) {
        let end: AssociationEnd
        switch ending {
        case .releaseRequested:
            stream.acknowledgeRelease()
            end = .released
        case .aborted: end = .aborted
        case .lost: end = .lost
        case .timedOut:
            stream.abort()
            end = .timedOut
        case .violated(let words, let reason):
            stream.abort(reason: reason)
            end = .violated(words)
        case .stopped:
            stream.abort()
            end = .stopped
        }
        needs.ended(info, end)
        // The stream, and with it the descriptor, outlives its entry.
        withExtendedLifetime(stream) { connections.leave(id) }
        if end != .aborted, end != .lost { stream.linger() }
    }
}

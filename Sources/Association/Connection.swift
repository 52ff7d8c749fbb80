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

    func start(owning descriptor: Int32) {
        guard let id = connections.enter(descriptor) else {
            return refuse(Socket(owning: descriptor), reason: "too many connections wait already")
        }
        let started = BlockingThread.start {
            run(id, Socket(owning: descriptor))
            connections.threadEnded()
        }
        if !started {
            connections.leave(id)
            connections.threadEnded()
            refuse(Socket(owning: descriptor), reason: "the system gives no thread")
        }
    }

    /// On the accepting thread, so without a wait: the rejection goes into the empty socket buffer.
    private func refuse(_ socket: consuming Socket, reason: String) {
        try? socket.write(AssociatePDU.rejection(.temporaryCongestion), until: .now)
        needs.refused(AssociationRefusal(peerAddress: peerAddress, rejection: .temporaryCongestion, reason: reason))
    }

    private func run(_ id: UInt64, _ socket: consuming Socket) {
        // The place for a TLS handshake: what follows would read from its session.
        let deadline = ContinuousClock.now + configuration.timeouts.associate
        let read = Result { () throws(RequestReader.Failure) in try RequestReader.read(from: socket, until: deadline) }
        switch read {
        case .failure(let failure):
            needs.refused(
                AssociationRefusal(peerAddress: peerAddress, rejection: failure.rejection, reason: failure.reason))
            finish(id, socket, with: failure.answer)
        case .success(let request):
            if let (rejection, reason) = verdict(on: request, id) {
                needs.refused(
                    AssociationRefusal(
                        peerAddress: peerAddress, callingAETitle: request.callingText,
                        calledAETitle: request.calledText,
                        rejection: rejection, reason: reason))
                finish(id, socket, with: AssociatePDU.rejection(rejection))
            } else {
                serve(request, id, socket)
            }
        }
    }

    /// The last PDU of a connection that became no association.
    private func finish(_ id: UInt64, _ socket: consuming Socket, with pdu: [UInt8]?) {
        let closing = ContinuousClock.now + configuration.timeouts.close
        if let pdu { try? socket.write(pdu, until: closing) }
        connections.leave(id)
        if pdu != nil { socket.linger(until: closing) }
    }

    private func verdict(on request: AssociateRequest, _ id: UInt64) -> (Rejection, String)? {
        if let (rejection, reason) = configuration.policy.rejection(of: request) { return (rejection, reason) }
        guard connections.establish(id) else {
            return (.localLimitExceeded, "\(configuration.maximumAssociations) associations are open already")
        }
        return nil
    }

    private func serve(_ request: AssociateRequest, _ id: UInt64, _ socket: consuming Socket) {
        // The verdict accepts no request without them.
        guard let calling = request.callingAETitle, let called = request.calledAETitle else { return }
        let info = AssociationInfo(id: id, callingAETitle: calling, calledAETitle: called, peerAddress: peerAddress)
        let policy = configuration.policy
        let answers = request.contexts.map(policy.answer(to:))
        let roles = policy.roles(answering: request.roles)
        let accept = AssociateAccept(answers: answers, roles: roles, maximumPDULength: Limits.maximumPDULength)
        func fail(_ reason: String) {
            connections.leave(id)
            needs.refused(
                AssociationRefusal(
                    peerAddress: peerAddress, callingAETitle: request.callingText, calledAETitle: request.calledText,
                    reason: "the association could not be accepted: \(reason)"))
        }
        do throws(Socket.Failure) {
            try socket.write(accept.encoded(to: request), until: .now + configuration.timeouts.pdu)
        } catch {
            return fail("the peer does not take the answer: \(error.words)")
        }
        let handle: AssociationHandle
        do throws(DCMTKError) {
            handle = try AssociationHandle(
                socket: socket.take(), request: request.reduced.encoded(), maximumPDULength: Limits.maximumPDULength)
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
        let loop = ServiceLoop(
            stream: stream, policy: policy,
            providers: providers(info))
        conclude(stream, after: loop.run(), id, info)
    }

    private func providers(_ info: AssociationInfo) -> [ServiceClass: any ServiceProvider] {
        var providers: [ServiceClass: any ServiceProvider] = [
            .verification: VerificationSCP(),
            .storage: StorageSCP(needs: needs.storage, policy: configuration.policy, info: info),
        ]
        if let steps = needs.procedureSteps {
            providers[.performedProcedureStep] = ProcedureStepSCP(needs: steps, info: info)
            providers[.instanceAvailability] = InstanceAvailabilitySCP(needs: steps, info: info)
        }
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

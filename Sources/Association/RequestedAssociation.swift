// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// An association that we asked for. Used by one thread; not Sendable. Dropped without `release`, it is aborted.
package final class RequestedAssociation {
    let stream: MessageStream
    package let contexts: [PresentationContext]
    private var lastMessageID: UInt16 = 0
    /// Why nothing more can be asked.
    private var ended: String?
    /// Takes a report of storage commitment that comes over this association, between any two messages; makes it durable, and
    /// gives the answer to it.
    package var takeReport: ((CommitmentReport) -> StatusAnswer)?

    package var isOpen: Bool { ended == nil }

    init(stream: MessageStream, contexts: [PresentationContext]) {
        self.stream = stream
        self.contexts = contexts
    }

    deinit { if ended == nil { stream.abort() } }

    /// Released in order, and closed. Nothing can be asked afterwards.
    package func release() {
        guard ended == nil else { return }
        ended = "it was released"
        if !stream.release() { stream.abort() }
        stream.linger()
    }

    /// The context for an abstract syntax, in one transfer syntax or any.
    package func context(for abstractSyntax: UID, in transferSyntax: UID? = nil) -> PresentationContext? {
        contexts.first {
            $0.abstractSyntax == abstractSyntax && (transferSyntax == nil || $0.transferSyntax == transferSyntax)
        }
    }

    /// Verification (PS3.4 A).
    package func echo() -> RequestOutcome<StatusAnswer> {
        perform(AssociateRequest.verification) { context, messageID throws(Interruption) in
            let command = CommandSet.request(
                .cEchoRequest, messageID: messageID, affectedSOPClassUID: context.abstractSyntax, hasDataSet: false)
            try self.send { () throws(Ending) in try self.stream.write(command, on: context) }
            return try self.response(to: messageID, of: .cEchoRequest, on: context).answer
        }
    }

    // MARK: for the services

    /// Where a request stopped: before its last byte went out, or after.
    enum Interruption: Error {
        case before(RequestFailure)
        case after(Ending)
    }

    func perform<Answer: Sendable>(
        _ abstractSyntax: UID, in transferSyntax: UID? = nil,
        _ body: (PresentationContext, UInt16) throws(Interruption) -> Answer
    ) -> RequestOutcome<Answer> {
        if let ended { return .failed(.associationEnded(reason: ended)) }
        guard let context = context(for: abstractSyntax, in: transferSyntax) else {
            return .failed(.contextNotAccepted(abstractSyntax: abstractSyntax, transferSyntax: transferSyntax))
        }
        lastMessageID &+= 1
        do throws(Interruption) {
            return .answered(try body(context, lastMessageID))
        } catch {
            switch error {
            case .before(let failure):
                // A file of ours that cannot be read is found out before anything is sent; the association stays.
                if case .associationEnded(let reason) = failure { end(because: reason, .lost) }
                return .failed(failure)
            case .after(let ending):
                end(because: ending.words, ending)
                return .unanswered(reason: ending.words)
            }
        }
    }

    func end(because reason: String, _ ending: Ending) {
        ended = reason
        switch ending {
        case .releaseRequested: stream.acknowledgeRelease()
        case .violated(_, let reason): stream.abort(reason: reason)
        case .aborted: break
        case .lost, .timedOut, .stopped: stream.abort()
        }
    }

    /// The part of a request after which its effect cannot be excluded.
    func send(_ body: () throws(Ending) -> Void) throws(Interruption) {
        do throws(Ending) {
            try body()
        } catch {
            throw .after(error)
        }
    }

    /// The part of a request that has no effect by itself, for more must follow.
    func prepare(_ body: () throws(Ending) -> Void) throws(Interruption) {
        do throws(Ending) {
            try body()
        } catch {
            throw .before(.associationEnded(reason: "\(error.words) before the request was sent whole"))
        }
    }

    /// The next response to a request, and whether a data set follows it.
    func response(
        to messageID: UInt16, of field: CommandField, on context: PresentationContext
    ) throws(Interruption) -> (answer: StatusAnswer, hasDataSet: Bool) {
        do throws(Ending) {
            var (answered, command) = try stream.readCommand(idle: stream.timeouts.response)
            while try answersReport(command, on: answered) {
                (answered, command) = try stream.readCommand(idle: stream.timeouts.response)
            }
            return try stream.value { () throws(CommandSet.Malformation) in
                guard try command.field() == field.response, answered == context else {
                    throw .badValue(element: 0x0100)
                }
                guard try command.messageIDBeingRespondedTo() == messageID else { throw .badValue(element: 0x0120) }
                return (
                    StatusAnswer(status: try command.status(), errorComment: command.errorComment),
                    try command.hasDataSet()
                )
            }
        } catch {
            throw .after(error)
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Delivery
import Index
import Logging
import Storage

/// Brings the outbox of one destination to it. Each destination has a loop of its own, so that a dead one costs the others
/// nothing. Runs on one thread.
final class DeliveryLoop {
    private let destination: Configuration.Destination
    private let index: StudyIndex
    private let store: InstanceStore
    private let requestor: Requestor
    /// Storage commitment as a requestor is not built: a C-FIND is the strongest proof asked for (docs/decisions/10).
    private let policy = DeliveryPolicy(proof: .query)
    private let logger: Logger
    private let breathe: @Sendable () -> Void

    /// Failures to associate in a row, and when to try again: they concern the destination, not one object.
    private var failures = 0
    private var notBefore = 0.0
    /// Stored objects to be looked for, with the attempts made; `nil` due means settled.
    private var confirmations: [DeliveryID: (attempts: Int, due: Double?)] = [:]
    private var offersFind = true
    private var askedForFindAt = 0.0
    /// The delivery whose outcome is not written down yet.
    private var unsettled: DeliveryID?
    private let shouldStop: @Sendable () -> Bool

    private static let batch = 32

    init(
        to destination: Configuration.Destination, from calling: AETitle, credentials: TLSCredentials? = nil,
        index: StudyIndex, store: InstanceStore,
        logger: Logger, breathe: @escaping @Sendable () -> Void, shouldStop: @escaping @Sendable () -> Bool
    ) {
        self.destination = destination
        self.index = index
        self.store = store
        var timeouts = Timeouts()
        timeouts.response = .seconds(60)
        var requestor = Requestor(
            callingAETitle: calling, calledAETitle: destination.aeTitle, host: destination.host,
            port: UInt16(destination.port), timeouts: timeouts)
        requestor.tls = destination.tls.requestorTLS(credentials)
        self.requestor = requestor
        var logger = logger
        logger[metadataKey: "destination"] = "\(destination.name)"
        self.logger = logger
        self.breathe = breathe
        self.shouldStop = shouldStop
    }

    /// Does what is due; gives the seconds to the next thing that falls due.
    func turn() throws -> Double {
        let now = MonotonicTime.now.seconds
        if let delivery = unsettled {
            // What was under way when the index could not be written: the destination may hold it.
            try index.responseUnseen(delivery, comment: "the outcome could not be written down", retryAfter: .zero)
            unsettled = nil
        }
        // A peer that did not offer C-FIND may do so after its next upgrade.
        if !offersFind, now - askedForFindAt > 3600 { offersFind = true }
        guard now >= notBefore else { return notBefore - now }
        let due = try index.dueDeliveries(to: destination.name, limit: Self.batch)
        let confirm = try dueConfirmations(at: now)
        guard !due.isEmpty || !confirm.isEmpty else { return try pause(at: now) }

        let association: RequestedAssociation
        do throws(RequestFailure) {
            association = try requestor.associate(for: proposals(due, confirm: !confirm.isEmpty))
            failures = 0
        } catch {
            if due.isEmpty { postponeConfirmations(confirm, because: error) } else { try postpone(due, because: error) }
            return 0
        }
        defer { association.release() }
        for delivery in due {
            if shouldStop() { return 0 }
            breathe()
            try deliver(delivery, over: association)
        }
        for delivery in confirm {
            if shouldStop() { return 0 }
            breathe()
            try self.confirm(delivery, over: association)
        }
        return 0
    }

    private func pause(at now: Double) throws -> Double {
        var next = 60.0
        if let due = try index.nextDeliveryDue(to: destination.name) { next = min(next, Double(due) / 1e9 - now) }
        if offersFind {
            for case let due? in confirmations.values.map(\.due) { next = min(next, due - now) }
        }
        return max(next, 0.05)
    }

    private func proposals(_ due: [Delivery], confirm: Bool) -> [Requestor.Proposal] {
        var proposals: [Requestor.Proposal] = []
        for delivery in due {
            let proposal = Requestor.Proposal(
                abstractSyntax: delivery.sopClassUID, transferSyntaxes: [delivery.transferSyntaxUID])
            if !proposals.contains(proposal) { proposals.append(proposal) }
        }
        // Always: a response may go unseen on this very association.
        if offersFind || confirm { proposals.append(.find) }
        return proposals
    }

    /// Nothing was sent. The reason goes to each object that was about to be, where the worklist shows it.
    private func postpone(_ due: [Delivery], because failure: RequestFailure) throws {
        failures += 1
        let delay = policy.delay(
            attempts: failure.isTransient ? failures : .max, jitter: Double.random(in: 0...1))
        notBefore = MonotonicTime.now.seconds + delay
        logger.warning("\(failure); next attempt in \(Int(delay)) s", metadata: ["waiting": "\(due.count)"])
        for delivery in due {
            try index.notSent(delivery.id, status: nil, comment: "\(failure)", retryAfter: .seconds(delay))
        }
        for id in confirmations.keys where confirmations[id]?.due != nil { confirmations[id]?.due = notBefore }
    }

    /// An association that was only to ask what the destination holds came to nothing: new results must not wait for that.
    private func postponeConfirmations(_ waiting: [Delivery], because failure: RequestFailure) {
        if case .rejected = failure { refusesToAnswer() }
        let due = MonotonicTime.now.seconds + policy.delay(attempts: 4, jitter: Double.random(in: 0...1))
        for delivery in waiting {
            let attempts = confirmations[delivery.id]?.attempts ?? 0
            confirmations[delivery.id] = (attempts, due)
        }
        logger.info("not asked what the destination holds: \(failure)")
    }

    private func refusesToAnswer() {
        offersFind = false
        askedForFindAt = MonotonicTime.now.seconds
    }

    // MARK: One object

    private func deliver(_ delivery: Delivery, over association: RequestedAssociation) throws {
        guard try index.beginSending(delivery.id) else { return }
        unsettled = delivery.id
        CrashPoint.reach(.deliveryStarted)
        let attempts = delivery.attempts + 1
        var attempt = delivery.responseUnseen ? Attempt.lookUp : .send
        var outcome = try perform(attempt, delivery, over: association)
        var step = next(after: outcome, of: attempt, attempts: attempts)
        // Not there, or no way to ask: the same bytes go at once, on the same association.
        if attempt == .lookUp, case .attempt(.send, _, _) = step {
            breathe()
            attempt = .send
            outcome = try perform(attempt, delivery, over: association)
            step = next(after: outcome, of: attempt, attempts: attempts)
        }
        CrashPoint.reach(.deliverySent)
        try record(step, after: outcome, for: delivery)
        unsettled = nil
        CrashPoint.reach(.deliveryRecorded)
    }

    private func next(after outcome: Outcome, of attempt: Attempt, attempts: Int) -> Step {
        policy.next(
            after: outcome, of: attempt, attempts: attempts, at: MonotonicTime.now.seconds,
            jitter: Double.random(in: 0...1))
    }

    private func perform(_ attempt: Attempt, _ delivery: Delivery, over association: RequestedAssociation) throws
        -> Outcome
    {
        switch attempt {
        case .send, .commit:
            let path = try store.absolutePath(of: delivery.path)
            return Outcome(
                association.store(
                    Association.StoredInstance(
                        path: path, sopClassUID: delivery.sopClassUID, sopInstanceUID: delivery.sopInstanceUID,
                        transferSyntaxUID: delivery.transferSyntaxUID)))
        case .lookUp, .confirm:
            return Outcome(
                association.find(
                    studyInstanceUID: delivery.studyInstanceUID, seriesInstanceUID: delivery.resultSeriesInstanceUID,
                    sopInstanceUID: delivery.sopInstanceUID))
        }
    }

    private func record(_ step: Step, after outcome: Outcome, for delivery: Delivery) throws {
        var status: Status?
        var comment = ""
        if case .status(let answered, let remark) = outcome { (status, comment) = (answered, remark) }
        let metadata: Logger.Metadata = [
            "sopInstanceUID": "\(delivery.sopInstanceUID)", "status": "\(status?.description ?? "none")",
        ]
        // The peer's Error Comment is free text and may name the patient: it goes to the index, and not to the log (decision 18).
        let words = status.map(StoreStatus.words(for:)) ?? outcome.connectionWords
        switch step {
        case .attempt(.send, let at, let reason):
            logger.warning("not delivered: \(words)", metadata: metadata)
            try index.notSent(delivery.id, status: status, comment: reason, retryAfter: wait(until: at))
        case .attempt(.lookUp, let at, let reason):
            logger.warning("response not seen: \(words)", metadata: metadata)
            try index.responseUnseen(delivery.id, comment: reason, retryAfter: wait(until: at))
        case .attempt(.confirm, let at, _), .attempt(.commit, let at, _):
            logger.info("sent", metadata: metadata)
            try index.sent(delivery.id, status: status ?? .success, comment: outcome.warning ?? comment)
            confirmations[delivery.id] = (0, offersFind ? at : nil)
        case .delivered(.status), .awaitCommitment:
            logger.info("sent", metadata: metadata)
            try index.sent(delivery.id, status: status ?? .success, comment: outcome.warning ?? comment)
            confirmations[delivery.id] = (0, nil)
        case .delivered(.query), .delivered(.commitment):
            logger.info("delivered: the destination holds it", metadata: metadata)
            try index.committed(delivery.id, by: .query)
            confirmations[delivery.id] = nil
        case .parked(let reason):
            logger.error("parked until somebody sends it again: \(words)", metadata: metadata)
            try index.notSent(delivery.id, status: status, comment: reason, retryAfter: nil)
        }
    }

    private func wait(until at: Double) -> Duration { .seconds(max(0, at - MonotonicTime.now.seconds)) }

    // MARK: Does the destination hold it?

    private func dueConfirmations(at now: Double) throws -> [Delivery] {
        guard offersFind else { return [] }
        let sent = try index.sentDeliveries(to: destination.name, limit: 1000)
        // Those that an earlier run of the daemon has sent are asked for now.
        return Array(
            sent.filter { delivery in
                guard let known = confirmations[delivery.id] else { return true }
                return known.due.map { $0 <= now } ?? false
            }.prefix(Self.batch))
    }

    private func confirm(_ delivery: Delivery, over association: RequestedAssociation) throws {
        let attempts = (confirmations[delivery.id]?.attempts ?? 0) + 1
        let outcome = try perform(.confirm, delivery, over: association)
        if case .contextNotAccepted = outcome { refusesToAnswer() }
        switch next(after: outcome, of: .confirm, attempts: attempts) {
        case .delivered(.query), .delivered(.commitment):
            try index.committed(delivery.id, by: .query)
            confirmations[delivery.id] = nil
        case .delivered(.status), .parked, .awaitCommitment: confirmations[delivery.id] = (attempts, nil)
        case .attempt(.send, _, _) where delivery.attempts >= 2:
            // A gateway that never shows what it took: sending for ever would only load it.
            logger.error(
                "accepted \(delivery.attempts) times and never found by C-FIND; it stays as sent",
                metadata: ["sopInstanceUID": "\(delivery.sopInstanceUID)"])
            confirmations[delivery.id] = (attempts, nil)
        case .attempt(.send, let at, let reason):
            logger.error("accepted but not kept", metadata: ["sopInstanceUID": "\(delivery.sopInstanceUID)"])
            try index.sendAgain(delivery.id, comment: reason, after: wait(until: at))
            confirmations[delivery.id] = nil
        case .attempt(.lookUp, let at, _), .attempt(.confirm, let at, _), .attempt(.commit, let at, _):
            confirmations[delivery.id] = (attempts, at)
        }
    }
}

extension Outcome {
    /// Our own words about the connection; none of the peer's.
    fileprivate var connectionWords: String {
        switch self {
        case .notConnected(let words), .rejected(_, let words), .contextNotAccepted(let words),
            .responseUnseen(let words):
            words
        case .status(let status, _), .notCommitted(let status): StoreStatus.words(for: status)
        case .found: "found"
        case .notFound: "not found"
        case .committed: "committed"
        }
    }

    init(_ outcome: RequestOutcome<StatusAnswer>) {
        switch outcome {
        case .answered(let answer): self = .status(answer.status, comment: answer.errorComment ?? "")
        case .failed(let failure): self.init(failure)
        case .unanswered(let reason): self = .responseUnseen(reason)
        }
    }

    init(_ outcome: RequestOutcome<FindAnswer>) {
        switch outcome {
        case .answered(.found): self = .found
        case .answered(.notFound): self = .notFound
        case .answered(.refused(let answer)): self = .status(answer.status, comment: answer.errorComment ?? "")
        case .failed(let failure): self.init(failure)
        case .unanswered(let reason): self = .responseUnseen(reason)
        }
    }

    private init(_ failure: RequestFailure) {
        switch failure {
        case .notConnected, .associationEnded, .local: self = .notConnected("\(failure)")
        case .rejected(let rejection): self = .rejected(isPermanent: !rejection.isTransient, words: "\(failure)")
        case .contextNotAccepted: self = .contextNotAccepted("\(failure)")
        }
    }
}

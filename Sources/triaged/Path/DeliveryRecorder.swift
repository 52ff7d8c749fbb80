// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Delivery
import Foundation
import Index
import Logging

/// Writes down what comes of deliveries to one destination. Any thread.
struct DeliveryRecorder: Sendable {
    let index: StudyIndex
    let policy: DeliveryPolicy
    let logger: Logger

    /// What follows from an attempt to send an object, or to look it up.
    func record(_ step: Step, after outcome: Outcome, for delivery: Delivery) throws {
        var status: Status?
        var comment = ""
        if case .status(let answered, let remark) = outcome { (status, comment) = (answered, remark) }
        let metadata = metadata(delivery, status)
        // The peer's Error Comment is free text and may name the patient: it goes to the index, and not to the log (decision 18).
        let words = outcome.ownWords
        switch step {
        case .attempt(.send, let at, let reason):
            logger.warning("not delivered: \(words)", metadata: metadata)
            try index.notSent(delivery.id, status: status, comment: reason, retryAfter: wait(until: at))
        case .attempt(.lookUp, let at, let reason):
            logger.warning("response not seen: \(words)", metadata: metadata)
            try index.responseUnseen(delivery.id, comment: reason, retryAfter: wait(until: at))
        case .attempt(.confirm, let at, _):
            try sent(delivery, status, outcome.warning ?? comment, next: (.confirm, wait(until: at)))
        case .attempt(.commit, let at, _):
            try sent(delivery, status, outcome.warning ?? comment, next: (.commit, wait(until: at)))
        case .delivered(.status), .awaitCommitment:
            try sent(delivery, status, outcome.warning ?? comment, next: nil)
        case .delivered(let proof):
            logger.info("delivered: the destination holds it", metadata: metadata)
            try index.committed(delivery.id, by: proof.stored)
        case .parked(let reason):
            logger.error("parked until somebody sends it again: \(words)", metadata: metadata)
            try index.notSent(delivery.id, status: status, comment: reason, retryAfter: nil)
        }
    }

    private func sent(
        _ delivery: Delivery, _ status: Status?, _ comment: String, next: (proof: NextProof, after: Duration)?
    ) throws {
        logger.info("sent", metadata: metadata(delivery, status))
        try index.sent(delivery.id, status: status ?? .success, comment: comment, next: next)
    }

    /// What follows from an attempt to prove that the destination keeps an object. A request for storage commitment was counted
    /// when it was made.
    func recordProof(
        after outcome: Outcome, of attempt: Attempt, for delivery: Delivery, isCounted: Bool? = nil
    ) throws {
        let counts = !(isCounted ?? (attempt == .commit))
        let attempts = delivery.proofAttempts + (counts ? 1 : 0)
        let step = policy.next(
            after: outcome, of: attempt, attempts: max(attempts, 1), at: MonotonicTime.now.seconds,
            jitter: Double.random(in: 0...1))
        let metadata = metadata(delivery, nil)
        switch step {
        case .awaitCommitment: break
        case .delivered(.status):
            logger.info("sent, and no proof to be had: \(outcome.ownWords)", metadata: metadata)
            try index.notProven(delivery.id, comment: outcome.comment, next: nil, counts: counts)
        case .delivered(let proof):
            logger.info("delivered: the destination holds it (\(proof))", metadata: metadata)
            try index.committed(delivery.id, by: proof.stored)
        case .attempt(.confirm, let at, let reason):
            try index.notProven(
                delivery.id, comment: reason, next: (.confirm, wait(until: at)), counts: counts)
        case .attempt(.commit, let at, let reason):
            try index.notProven(delivery.id, comment: reason, next: (.commit, wait(until: at)), counts: counts)
        case .attempt(.send, _, let reason) where attempt == .confirm && delivery.attempts >= 2:
            // A gateway that never shows what it took: sending for ever would only load it.
            logger.error(
                "accepted \(delivery.attempts) times and never found; it stays as sent", metadata: metadata)
            try index.notProven(
                delivery.id, comment: "accepted \(delivery.attempts) times: \(reason)", next: nil, counts: counts)
        case .attempt(.send, let at, let reason), .attempt(.lookUp, let at, let reason):
            logger.error("accepted but not kept: \(outcome.ownWords)", metadata: metadata)
            try index.sendAgain(delivery.id, comment: reason, after: wait(until: at))
        case .parked(let reason):
            logger.error("parked until somebody sends it again: \(outcome.ownWords)", metadata: metadata)
            try index.notSent(delivery.id, status: outcome.status, comment: reason, retryAfter: nil)
        }
    }

    private func metadata(_ delivery: Delivery, _ status: Status?) -> Logger.Metadata {
        ["sopInstanceUID": "\(delivery.sopInstanceUID)", "status": "\(status?.description ?? "none")"]
    }

    private func wait(until at: Double) -> Duration { .seconds(max(0, at - MonotonicTime.now.seconds)) }
}

extension Proof {
    fileprivate var stored: DeliveryProof {
        switch self {
        case .commitment: .storageCommitment
        case .query: .query
        case .status: .status
        }
    }
}

extension Outcome {
    fileprivate var status: Status? {
        switch self {
        case .status(let status, _), .notCommitted(let status): status
        case .notConnected, .rejected, .contextNotAccepted, .responseUnseen, .reportUnseen, .found, .notFound,
            .committed:
            nil
        }
    }

    /// Our own words; none of the peer's.
    fileprivate var ownWords: String {
        switch self {
        case .notConnected(let words), .rejected(_, let words), .contextNotAccepted(let words),
            .responseUnseen(let words), .reportUnseen(let words):
            words
        case .status(let status, _), .notCommitted(let status): StoreStatus.words(for: status)
        case .found: "found"
        case .notFound: "not found"
        case .committed: "committed"
        }
    }

    /// For the worklist.
    fileprivate var comment: String {
        guard case .status(let status, let comment) = self, !comment.isEmpty else { return ownWords }
        return "\(StoreStatus.words(for: status)): \(comment)"
    }
}

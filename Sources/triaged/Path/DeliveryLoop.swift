// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Delivery
import Foundation
import Index
import Logging
import Storage

/// Brings the outbox of one destination to it. Each destination has loops of its own, so that a dead one costs the others
/// nothing, and one for each association that it may be given at once. Runs on one thread.
final class DeliveryLoop {
    /// Which of the destination's loops this is, from 0. The first also proves and retracts.
    private let lane: Int
    private let destination: String
    private let index: StudyIndex
    private let store: InstanceStore
    private let route: any DeliveryRoute
    private let recorder: DeliveryRecorder
    private let logger: Logger
    private let breathe: @Sendable () -> Void
    private let shouldStop: @Sendable () -> Bool
    /// Makes what takes superseded objects back there; true where there is something new to send.
    private let retract: () throws -> Bool
    /// True once after somebody asked to try now.
    private let isAsked: () -> Bool

    /// Failures to associate in a row, and when to try again: they concern the destination, not one object.
    private var failures = 0
    private var notBefore = 0.0
    /// The delivery whose outcome is not written down yet.
    private var unsettled: DeliveryID?

    private static let batch = 32
    /// How many of them go before the next loop of the destination begins.
    private static let share = 4
    /// Instances that one request for storage commitment names.
    static let commitmentBatch = 256
    /// Seconds for which an association stays open for a report. Most peers take one of their own.
    private static let reportPatience = 10.0

    init(
        to destination: String, lane: Int = 0, over route: any DeliveryRoute, recorder: DeliveryRecorder,
        index: StudyIndex, store: InstanceStore, logger: Logger, retract: @escaping () throws -> Bool = { false },
        isAsked: @escaping () -> Bool = { false },
        breathe: @escaping @Sendable () -> Void, shouldStop: @escaping @Sendable () -> Bool
    ) {
        self.isAsked = isAsked
        self.destination = destination
        self.lane = lane
        self.route = route
        self.recorder = recorder
        self.index = index
        self.store = store
        self.logger = logger
        self.retract = retract
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
        if lane == 0 { _ = try retract() }
        if isAsked() { (failures, notBefore) = (0, 0) }
        guard now >= notBefore else { return notBefore - now }
        let due = try dueDeliveries()
        let proofs = lane == 0 ? try index.dueProofs(to: destination) : []
        let overdue = proofs.filter { $0.1 == .report }
        for (delivery, _) in overdue {
            try recorder.recordProof(
                after: .reportUnseen("no report on the storage commitment in time"), of: .commit, for: delivery)
        }
        guard !due.isEmpty || proofs.count > overdue.count else { return overdue.isEmpty ? try pause(at: now) : 0 }

        let channel: any DeliveryChannel
        do throws(RouteFailure) {
            channel = try route.open(for: due)
            failures = 0
        } catch {
            if due.isEmpty { try postponeProofs(proofs, because: error) } else { try postpone(due, because: error) }
            return 0
        }
        defer { channel.close() }
        for delivery in due {
            if shouldStop() { return 0 }
            breathe()
            try deliver(delivery, over: channel)
        }
        if lane == 0 { try prove(over: channel) }
        return 0
    }

    private func dueDeliveries() throws -> [Delivery] {
        let due = try index.dueDeliveries(to: destination, limit: Self.batch)
        // What another loop has begun is not due any more.
        return lane == 0 ? due : Array(due.dropFirst(lane * Self.share))
    }

    private func pause(at now: Double) throws -> Double {
        var next = 60.0
        if let due = try index.nextDeliveryDue(to: destination) {
            // Few enough for the loops before this one.
            next = min(next, lane == 0 ? Double(due) / 1e9 - now : max(Double(due) / 1e9 - now, 1))
        }
        if lane == 0, let due = try index.nextProofDue(to: destination) { next = min(next, Double(due) / 1e9 - now) }
        return max(next, 0.05)
    }

    /// Nothing was sent. The reason goes to each object that was about to be, where the worklist shows it.
    private func postpone(_ due: [Delivery], because failure: RouteFailure) throws {
        failures += 1
        let delay = recorder.policy.delay(
            attempts: failure.isTransient ? failures : .max, jitter: Double.random(in: 0...1))
        notBefore = MonotonicTime.now.seconds + delay
        logger.warning("\(failure.words); next attempt in \(Int(delay)) s", metadata: ["waiting": "\(due.count)"])
        for delivery in due where try index.isPending(delivery.id) {
            try index.notSent(delivery.id, status: nil, comment: failure.words, retryAfter: .seconds(delay))
        }
    }

    /// An association that was only to ask what the destination holds came to nothing: new results must not wait for that.
    private func postponeProofs(_ waiting: [(Delivery, NextProof)], because failure: RouteFailure) throws {
        logger.info("not asked what the destination holds: \(failure.words)")
        for (delivery, next) in waiting where next != .report {
            let outcome = Outcome.notConnected(failure.words)
            try recorder.recordProof(
                after: outcome, of: next == .commit ? .commit : .confirm, for: delivery, isCounted: false)
        }
    }

    // MARK: One object

    private func deliver(_ delivery: Delivery, over channel: any DeliveryChannel) throws {
        guard try index.beginSending(delivery.id) else { return }
        unsettled = delivery.id
        CrashPoint.reach(.deliveryStarted)
        let attempts = delivery.attempts + 1
        let path = try store.absolutePath(of: delivery.path)
        var attempt = delivery.responseUnseen ? Attempt.lookUp : .send
        var outcome = attempt == .send ? channel.store(delivery, path: path) : channel.find(delivery)
        var step = next(after: outcome, of: attempt, attempts: attempts)
        // Not there, or no way to ask: the same bytes go at once, on the same association.
        if attempt == .lookUp, case .attempt(.send, _, _) = step {
            breathe()
            attempt = .send
            outcome = channel.store(delivery, path: path)
            step = next(after: outcome, of: attempt, attempts: attempts)
        }
        CrashPoint.reach(.deliverySent)
        try recorder.record(step, after: outcome, for: delivery)
        unsettled = nil
        CrashPoint.reach(.deliveryRecorded)
    }

    private func next(after outcome: Outcome, of attempt: Attempt, attempts: Int) -> Step {
        recorder.policy.next(
            after: outcome, of: attempt, attempts: attempts, at: MonotonicTime.now.seconds,
            jitter: Double.random(in: 0...1))
    }

    // MARK: Does the destination hold it?

    private func prove(over channel: any DeliveryChannel) throws {
        let due = try index.dueProofs(to: destination)
        let commit = due.filter { $0.1 == .commit }.map(\.0)
        for start in stride(from: 0, to: commit.count, by: Self.commitmentBatch) {
            if shouldStop() { return }
            breathe()
            try self.commit(Array(commit[start..<min(start + Self.commitmentBatch, commit.count)]), over: channel)
        }
        // Those among them that fell back to it are due at once.
        for (delivery, next) in try index.dueProofs(to: destination) where next == .confirm {
            if shouldStop() { return }
            breathe()
            try recorder.recordProof(after: channel.find(delivery), of: .confirm, for: delivery)
        }
        guard !commit.isEmpty else { return }
        let deadline = MonotonicTime.now.seconds + min(Self.reportPatience, recorder.policy.commitmentPatience)
        while MonotonicTime.now.seconds < deadline, !shouldStop(), try index.awaitsReport(from: destination),
            try index.dueDeliveries(to: destination, limit: 1).isEmpty
        {
            breathe()
            guard channel.awaitReport(seconds: 0.25) else { return }
        }
    }

    private func commit(_ deliveries: [Delivery], over channel: any DeliveryChannel) throws {
        let request = CommitmentRequest(
            transactionUID: .unique(),
            instances: deliveries.map { SOPReference(sopClassUID: $0.sopClassUID, sopInstanceUID: $0.sopInstanceUID) })
        // Before it goes out: the report may come before the response, or after a restart.
        try index.requestCommitment(
            deliveries.map(\.id), transactionUID: request.transactionUID,
            patience: .seconds(recorder.policy.commitmentPatience))
        CrashPoint.reach(.commitmentAsked)
        let outcome = channel.commit(request)
        logger.info(
            "storage commitment asked for",
            metadata: ["transactionUID": "\(request.transactionUID)", "instances": "\(deliveries.count)"])
        for delivery in try index.deliveries(inTransaction: request.transactionUID) where delivery.state == .sent {
            try recorder.recordProof(after: outcome, of: .commit, for: delivery)
        }
    }
}

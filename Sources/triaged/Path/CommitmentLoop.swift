// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Delivery
import Foundation
import Index
import Logging
import Storage

/// Storage commitment: checks what peers ask to be committed, and brings them the report. Runs on one thread.
final class CommitmentLoop {
    private let index: StudyIndex
    private let check: CommitmentCheck
    private let desk: CommitmentDesk
    private let requestor: @Sendable (AETitle) -> Requestor?
    private let policy: CommitmentPolicy
    private let counters: Counters
    private let logger: Logger
    private let breathe: @Sendable () -> Void
    private let shouldStop: @Sendable () -> Bool
    private var forgottenAt = -Double.infinity

    /// Items that are checked between two writes: a restart goes on after the last.
    private static let batch = 64
    /// Transactions that ended so long ago are forgotten, milliseconds.
    private static let history: Int64 = 30 * 86_400_000

    init(
        index: StudyIndex, store: InstanceStore, desk: CommitmentDesk, configuration: Configuration,
        credentials: TLSCredentials?, counters: Counters,
        policy: CommitmentPolicy = .configured, logger: Logger, breathe: @escaping @Sendable () -> Void,
        shouldStop: @escaping @Sendable () -> Bool
    ) {
        self.index = index
        self.desk = desk
        self.policy = policy
        self.counters = counters
        self.logger = logger
        self.breathe = breathe
        self.shouldStop = shouldStop
        check = CommitmentCheck(store: store, logger: logger)
        requestor = { title in
            var requestor = configuration.requestor(to: title, credentials: credentials)
            requestor?.timeouts.response = .seconds(60)
            return requestor
        }
    }

    /// Does what is due; gives the seconds to the next thing that falls due.
    func turn() throws -> Double {
        if let (id, items) = try index.nextUncheckedCommitment(limit: Self.batch) {
            try checkItems(items, of: id)
            return 0
        }
        try forgetOld()
        var pause = 60.0
        var due: [AETitle: [DueReport]] = [:]
        for report in try index.dueReports(limit: 100) {
            let now = MonotonicTime.now.seconds
            if let patience = desk.offer(report.report, Self.key(report), at: now) {
                pause = min(pause, max(patience, 0.05))
            } else {
                due[report.callingAETitle, default: []].append(report)
            }
        }
        for (peer, reports) in due {
            if shouldStop() { return 0 }
            breathe()
            try bring(reports, to: peer)
        }
        if let next = try index.nextReportDue() {
            // What is due now and was left to its association has its pause already.
            let wait = Double(next) / 1e9 - MonotonicTime.now.seconds
            if wait > 0 { pause = min(pause, wait) }
        }
        return pause
    }

    // MARK: The check

    private func checkItems(_ items: [CommitmentItem], of id: CommitmentID) throws {
        var verdicts: [CommitmentVerdict] = []
        for item in items {
            if shouldStop() { return }
            breathe()
            verdicts.append(check.verdict(on: item))
        }
        try index.settle(id, verdicts)
        counters.commitments(
            refused: verdicts.compactMap { $0.failure },
            damaged: verdicts.count { $0.damage != nil })
        CrashPoint.reach(.commitmentChecked)
    }

    // MARK: The report

    private static func key(_ report: DueReport) -> CommitmentDesk.Key {
        .init(callingAETitle: report.callingAETitle, transactionUID: report.report.transactionUID)
    }

    private func bring(_ reports: [DueReport], to peer: AETitle) throws {
        guard let requestor = requestor(peer) else {
            let reason = "no peer and no destination with AE title \(peer) is configured, so that it cannot be called"
            for report in reports { try postpone(report, because: reason) }
            return
        }
        let association: RequestedAssociation
        do throws(RequestFailure) {
            association = try requestor.associate(for: [.storageCommitmentReport])
        } catch {
            for report in reports { try postpone(report, because: "\(error)") }
            return
        }
        defer { association.release() }
        for report in reports {
            if shouldStop() { return }
            breathe()
            // It may have gone over the association of the request in the meantime.
            guard try index.awaitsReport(report.id) else { continue }
            try conclude(report, association.report(report.report))
        }
    }

    private func conclude(_ report: DueReport, _ outcome: RequestOutcome<StatusAnswer>) throws {
        switch outcome {
        case .answered(let answer) where answer.status.category == .success || answer.status.category == .warning:
            CrashPoint.reach(.commitmentReported)
            try index.reported(report.id)
            logger.info("storage commitment reported", metadata: metadata(report))
        case .answered(let answer): try postpone(report, because: "the peer answered the report with \(answer.status)")
        case .failed(let failure): try postpone(report, because: "\(failure)")
        case .unanswered(let reason): try postpone(report, because: reason)
        }
    }

    private func postpone(_ report: DueReport, because reason: String) throws {
        let age = Double(Int64(Date().timeIntervalSince1970 * 1000) - report.receivedAt) / 1000
        let delay = policy.delay(attempts: report.attempts + 1, age: age)
        var metadata = metadata(report)
        metadata["attempts"] = "\(report.attempts + 1)"
        if let delay {
            logger.warning(
                "storage commitment not reported: \(reason); next attempt in \(Int(delay)) s", metadata: metadata)
        } else {
            logger.error("storage commitment given up: \(reason); the peer keeps its copies", metadata: metadata)
        }
        try index.notReported(report.id, reason: reason, retryAfter: delay.map { .seconds($0) })
    }

    private func metadata(_ report: DueReport) -> Logger.Metadata {
        ["callingAETitle": "\(report.callingAETitle)", "transactionUID": "\(report.report.transactionUID)"]
    }

    private func forgetOld() throws {
        let now = MonotonicTime.now.seconds
        guard now - forgottenAt > 3600 else { return }
        forgottenAt = now
        try index.forgetCommitments(endedBefore: Int64(Date().timeIntervalSince1970 * 1000) - Self.history)
    }
}

extension CommitmentPolicy {
    static var configured: CommitmentPolicy {
        #if DEBUG
            // A test of several attempts cannot wait for minutes.
            if let delay = ProcessInfo.processInfo.environment["TRIAGED_COMMITMENT_DELAY"].flatMap(Double.init) {
                return CommitmentPolicy(firstDelay: delay, longestDelay: delay * 4)
            }
        #endif
        return CommitmentPolicy()
    }
}

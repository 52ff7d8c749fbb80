// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Triage
import Web

/// Health, readiness and metrics of the running node.
struct NodeState: Sendable {
    let index: StudyIndex
    let disk: DiskWatch
    let counters: Counters
    let loops: [LoopService]
    let listener: ListenerService
    let refusals: RefusalMemory
    let credentials: TLSCredentials?
    let startedAt = Date().timeIntervalSince1970

    func readiness() -> [ReadinessCheck] {
        let values = counters.snapshot
        var checks = [
            check("index") { try index.probe() },
            storage,
            ReadinessCheck(
                name: "worker", isReady: !values.workersAlive.isEmpty,
                reason: !values.workersAlive.isEmpty ? "" : "no worker process runs; see the log"),
            ReadinessCheck(
                name: "associations", isReady: listener.isListening,
                reason: listener.isListening ? "" : "the node does not accept associations"),
        ]
        if let status = credentials?.status {
            let expiry = status.daysLeft < 0 ? "the node's certificate has expired" : ""
            let reason = [expiry, status.failure].filter { !$0.isEmpty }.joined(separator: "; ")
            // New files that cannot be used leave the old ones in use: worth words, but no reason to stop sending here.
            checks.append(ReadinessCheck(name: "tls", isReady: expiry.isEmpty, reason: reason))
        }
        for loop in loops where loop.pulse.silence > Watchdog.longestSilence {
            checks.append(
                ReadinessCheck(
                    name: loop.name, isReady: false, reason: "has not moved for \(Int(loop.pulse.silence)) s"))
        }
        return checks
    }

    private var storage: ReadinessCheck {
        let status = disk.status
        guard status.freeBytes != nil else {
            return ReadinessCheck(
                name: "storage", isReady: false, reason: "the file system of the store does not answer")
        }
        return ReadinessCheck(name: "storage", isReady: !status.isReserveUsed, reason: status.reason)
    }

    private func check(_ name: String, _ body: () throws -> Void) -> ReadinessCheck {
        do {
            try body()
            return ReadinessCheck(name: name, isReady: true)
        } catch { return ReadinessCheck(name: name, isReady: false, reason: "\(error)") }
    }

    func metrics() -> NodeMetrics {
        let values = counters.snapshot
        var metrics = NodeMetrics()
        metrics.version = Version.text
        metrics.startedAtUnixSeconds = startedAt
        metrics.isReady = readiness().allSatisfy(\.isReady)
        metrics.instancesReceived = values.instancesReceived
        metrics.bytesReceived = values.bytesReceived
        metrics.duplicatesReceived = values.duplicatesReceived
        metrics.instancesRefused = values.instancesRefused
        metrics.associationsOpen = listener.associationCount
        metrics.associationsAccepted = values.associationsAccepted
        metrics.associationsRejected = values.associationsRejected
        metrics.refusals = refusals.totals
        metrics.workerStarts = values.workerStarts
        metrics.workersAlive = values.workersAlive.count
        metrics.engine = values.engine
        metrics.notification = values.notification
        metrics.tls = credentials.map(\.status).map {
            .init(daysLeft: $0.daysLeft, isReloadFailed: !$0.failure.isEmpty)
        }
        let space = disk.status
        metrics.freeBytes = Int(space.freeBytes ?? 0)
        metrics.instancesExpired = values.instancesExpired
        metrics.reserveBytes = Int(space.reserveBytes)
        metrics.storageDaysLeft = space.daysLeft
        if let counts = try? index.counts() {
            metrics.jobsWaiting = counts.jobs["queued"] ?? 0
            metrics.jobsRunning = counts.jobs["running"] ?? 0
            metrics.jobsFailed = counts.jobs["failed"] ?? 0
            metrics.studiesBlocked = counts.blockedStudies
            metrics.resultsToReview = counts.resultsToReview
        }
        if let commitments = try? index.commitmentCounts() {
            metrics.commitments = commitments.transactions
            metrics.committedFiles = commitments.committedFiles
            let now = Date().timeIntervalSince1970
            metrics.oldestCommitmentSeconds = commitments.oldestOpen.map { max(0, now - Double($0) / 1000) } ?? 0
        }
        metrics.commitmentsRefused = values.commitmentsRefused
        metrics.commitmentsDamaged = values.commitmentsDamaged
        if let items = try? WorklistSource(index: index).items() {
            for item in items {
                metrics.studies[item.state.rawValue, default: 0] += 1
                if item.acknowledged == nil, item.state != .outOfScope {
                    metrics.unread[item.priority.rawValue, default: 0] += 1
                }
            }
        }
        let now = Date().timeIntervalSince1970
        for destination in (try? index.destinations()) ?? [] {
            for (state, count) in destination.deliveries.sorted(by: { $0.key < $1.key }) {
                let oldest = ["pending", "sending"].contains(state) ? destination.oldestPending : nil
                metrics.deliveries.append(
                    .init(
                        destination: destination.destination, state: state, count: count,
                        oldestSeconds: oldest.map { max(0, now - Double($0) / 1000) } ?? 0))
            }
        }
        return metrics
    }
}

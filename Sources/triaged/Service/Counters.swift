// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Synchronization
import Web

/// What happened since the start, for /metrics and `triaged status`.
final class Counters: Sendable {
    struct Values: Sendable {
        var instancesReceived = 0
        var bytesReceived = 0
        var duplicatesReceived = 0
        var instancesExpired = 0
        /// By DIMSE status.
        var instancesRefused: [String: Int] = [:]
        var associationsAccepted = 0
        var associationsRejected = 0
        var associationsOpen = 0
        var commitmentsDamaged = 0
        /// By Failure Reason.
        var commitmentsRefused: [String: Int] = [:]
        var workerStarts = 0
        /// Numbers of those that run.
        var workersAlive: Set<Int> = []
        var engine = NodeMetrics().engine
        var notification = NodeMetrics().notification
    }

    private let values = Mutex(Values())

    var snapshot: Values { values.withLock { $0 } }

    func received(bytes: Int64) {
        values.withLock {
            $0.instancesReceived += 1
            $0.bytesReceived += Int(bytes)
        }
    }
    func expired(_ count: Int) { values.withLock { $0.instancesExpired += count } }
    func duplicate() { values.withLock { $0.duplicatesReceived += 1 } }
    func refused(_ status: Status) { values.withLock { $0.instancesRefused["\(status)", default: 0] += 1 } }
    func associationOpened() {
        values.withLock {
            $0.associationsAccepted += 1
            $0.associationsOpen += 1
        }
    }
    func associationEnded() { values.withLock { $0.associationsOpen -= 1 } }
    func associationRejected() { values.withLock { $0.associationsRejected += 1 } }
    func commitments(refused: [Status], damaged: Int) {
        values.withLock {
            for reason in refused { $0.commitmentsRefused["\(reason)", default: 0] += 1 }
            $0.commitmentsDamaged += damaged
        }
    }
    func engine(seconds: Double) { values.withLock { $0.engine.observe(seconds) } }
    func notification(seconds: Double) { values.withLock { $0.notification.observe(seconds) } }
    func worker(_ number: Int, isAlive: Bool, started: Bool = false) {
        values.withLock {
            if isAlive { $0.workersAlive.insert(number) } else { $0.workersAlive.remove(number) }
            if started { $0.workerStarts += 1 }
        }
    }
}

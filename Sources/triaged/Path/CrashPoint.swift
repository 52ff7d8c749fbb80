// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Synchronization

/// Places on the path where the crash suite stops a debug build with SIGKILL. A release build has none of them.
enum CrashPoint: String, CaseIterable {
    case instanceReceived, fileStored, rowWritten, responded, associationEnded
    case verdictReached, jobQueued, jobStarted, outcomeReceived, resultsStored, jobFinished
    case expired, expiredRemoved
    case deliveryStarted, deliverySent, deliveryRecorded
    case commitmentRequested, commitmentChecked, commitmentReported, commitmentAsked

    #if DEBUG
        private static let chosen = ProcessInfo.processInfo.environment["TRIAGED_CRASH_POINT"]
        /// So often the point is passed before.
        private static let passes = Atomic<Int>(
            ProcessInfo.processInfo.environment["TRIAGED_CRASH_PASSES"].flatMap { Int($0) } ?? 0)
    #endif

    /// Ends the process here if TRIAGED_CRASH_POINT names this point, after TRIAGED_CRASH_PASSES passes.
    static func reach(_ point: CrashPoint) {
        #if DEBUG
            guard chosen == point.rawValue else { return }
            if passes.subtract(1, ordering: .relaxed).oldValue <= 0 { kill(getpid(), SIGKILL) }
        #endif
    }
}

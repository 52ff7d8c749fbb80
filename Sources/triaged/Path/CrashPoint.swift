// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// Places on the path where the crash suite stops a debug build with SIGKILL. A release build has none of them.
enum CrashPoint: String, CaseIterable {
    case instanceReceived, fileStored, rowWritten, responded, associationEnded
    case verdictReached, jobQueued, jobStarted, outcomeReceived, resultsStored, jobFinished
    case deliveryStarted, deliverySent, deliveryRecorded

    #if DEBUG
        private static let chosen = ProcessInfo.processInfo.environment["TRIAGED_CRASH_POINT"]
    #endif

    /// Ends the process here if TRIAGED_CRASH_POINT names this point.
    static func reach(_ point: CrashPoint) {
        #if DEBUG
            if chosen == point.rawValue { kill(getpid(), SIGKILL) }
        #endif
    }
}

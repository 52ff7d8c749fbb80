// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// When a report of storage commitment is tried again, and when no longer. A peer that misses it keeps its images: trying for days
/// costs nothing but connections, and giving up is no loss.
package struct CommitmentPolicy: Sendable, Equatable {
    /// Seconds before the second attempt; doubles each time up to `longestDelay`.
    package var firstDelay: Double
    package var longestDelay: Double
    /// Seconds since the request.
    package var patience: Double
    /// A step of the wall clock, or a node that was off for a week, must not end it alone.
    package var fewestAttempts: Int

    package init(
        firstDelay: Double = 60, longestDelay: Double = 3600, patience: Double = 7 * 86_400, fewestAttempts: Int = 24
    ) {
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.patience = patience
        self.fewestAttempts = fewestAttempts
    }

    /// Seconds to wait after attempt number `attempts` (from 1); nil where it was the last. `age` is in seconds since the request.
    package func delay(attempts: Int, age: Double) -> Double? {
        guard age < patience || attempts < fewestAttempts else { return nil }
        return min(firstDelay * Double(1 << min(max(attempts - 1, 0), 20)), longestDelay)
    }
}

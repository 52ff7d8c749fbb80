// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// A loop's sign of life, given by the loop and read by the watchdog.
final class Pulse: Sendable {
    private let milliseconds = Atomic<Int>(0)

    init() { beat() }

    func beat() { milliseconds.store(Int(MonotonicTime.now.seconds * 1000), ordering: .relaxed) }

    /// Seconds since the last beat.
    var silence: Double { MonotonicTime.now.seconds - Double(milliseconds.load(ordering: .relaxed)) / 1000 }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Synchronization

/// Whether a loop is to end, and since when.
final class StopFlag: Sendable {
    /// Monotonic milliseconds; 0 where it is not raised.
    private let raisedAt = Atomic<Int>(0)

    var isRaised: Bool { raisedAt.load(ordering: .acquiring) != 0 }

    func raise() {
        let now = max(1, Int(MonotonicTime.now.seconds * 1000))
        _ = raisedAt.compareExchange(expected: 0, desired: now, ordering: .acquiringAndReleasing)
    }

    /// 0 where it is not raised.
    var secondsSinceRaised: Double {
        let raised = raisedAt.load(ordering: .acquiring)
        return raised == 0 ? 0 : MonotonicTime.now.seconds - Double(raised) / 1000
    }
}

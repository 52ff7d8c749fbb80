// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A moment on the clock that never steps, in seconds; comparable with the readings that the index keeps.
struct MonotonicTime: Comparable, Sendable {
    var seconds: Double

    static var now: MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return MonotonicTime(seconds: Double(time.tv_sec) + Double(time.tv_nsec) / 1e9)
    }

    static func < (a: MonotonicTime, b: MonotonicTime) -> Bool { a.seconds < b.seconds }
    static func + (a: MonotonicTime, seconds: Double) -> MonotonicTime { MonotonicTime(seconds: a.seconds + seconds) }
    static func - (a: MonotonicTime, b: MonotonicTime) -> Double { a.seconds - b.seconds }

    /// Rounded up, so that a wait never ends just short of its deadline.
    func milliseconds(after other: MonotonicTime) -> Int { Int(((seconds - other.seconds) * 1000).rounded(.up)) }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// How long a package rests after runs that failed for want of something: its server, memory, a worker that lived.
/// Its own jobs wait meanwhile, and others' go on.
package struct Rest: Sendable, Equatable {
    /// Failures in a row.
    package private(set) var failures = 0
    /// On the caller's monotonic clock, seconds.
    package private(set) var until = 0.0

    /// Seconds: 2, 4, 8 … A server that comes back is noticed within a minute.
    package static let first = 2.0
    package static let longest = 60.0

    package init() {}

    package func isResting(at now: Double) -> Bool { now < until }

    package mutating func failed(at now: Double) {
        until = now + min(Self.longest, Self.first * Double(1 << min(failures, 16)))
        failures += 1
    }

    package mutating func succeeded() { self = Rest() }
}

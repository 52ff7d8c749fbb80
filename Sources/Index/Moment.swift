// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// One reading of the clocks: the wall clock for people, the monotonic clock for durations.
package struct Moment: Sendable, Hashable, Codable {
    /// Milliseconds since 1970, UTC.
    package var wall: Int64
    /// Nanoseconds of CLOCK_MONOTONIC; comparable within one boot.
    package var monotonic: Int64

    package init(wall: Int64, monotonic: Int64) {
        self.wall = wall
        self.monotonic = monotonic
    }

    package static func now() -> Moment {
        Moment(wall: read(CLOCK_REALTIME) / 1_000_000, monotonic: read(CLOCK_MONOTONIC))
    }

    private static func read(_ clock: clockid_t) -> Int64 {
        var time = timespec()
        clock_gettime(clock, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    /// Identifies the boot that monotonic readings belong to; empty where the system does not tell.
    package static let boot: String = {
        guard let file = fopen("/proc/sys/kernel/random/boot_id", "r") else { return "" }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<count].filter { $0 > 0x20 }, as: UTF8.self)
    }()
}

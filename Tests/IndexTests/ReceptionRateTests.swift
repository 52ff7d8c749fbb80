// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Index
import Testing

@Suite struct ReceptionRateTests {
    private static let hour: Int64 = 3_600_000
    private static let now = 500_000 * hour

    /// 240 bytes in each of the hours that are so many hours ago.
    private func rate(hoursAgo: some Sequence<Int64>) -> ReceptionRate {
        var rate = ReceptionRate()
        for ago in hoursAgo {
            let at = Self.now - ago * Self.hour
            rate.add(240, hour: at / Self.hour, earliest: at)
        }
        return rate
    }

    @Test("There is no rate without an hour of history")
    func none() {
        var empty = ReceptionRate()
        #expect(empty.bytesPerDay(now: Self.now) == nil)
        var short = rate(hoursAgo: [0])
        #expect(short.bytesPerDay(now: Self.now) == nil)
        #expect(abs((short.bytesPerDay(now: Self.now + Self.hour) ?? 0) - 5760) < 1)
    }

    @Test("The rate is that of the last week, and 0 once nothing has come for so long")
    func week() {
        var rate = rate(hoursAgo: 0..<1000)
        let perDay = rate.bytesPerDay(now: Self.now) ?? 0
        #expect(abs(perDay - 240 * 24) < 240)
        #expect(rate.bytesPerDay(now: Self.now + 200 * Self.hour) == 0)
    }

    @Test("The index adds what was received since the last time, each row once")
    func reads() throws {
        let bench = Workbench()
        let index = try bench.open()
        var rate = ReceptionRate()
        try index.receive(2)
        var last = try index.addReceptions(to: &rate, after: 0, now: bench.now.wall) {}
        bench.advance(seconds: 2 * 3600)
        try index.receive(1, from: 2)
        last = try index.addReceptions(to: &rate, after: last, now: bench.now.wall) {}
        last = try index.addReceptions(to: &rate, after: last, now: bench.now.wall) {}
        #expect(last == 3)
        #expect(abs((rate.bytesPerDay(now: bench.now.wall) ?? 0) - 36_000) < 1)
        try index.close()
    }
}

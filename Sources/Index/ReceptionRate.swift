// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import GRDB

/// Bytes of kept instances by the hour of their reception, by the wall clock: for people, who plan by the calendar.
package struct ReceptionRate: Sendable, Equatable {
    /// A whole number of weeks, as weekends are quiet.
    static let window = 7 * 24
    /// Less history than this says nothing, milliseconds.
    static let shortest: Int64 = 3_600_000

    /// By hours since 1970.
    private var hours: [Int64: Int64] = [:]
    /// Milliseconds since 1970.
    private var earliest: Int64?

    package init() {}

    package mutating func add(_ bytes: Int64, hour: Int64, earliest: Int64) {
        hours[hour, default: 0] += bytes
        self.earliest = min(self.earliest ?? earliest, earliest)
    }

    /// Nil before there is an hour of history.
    package mutating func bytesPerDay(now: Int64) -> Double? {
        let first = now / Self.shortest - Int64(Self.window)
        hours = hours.filter { $0.key > first }
        guard let earliest else { return nil }
        let span = now - max(earliest, (first + 1) * Self.shortest)
        guard span >= Self.shortest else { return nil }
        return Double(hours.values.reduce(0, +)) / Double(span) * 86_400_000
    }
}

extension StudyIndex {
    /// Adds what was received after row `last`, or in the time that a rate looks at; returns the last row.
    package func addReceptions(
        to rate: inout ReceptionRate, after last: Int64, now: Int64, breathe: () -> Void
    ) throws(IndexError) -> Int64 {
        let chunk: Int64 = 50_000
        let newest = try reading { db in try Int64.fetchOne(db, sql: "SELECT max(id) FROM instance") ?? 0 }
        let since = now - Int64(ReceptionRate.window) * ReceptionRate.shortest
        // From the newest on, as rows of years may lie before.
        var end = newest
        while end > last {
            let begin = max(last, end - chunk)
            let rows = try reading { db in
                try Row.fetchAll(
                    db,
                    sql: """
                        SELECT receivedAt / 3600000, sum(size), min(receivedAt) FROM instance WHERE id > ? AND id <= ? GROUP BY 1
                        """, arguments: [begin, end])
            }
            for row in rows { rate.add(row[1], hour: row[0], earliest: row[2]) }
            if let oldest = rows.map({ $0[2] as Int64 }).min(), oldest < since { break }
            end = begin
            breathe()
        }
        return newest
    }
}

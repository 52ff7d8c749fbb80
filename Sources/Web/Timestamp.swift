// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// ISO 8601 in UTC, the way the API writes it.
enum Timestamp {
    /// "2026-11-21T10:00:00Z", or with milliseconds.
    static func string(_ date: Date, milliseconds: Bool) -> String {
        let milli = Int64((date.timeIntervalSince1970 * 1000).rounded(.down))
        let second = milliseconds ? Int64(floorDivide(milli, 1000)) : Int64(date.timeIntervalSince1970.rounded(.down))
        let day = floorDivide(second, 86400)
        let time = second - day * 86400
        let (year, month, dayOfMonth) = civil(day)
        let fraction = milliseconds ? ".\(padded(milli - second * 1000, 3))" : ""
        return "\(padded(year, 4))-\(padded(month, 2))-\(padded(dayOfMonth, 2))T\(padded(time / 3600, 2)):"
            + "\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))\(fraction)Z"
    }

    /// Reads both forms; nil for anything else.
    static func date(_ string: String) -> Date? {
        (try? Date(string, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true)))
            ?? (try? Date(string, strategy: Date.ISO8601FormatStyle()))
    }

    /// Times of the ledger carry milliseconds, all others are whole seconds.
    static let encoding = JSONEncoder.DateEncodingStrategy.custom { date, encoder in
        let isLedger = encoder.codingPath.contains { $0.stringValue == "times" }
        var container = encoder.singleValueContainer()
        try container.encode(string(date, milliseconds: isLedger))
    }

    static let decoding = JSONDecoder.DateDecodingStrategy.custom { decoder in
        let container = try decoder.singleValueContainer()
        guard let date = date(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not an ISO 8601 time in UTC")
        }
        return date
    }

    /// Proleptic Gregorian date of a day counted from 1970-01-01: eras of 400 years, years that begin in March.
    private static func civil(_ day: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = day + 719_468
        let era = floorDivide(shifted, 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }

    private static func floorDivide(_ a: Int64, _ b: Int64) -> Int64 { a >= 0 ? a / b : -((-a + b - 1) / b) }

    private static func padded(_ value: Int64, _ width: Int) -> String {
        let digits = "\(value)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

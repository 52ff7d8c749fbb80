// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// When results were made: a moment, and the offset in which the node states local times.
package struct ContentTime: Sendable, Codable, Equatable {
    /// Seconds since 1970-01-01T00:00:00Z.
    package var secondsSince1970: Int64
    package var microseconds: Int
    /// East of Greenwich.
    package var offsetMinutes: Int

    package init(secondsSince1970: Int64, microseconds: Int = 0, offsetMinutes: Int) {
        precondition((0..<1_000_000).contains(microseconds) && abs(offsetMinutes) <= 14 * 60)
        self.secondsSince1970 = secondsSince1970
        self.microseconds = microseconds
        self.offsetMinutes = offsetMinutes
    }

    /// The same moment in another offset, as PS3.3 C.12.1.1.8 writes it ("+0900"); nil where that is none.
    package func at(offset: String) -> ContentTime? {
        let characters = Array(offset.utf8)
        guard characters.count == 5, let hours = Int(offset.dropFirst().prefix(2)), let minutes = Int(offset.suffix(2)),
            hours <= 14, minutes < 60, offset.first == "+" || offset.first == "-"
        else { return nil }
        var other = self
        other.offsetMinutes = (hours * 60 + minutes) * (offset.first == "-" ? -1 : 1)
        return abs(other.offsetMinutes) <= 14 * 60 ? other : nil
    }

    /// VR DA.
    package var date: String {
        // Days to civil date, proleptic Gregorian, in eras of 400 years that begin on 1 March.
        let day = (localSeconds - secondOfDay) / 86_400 + 719_468
        let era = (day >= 0 ? day : day - 146_096) / 146_097
        let dayOfEra = day - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return padded(year, 4) + padded(month, 2) + padded(dayOfYear - (153 * shifted + 2) / 5 + 1, 2)
    }

    /// VR TM.
    package var time: String {
        let clock = padded(secondOfDay / 3600, 2) + padded(secondOfDay / 60 % 60, 2) + padded(secondOfDay % 60, 2)
        return microseconds == 0 ? clock : clock + "." + padded(Int64(microseconds), 6)
    }

    /// VR DT, with its offset.
    package var dateTime: String { date + time + offset }

    package var offset: String {
        let minutes = Int64(abs(offsetMinutes))
        return (offsetMinutes < 0 ? "-" : "+") + padded(minutes / 60, 2) + padded(minutes % 60, 2)
    }

    private var localSeconds: Int64 { secondsSince1970 + Int64(offsetMinutes) * 60 }
    private var secondOfDay: Int64 { (localSeconds % 86_400 + 86_400) % 86_400 }

    private func padded(_ number: Int64, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}

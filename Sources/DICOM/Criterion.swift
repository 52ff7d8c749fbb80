// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What a key attribute asks of a value (PS3.4 C.2.2.2). Pure: text in, a verdict out.
package enum Criterion: Sendable, Equatable {
    case universal
    case uids(Set<String>)
    /// One of them is enough. PS3.4 knows lists of UIDs only; viewers send "CT\MR" too, and mean either.
    case anyOf([Alternative])

    package enum Alternative: Sendable, Equatable {
        case exact(String)
        case wildcard(String)
        case name(String)
        /// YYYYMMDD.
        case dates(ClosedRange<String>)
        /// Microseconds since midnight.
        case times(ClosedRange<Int>)
        case number(Int)
    }

    /// What the values of a key cannot be.
    package struct Malformation: Error, Equatable {
        package var reason: String
    }

    /// - Parameter values: of the key, decoded, without padding.
    package init(_ rule: QueryAttribute.Rule, _ values: [String]) throws(Malformation) {
        let telling = values.filter { !$0.isEmpty }
        // A zero length, or nothing but "*" (PS3.4 C.2.2.2.3 and C.2.2.2.4).
        guard !telling.isEmpty, !telling.contains(where: { $0.allSatisfy { $0 == "*" } }) else {
            self = .universal
            return
        }
        switch rule {
        case .returned, .sequence: self = .universal
        case .uid:
            guard telling.allSatisfy({ UID($0) != nil }) else { throw Malformation(reason: "is no UID") }
            self = .uids(Set(telling))
        case .text, .code: self = .anyOf(telling.map { Wildcards.areIn($0) ? .wildcard($0) : .exact($0) })
        case .personName: self = .anyOf(telling.map { .name($0) })
        case .integer:
            self = .anyOf(
                try telling.map { text throws(Malformation) in
                    guard let number = Int(text) else { throw Malformation(reason: "is no integer") }
                    return .number(number)
                })
        case .date:
            self = .anyOf(
                try telling.map { text throws(Malformation) in
                    // Not the standard's, but what some viewers send for a year.
                    if Wildcards.areIn(text) { return .wildcard(text) }
                    guard let range = Self.dates(text) else { throw Malformation(reason: "is no date") }
                    return .dates(range)
                })
        case .time:
            self = .anyOf(
                try telling.map { text throws(Malformation) in
                    if Wildcards.areIn(text) { return .wildcard(text) }
                    guard let range = Self.times(text) else { throw Malformation(reason: "is no time") }
                    return .times(range)
                })
        }
    }

    package var isUniversal: Bool { self == .universal }

    /// An attribute with several values matches where one of them does (PS3.4 C.2.2.2.1); one without a value matches
    /// universally only.
    package func matches(_ values: [String]) -> Bool {
        switch self {
        case .universal: true
        case .uids(let uids): values.contains { uids.contains($0) }
        case .anyOf(let alternatives):
            values.contains { value in !value.isEmpty && alternatives.contains { $0.matches(value) } }
        }
    }

    // MARK: dates and times

    /// "from-to", "from-", "-to" or one value (PS3.4 C.2.2.2.5).
    private static func dates(_ text: String) -> ClosedRange<String>? {
        guard let ends = ends(text) else { return nil }
        let lower = ends.lower.isEmpty ? "00000000" : date(ends.lower)
        let upper = ends.upper.isEmpty ? "99999999" : date(ends.upper)
        guard let lower, let upper else { return nil }
        // A range that ends before it begins holds nothing.
        return lower <= upper ? lower...upper : "~"..."~"
    }

    private static func times(_ text: String) -> ClosedRange<Int>? {
        guard let ends = ends(text) else { return nil }
        let lower = ends.lower.isEmpty ? 0 : time(ends.lower)?.lowerBound
        let upper = ends.upper.isEmpty ? Int.max : time(ends.upper)?.upperBound
        guard let lower, let upper else { return nil }
        return lower <= upper ? lower...upper : Int.max...Int.max
    }

    private static func ends(_ text: String) -> (lower: String, upper: String)? {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false).map {
            String($0.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
        }
        if parts.count == 1 { return (text, text) }
        guard parts.count == 2, !(parts[0].isEmpty && parts[1].isEmpty) else { return nil }
        return (parts[0], parts[1])
    }

    /// YYYYMMDD; also from YYYY.MM.DD, which ACR-NEMA wrote (PS3.5 6.2). Nil where it is no date.
    package static func date(_ text: String) -> String? {
        var digits = Array(text.utf8)
        if digits.count == 10, digits[4] == UInt8(ascii: "."), digits[7] == UInt8(ascii: ".") {
            digits.remove(at: 7)
            digits.remove(at: 4)
        }
        guard digits.count == 8, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return String(decoding: digits, as: UTF8.self)
    }

    /// From the first to the last microsecond that HH, HHMM, HHMMSS or HHMMSS.F… stands for; also with colons (PS3.5 6.2).
    static func time(_ text: String) -> ClosedRange<Int>? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let digits = Array(parts[0].utf8.filter { $0 != UInt8(ascii: ":") })
        let fraction = parts.count == 2 ? Array(parts[1].utf8) : []
        func isNumber(_ bytes: [UInt8]) -> Bool { bytes.allSatisfy { (0x30...0x39).contains($0) } }
        guard parts.count <= 2, [2, 4, 6].contains(digits.count), isNumber(digits), isNumber(fraction),
            fraction.isEmpty || (digits.count == 6 && fraction.count <= 6)
        else { return nil }
        func pair(_ at: Int) -> Int {
            at < digits.count ? Int(digits[at] - 0x30) * 10 + Int(digits[at + 1] - 0x30) : 0
        }
        // 60 is a leap second.
        guard pair(0) < 24, pair(2) < 60, pair(4) <= 60 else { return nil }
        var start = ((pair(0) * 60 + pair(2)) * 60 + pair(4)) * 1_000_000
        var span = digits.count == 2 ? 3_600_000_000 : digits.count == 4 ? 60_000_000 : 1_000_000
        for digit in fraction {
            span /= 10
            start += Int(digit - 0x30) * span
        }
        return start...(start + span - 1)
    }
}

extension Criterion.Alternative {
    func matches(_ value: String) -> Bool {
        switch self {
        case .exact(let text): value == text
        case .wildcard(let pattern): Wildcards.match(value, pattern)
        case .name(let query): SearchKey(personName: value).matches(query)
        case .dates(let range): Criterion.date(value).map(range.contains) ?? false
        case .times(let range): Criterion.time(value).map { range.contains($0.lowerBound) } ?? false
        case .number(let number): Int(value) == number
        }
    }
}

/// "*" is any number of characters, "?" is one (PS3.4 C.2.2.2.4).
package enum Wildcards {
    package static func areIn(_ text: String) -> Bool { text.utf8.contains { $0 == 0x2A || $0 == 0x3F } }

    /// What stands before the first of them.
    package static func prefix(of text: String) -> String { String(text.prefix { $0 != "*" && $0 != "?" }) }

    /// In linear memory, and in time of the product of the lengths.
    package static func match(_ text: String, _ pattern: String) -> Bool {
        let text = Array(text)
        let pattern = Array(pattern)
        var (at, next) = (0, 0)
        var star: (pattern: Int, text: Int)?
        while at < text.count {
            if next < pattern.count, pattern[next] == "*" {
                star = (next, at)
                next += 1
            } else if next < pattern.count, pattern[next] == "?" || pattern[next] == text[at] {
                next += 1
                at += 1
            } else if let last = star {
                star = (last.pattern, last.text + 1)
                (next, at) = (last.pattern + 1, last.text + 1)
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == "*" }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What a person's name is found by: each component group of each value, folded (see `SearchFolding`), with spaces, "^"
/// and punctuation gone. "Yamada^Tarou=山田^太郎=やまだ^たろう" has "yamadatarou", "山田太郎" and "ヤマダタロウ".
package struct SearchKey: Sendable, Hashable {
    /// By group, the words that components and spaces separate; without empty groups.
    package let groups: [[String]]

    /// - Parameter personName: decoded; several values are joined by "\".
    package init(personName: String) {
        groups = personName.unicodeScalars.split { $0 == "\\" || $0 == "=" }
            .map { SearchFolding.words(String($0)) }.filter { !$0.isEmpty }
    }

    /// One row of the index: a group from one of its words on, and whether that is the group's first word.
    package struct Entry: Sendable, Hashable {
        package var key: String
        package var isWhole: Bool
    }

    /// Longer names are cut: LO and PN end at 64 characters a group, and a group gives a row for each of its words.
    private static let longest = 128
    private static let mostWords = 12

    package var entries: Set<Entry> {
        var entries: Set<Entry> = []
        for words in groups {
            for start in words.indices.prefix(Self.mostWords) {
                let key = String(words[start...].joined().unicodeScalars.prefix(Self.longest))
                entries.insert(Entry(key: key, isWhole: start == 0))
            }
        }
        return entries
    }

    /// As C-FIND matches a PN (PS3.4 C.2.2.2.1 and C.2.2.2.4), `*` and `?` included: a group of the query against any
    /// group of the name, without regard to case, width, kana, accents and separators.
    package func matches(_ query: String) -> Bool { matches(SearchPattern(query)) }

    package func matches(_ pattern: SearchPattern) -> Bool {
        pattern.isUniversal
            || groups.contains { words in
                let key = String(words.joined().unicodeScalars.prefix(Self.longest))
                return pattern.groups.contains { SearchPattern.matches(key, $0) }
            }
    }

    /// As people search: each word that they type begins a word of the name, in any group and any order.
    package func isFound(by words: SearchWords) -> Bool {
        !words.patterns.isEmpty
            && words.patterns.allSatisfy { pattern in
                entries.contains { SearchPattern.matches($0.key, pattern) }
            }
    }
}

/// A query for a person's name, folded as the keys are.
package struct SearchPattern: Sendable, Hashable {
    /// Any of them is enough. Only `*` and `?` are wildcards, so that each is a pattern of SQL's GLOB as it stands.
    package let groups: [String]
    /// Empty, or of `*` only: every name matches, also none at all (PS3.4 C.2.2.2.3).
    package let isUniversal: Bool

    package init(_ query: String) {
        let parts = query.unicodeScalars.split { $0 == "\\" || $0 == "=" }.map { String($0) }
        let telling = parts.filter { part in !part.unicodeScalars.allSatisfy { " ^*＊\0".unicodeScalars.contains($0) } }
        isUniversal = telling.isEmpty
        // What is folded away whole, such as "-", matches nothing.
        groups = telling.map { SearchFolding.words($0).joined() }.filter { !$0.isEmpty }
    }

    /// The keys that begin with what stands before the first wildcard: `lower <= key AND key < upper`.
    package static func range(_ pattern: String) -> (lower: String, upper: String) {
        let lower = String(pattern.unicodeScalars.prefix { $0 != "*" && $0 != "?" })
        return (lower, lower + "\u{10FFFF}")
    }

    package static func hasWildcards(_ pattern: String) -> Bool { pattern.utf8.contains { $0 == 0x2A || $0 == 0x3F } }

    /// `*` is any number of characters, `?` is one; in linear memory, and in time of the product of the lengths.
    package static func matches(_ key: String, _ pattern: String) -> Bool {
        guard hasWildcards(pattern) else { return key == pattern }
        let key = Array(key.unicodeScalars)
        let pattern = Array(pattern.unicodeScalars)
        var at = 0
        var next = 0
        var star: (pattern: Int, key: Int)?
        while at < key.count {
            if next < pattern.count, pattern[next] == "*" {
                star = (next, at)
                next += 1
            } else if next < pattern.count, pattern[next] == "?" || pattern[next] == key[at] {
                next += 1
                at += 1
            } else if let last = star {
                star = (last.pattern, last.key + 1)
                next = last.pattern + 1
                at = last.key + 1
            } else {
                return false
            }
        }
        return pattern[next...].allSatisfy { $0 == "*" }
    }
}

/// What a person types into a search field.
package struct SearchWords: Sendable, Hashable {
    /// All of them are wanted; each ends in `*`.
    package let patterns: [String]
    /// More words than a name has are not looked at.
    private static let most = 8

    package init(_ text: String) {
        patterns = SearchFolding.words(text).prefix(Self.most).map { $0.hasSuffix("*") ? $0 : $0 + "*" }
    }
}

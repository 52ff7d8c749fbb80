// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A person's name (PS3.5 6.2.1): up to three groups, joined by "=", of up to five components, joined by "^".
/// Two are equal where they differ in padding and in empty ends only.
package struct PersonName: Hashable, Sendable {
    package struct Group: Hashable, Sendable {
        package var familyName = ""
        package var givenName = ""
        package var middleName = ""
        package var prefix = ""
        package var suffix = ""

        package var isEmpty: Bool { components.isEmpty }

        /// In the standard's order, without empty ones at the end.
        package var components: [String] {
            var all = [familyName, givenName, middleName, prefix, suffix]
            while all.last == "" { all.removeLast() }
            return all
        }

        init(_ text: Substring.UnicodeScalarView) {
            let parts = text.split(separator: "^", omittingEmptySubsequences: false).map(PersonName.trimmed)
            func part(_ index: Int) -> String { index < parts.count ? parts[index] : "" }
            familyName = part(0)
            givenName = part(1)
            middleName = part(2)
            prefix = part(3)
            // What has more components than the standard's five is kept where it can be seen.
            suffix = parts.dropFirst(4).filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    package let alphabetic: Group
    package let ideographic: Group
    package let phonetic: Group

    /// - Parameter text: decoded, one value.
    package init(_ text: String) {
        let groups = text.unicodeScalars.split(separator: "=", maxSplits: 2, omittingEmptySubsequences: false)
        func group(_ index: Int) -> Group { Group(index < groups.count ? groups[index] : Substring().unicodeScalars) }
        alphabetic = group(0)
        ideographic = group(1)
        phonetic = group(2)
    }

    package var isEmpty: Bool { alphabetic.isEmpty && ideographic.isEmpty && phonetic.isEmpty }

    /// As it stands in a data set, without padding and empty ends.
    package var text: String {
        var groups = [alphabetic, ideographic, phonetic].map { $0.components.joined(separator: "^") }
        while groups.last == "" { groups.removeLast() }
        return groups.joined(separator: "=")
    }

    /// For people. "Doe, John A., Jr."; where there is an ideographic name, it comes first and the other follows in
    /// brackets: "山田 太郎 (Yamada, Tarou)". A phonetic name is shown only where it stands alone.
    package var displayText: String {
        let latin = PersonName.western(alphabetic)
        // Family and given name in this order, without a comma, is how China, Japan and Korea write.
        let native = ideographic.components.filter { !$0.isEmpty }.joined(separator: " ")
        if native.isEmpty, latin.isEmpty { return phonetic.components.filter { !$0.isEmpty }.joined(separator: " ") }
        if native.isEmpty { return latin }
        return latin.isEmpty || latin == native ? native : "\(native) (\(latin))"
    }

    private static func western(_ group: Group) -> String {
        let given = [group.prefix, group.givenName, group.middleName].filter { !$0.isEmpty }.joined(separator: " ")
        return [group.familyName, given, group.suffix].filter { !$0.isEmpty }.joined(separator: ", ")
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> String {
        var text = text
        while text.last == " " || text.last == "\0" { text.removeLast() }
        while text.first == " " { text.removeFirst() }
        return String(text)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A coded concept (PS3.3 8): Code Value, Coding Scheme Designator, Code Meaning.
package struct Code: Hashable, Sendable, Codable {
    package var value: String
    package var scheme: String
    package var meaning: String

    package init(value: String, scheme: String, meaning: String) {
        self.value = value
        self.scheme = scheme
        self.meaning = meaning
    }

    package init(_ value: String, _ scheme: String, _ meaning: String) {
        self.init(value: value, scheme: scheme, meaning: meaning)
    }

    /// The same concept, whatever the wording of its meaning.
    package func isSameConcept(as other: Code) -> Bool { value == other.value && scheme == other.scheme }
}

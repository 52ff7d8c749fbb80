// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A data element tag (PS3.5 7.1), ordered as in a data set.
package struct Tag: Hashable, Sendable, Comparable, CustomStringConvertible {
    package let group: UInt16
    package let element: UInt16

    package init(_ group: UInt16, _ element: UInt16) {
        self.group = group
        self.element = element
    }

    package var isPrivate: Bool { group & 1 == 1 }
    package static func < (a: Tag, b: Tag) -> Bool { (a.group, a.element) < (b.group, b.element) }

    package var description: String {
        func hex(_ value: UInt16) -> String {
            let digits = String(value, radix: 16, uppercase: true)
            return String(repeating: "0", count: 4 - digits.count) + digits
        }
        return "(\(hex(group)),\(hex(element)))"
    }
}

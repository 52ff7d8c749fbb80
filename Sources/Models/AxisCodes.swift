// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Three letters, one of each of R/L, A/P and S/I: towards where the index of each dimension grows.
package struct AxisCodes: Sendable, Hashable, CustomStringConvertible {
    package let letters: [Character]

    package init?(_ text: String) {
        let letters = Array(text)
        let axes: [Character: Int] = ["R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2]
        guard letters.count == 3, Set(letters.compactMap { axes[$0] }).count == 3 else { return nil }
        self.letters = letters
    }

    /// Unit vector of each dimension in the patient coordinate system (x to the left, y to the back, z to the head).
    package var directions: [Vector3] {
        letters.map {
            switch $0 {
            case "R": Vector3(-1, 0, 0)
            case "L": Vector3(1, 0, 0)
            case "A": Vector3(0, -1, 0)
            case "P": Vector3(0, 1, 0)
            case "S": Vector3(0, 0, 1)
            default: Vector3(0, 0, -1)
            }
        }
    }

    package var description: String { String(letters) }
}

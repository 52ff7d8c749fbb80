// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What a package says of one of its classes, finding or not.
package struct ClassScore: Sendable, Codable, Equatable {
    package var label: String
    package var value: Double
    package var threshold: Double
    /// The slice or image with the greatest score; nil where the network gives one score for all.
    package var slice: Int?
}

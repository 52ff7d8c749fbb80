// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A kind of object that results are made of, in the order in which those of one run are made.
package enum ResultKind: String, Sendable, Codable, CaseIterable, CodingKeyRepresentable {
    case segmentation, measurementReport
}

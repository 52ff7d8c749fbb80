// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What a package says of one of its classes, finding or not.
package struct ClassScore: Sendable, Codable, Equatable {
    package var label: String
    /// Of the class, as a finding of it would have.
    package var code: Code
    /// 0 to 1. Where `operatingPoint` is given, 0.5 is that point; else what the network gives, after its activation.
    package var value: Double
    /// The value from which the class is a finding.
    package var threshold: Double
    /// The network's own score that became 0.5; nil where the manifest has none.
    package var operatingPoint: Double?
    /// The slice (0-based) with the greatest score; nil where one score stands for all.
    package var slice: Int?

    /// Brought to an operating point, so that classes can be compared. No score is a probability.
    package var isCalibrated: Bool { operatingPoint != nil }
    package var isFinding: Bool { value >= threshold }

    package init(
        label: String, code: Code, value: Double, threshold: Double, operatingPoint: Double? = nil, slice: Int? = nil
    ) {
        self.label = label
        self.code = code
        self.value = value
        self.threshold = threshold
        self.operatingPoint = operatingPoint
        self.slice = slice
    }
}

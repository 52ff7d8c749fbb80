// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which part of the image a finding rests on, as far as it can be said.
package struct Explanation: Sendable, Equatable {
    /// In the order of preference: what localises by itself comes before what is inferred from a score.
    package enum Method: String, Sendable, Codable { case mask, box, activationMap, features, occlusion }

    package enum Evidence: Sendable, Equatable {
        /// Position in the result's masks.
        case mask(Int)
        case map(HeatMap)
    }

    /// Contributions on the pixels of one slice or image.
    package struct HeatMap: Sendable, Equatable {
        /// One slice; without a place in the patient for a projection.
        package var grid: Grid
        /// In the grid's order; greater is more, 0 is none or not examined.
        package var values: [Float]
        /// Rows and columns of what was computed, before it was spread over the image.
        package var computed: [Int]
        package var deletion: Deletion?
        /// False where the budget ended before every position was tried.
        package var isComplete: Bool
    }

    /// Whether the map says something of the score at all: the score while the tenth of the cells that contribute most
    /// is covered, and while as many random ones are.
    package struct Deletion: Sendable, Codable, Equatable {
        package var score: Double
        package var withoutGreatest: Double
        /// Mean of several draws.
        package var withoutRandom: Double
        package var isSupported: Bool { score - withoutGreatest > score - withoutRandom && withoutGreatest < score }
    }

    /// The finding's label.
    package var label: String
    package var method: Method
    package var evidence: Evidence
    /// What is odd about it, for people.
    package var notes: [String]

    /// To be shown wherever a map is.
    package static let caveat = "Regions that contribute to the score; not a diagnosis"
}

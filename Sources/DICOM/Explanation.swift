// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Which part of the image a finding rests on, as far as it can be said.
package struct Explanation: Sendable, Codable, Equatable {
    /// In the order of preference: what localises by itself comes before what is inferred from a score.
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// The finding's own mask, or its own box.
        case mask, box
        /// Of the graph's own class-activation output; of features and the last layer's weights; of covering the image.
        case activationMap, features, occlusion

        /// To be shown wherever the explanation is.
        package var caveat: String {
            switch self {
            case .mask, .box: "Marked by the model; not a diagnosis"
            case .activationMap, .features, .occlusion: "Regions that contribute to the score; not a diagnosis"
            }
        }
    }

    /// Whether a map says something of the score at all: the score while the tenth of the cells that contribute most
    /// is covered, and while as many random ones are.
    package struct Deletion: Sendable, Codable, Equatable {
        package var score: Double
        package var withoutGreatest: Double
        /// Mean of several draws.
        package var withoutRandom: Double
        package var isSupported: Bool { score - withoutGreatest > score - withoutRandom && withoutGreatest < score }

        package init(score: Double, withoutGreatest: Double, withoutRandom: Double) {
            self.score = score
            self.withoutGreatest = withoutGreatest
            self.withoutRandom = withoutRandom
        }
    }

    /// Contributions at the pixels of one frame of the source.
    package struct HeatMap: Sendable, Codable, Equatable {
        /// The slice (0-based) of the grid whose frame it lies on; of several radiographs, the image's place.
        package var slice: Int
        package var rows: Int
        package var columns: Int
        /// Row after row, from 0 (none, or not examined) to 1; empty where only what describes the map is handed on.
        package var values: [Float]
        /// What 1 stands for, in the kind's own measure: for occlusion, how far the score falls. 0 where nothing contributes.
        package var greatest: Double
        /// Rows and columns of what was computed, before it was spread over the image.
        package var computed: [Int]
        /// False where the budget ended before every position was tried.
        package var isComplete: Bool
        package var deletion: Deletion?

        package init(
            slice: Int, rows: Int, columns: Int, values: [Float], greatest: Double, computed: [Int],
            isComplete: Bool = true, deletion: Deletion? = nil
        ) {
            self.slice = slice
            self.rows = rows
            self.columns = columns
            self.values = values
            self.greatest = greatest
            self.computed = computed
            self.isComplete = isComplete
            self.deletion = deletion
        }
    }

    package var kind: Kind
    /// Position among the findings that come with it.
    package var finding: Int
    /// That finding's.
    package var label: String
    /// nil for a mask or a box, and where the map lies on no frame of the source.
    package var map: HeatMap?
    /// What is odd about it, for people.
    package var notes: [String]

    package init(kind: Kind, finding: Int, label: String, map: HeatMap? = nil, notes: [String] = []) {
        self.kind = kind
        self.finding = finding
        self.label = label
        self.map = map
        self.notes = notes
    }

    package var caveat: String { kind.caveat }

    /// The same without the map's values.
    package var summary: Explanation {
        var summary = self
        summary.map?.values = []
        return summary
    }
}

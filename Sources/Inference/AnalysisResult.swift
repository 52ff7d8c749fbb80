// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What a package found in a volume, on the volume's own grid.
package struct AnalysisResult: Sendable {
    /// What was looked at: every slice of the volume, or there is no result.
    package struct Coverage: Sendable, Codable, Equatable {
        package var slices: Int
        /// mm along the slice normal, half a slice beyond the first and last centre.
        package var extent: Double
        /// Whether the manifest lets "no finding" be reported on this much.
        package var isNegativeAccepted: Bool
        /// Why not, for people.
        package var reason: String?

        package init(slices: Int, extent: Double, isNegativeAccepted: Bool, reason: String?) {
            self.slices = slices
            self.extent = extent
            self.isNegativeAccepted = isNegativeAccepted
            self.reason = reason
        }
    }

    /// Seconds of wall clock.
    package struct Timing: Sendable, Codable, Equatable {
        package var preprocessing = 0.0
        /// Inside the engine, all windows together; compiling a network that was not ready is not in it.
        package var engine = 0.0
        package var postprocessing = 0.0
        package var total = 0.0
        package init() {}
    }

    /// The longest diameter of a mask in one slice: between the centres of two voxels, (column, row) from 0.
    package struct LongAxis: Sendable, Codable, Equatable {
        package var slice: Int
        package var from: [Int]
        package var to: [Int]
        /// mm between the centres plus one mean pixel spacing, so that a row of n pixels measures n spacings.
        package var length: Double
        /// mm likewise, of the longest chord perpendicular to it, in that slice and across the convex outline.
        package var across: Double

        package init(slice: Int, from: [Int], to: [Int], length: Double, across: Double) {
            self.slice = slice
            self.from = from
            self.to = to
            self.length = length
            self.across = across
        }
    }

    package var model: ModelIdentity
    package var findings: [Finding]
    /// A finding's `maskIndex` points here.
    package var masks: [Mask]
    /// One per mask.
    package var longAxes: [LongAxis]
    package var coverage: Coverage
    /// Quality notes that did not refuse the volume: the volume's own first.
    package var notes: [String]
    package var timing: Timing
    /// Every class of a classification, finding or not.
    package var scores: [ClassScore] = []
    /// Which part of the image findings rest on, in the order of these; never without their `caveat`.
    package var explanations: [Explanation] = []
    /// What the manifest's quality gates measured.
    package var gates: [QualityGateResult] = []
    /// One per mask, where the manifest asks for them: for each voxel of its block how probable it is, 255 for certainty.
    /// Else none.
    package var probabilities: [[UInt8]] = []
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Manifest {
    /// One step from source voxels to the network's tensor, in the order of the manifest.
    package enum Preprocessing: Sendable, Equatable {
        /// Three letters of RLAPSI: towards where the index of tensor dimensions D, H and W grows.
        case orientation(AxisCodes)
        /// mm along D, H and W after orientation; nil keeps the source's. Grid and numerics of MONAI's `Spacing`.
        case spacing([Double?], Interpolation)
        /// x ↦ (x − from.lower)/(from.upper − from.lower)·(to.upper − to.lower) + to.lower, then clipped to `to`.
        case scaleRange(from: ClosedRange<Double>, to: ClosedRange<Double>, clip: Bool)
        case clip(ClosedRange<Double>)
    }

    package enum Interpolation: String, Sendable, CaseIterable { case linear, nearest }

    /// How the tensor goes through the network.
    package enum Inference: Sendable, Equatable {
        /// The whole volume at once; each dimension is padded at its end to a multiple.
        case fullVolume(multiple: [Int], padding: Padding)
        case slidingWindow(Window)
    }

    /// Tiling and blending as in MONAI's `sliding_window_inference`.
    package struct Window: Sendable, Equatable {
        /// Voxels along D, H and W.
        package var roi: [Int]
        /// Fraction of the window that neighbours share, per dimension, from 0 up to but not including 1.
        package var overlap: [Double]
        package var weighting: Weighting
        package var padding: Padding

        package init(roi: [Int], overlap: [Double], weighting: Weighting, padding: Padding) {
            self.roi = roi
            self.overlap = overlap
            self.weighting = weighting
            self.padding = padding
        }
    }

    package enum Weighting: Sendable, Equatable {
        case constant
        /// σ as a fraction of the window's size.
        case gaussian(sigma: Double)
    }

    /// What stands beside a volume that is smaller than the window.
    package enum Padding: Sendable, Equatable {
        case constant(Double)
        case replicate
    }

    /// How channel values become voxels of an output.
    package struct Decision: Sendable, Equatable {
        package enum Activation: String, Sendable, CaseIterable { case none, sigmoid, softmax }
        package enum Rule: String, Sendable, CaseIterable { case threshold, argmax }
        package var activation: Activation
        package var rule: Rule
        /// `linear`: channel values go to the source grid, and are decided and post-processed there.
        /// `nearest`: decided and post-processed on the network's grid, and labels go to the source grid.
        package var restore: Interpolation
    }

    /// One structure or finding that the network marks.
    package struct Output: Sendable, Equatable {
        /// Value in the network's channel dimension, from 0.
        package var channel: Int
        /// A voxel belongs if its activated value is greater; only with `rule: threshold`.
        package var threshold: Double
        package var label: String
        package var code: Code
        package var category: Code
        package var type: Code
        package var site: Code?
        package var laterality: Code?
        package var priority: Priority
        /// mL in all, below which there is no finding.
        package var minimumVolume: Double
        package var confidence: Confidence
        package var postprocess: [Postprocessing]
        /// False for an output that serves only as another's region.
        package var isReported: Bool
    }

    /// How the confidence of a finding is made from the activated values of its voxels.
    package enum Confidence: Sendable, Equatable {
        case mean, maximum
        /// 0 to 100.
        case percentile(Double)
        /// For a network whose values are no probabilities.
        case fixed(Double)
    }

    package enum Connectivity: Int, Sendable, CaseIterable {
        case six = 6
        case eighteen = 18
        case twentySix = 26
    }

    package enum Postprocessing: Sendable, Equatable {
        /// Connected components below this many mL go.
        case removeSmall(volume: Double, Connectivity)
        case keepLargest(count: Int, Connectivity)
        /// Background that does not reach the edge becomes foreground, in the volume or slice by slice.
        case fillHoles(inSlices: Bool)
        /// Only what lies inside another output, or within so many mm of it.
        case restrict(toLabel: String, margin: Double)
    }
}

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

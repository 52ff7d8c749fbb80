// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Manifest {
    /// How channel values become voxels of an output, or scores.
    package struct Decision: Sendable, Equatable {
        package enum Activation: String, Sendable, CaseIterable { case none, sigmoid, softmax }
        package enum Rule: String, Sendable, CaseIterable {
            case threshold, argmax
            /// As `threshold`, and each voxel belongs to the last of the listed outputs that claims it.
            case regions
        }
        package var activation: Activation
        package var rule: Rule
        /// `linear`: channel values go to the source grid, and are decided and post-processed there.
        /// `nearest`: decided and post-processed on the network's grid, and labels go to the source grid.
        package var restore: Interpolation
        /// With `restore: linear`: raw outputs go to the source grid and are activated there (nnU-Net).
        package var activatesAfterRestore: Bool
        /// Segmentations hold how probable each voxel is.
        package var keepsProbabilities = false
    }

    /// One structure or finding that the network marks.
    package struct Output: Sendable, Equatable {
        /// Value in the network's channel dimension, from 0.
        package var channel: Int
        /// A voxel belongs if its activated value is greater; not with `rule: argmax`.
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
        package var midline: Midline?

        var isReportedAsFixed: Bool {
            if case .fixed = confidence { isReported } else { false }
        }
    }

    /// A distance to measure: of an output's centre of mass from the plane through a landmark.
    package struct Midline: Sendable, Equatable {
        /// Label of an earlier output, such as a falx.
        package var landmark: String
        package var code: Code
    }

    /// One class of a classification, or of a detector.
    package struct Score: Sendable, Equatable {
        /// How the scores of slices become one.
        package enum Aggregate: Sendable, Equatable {
            case maximum
            /// Mean of so many greatest.
            case meanOfTop(Int)
        }
        /// Position among the network's scores, from 0.
        package var channel: Int
        /// A finding if the score, after `operatingPoint`, is at least this.
        package var threshold: Double
        /// torchxrayvision's op_norm: this score becomes 0.5.
        package var operatingPoint: Double?
        package var aggregate: Aggregate
        package var label: String
        package var code: Code
        package var category: Code
        package var site: Code?
        package var laterality: Code?
        package var priority: Priority
        /// mm, the longest edge of a detector's box below which it is no finding.
        package var minimumSize: Double
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
        /// Connected components of fewer voxels go.
        case removeFew(voxels: Int, Connectivity)
        /// Only what lies inside several others together, closed and then dilated by cubes of so many voxels to each side.
        case restrictWithin([String], closing: Int, dilation: Int)
        /// Voxels of other outputs are added.
        case merge([String])
        /// Of the two largest components, the one that lies more to this side of the patient.
        case keepSide(Side, Connectivity)

        package enum Side: String, Sendable, CaseIterable { case left, right }

        /// Outputs before this one that the step looks at.
        package var labels: [String] {
            switch self {
            case .restrict(let label, _): [label]
            case .restrictWithin(let labels, _, _), .merge(let labels): labels
            case .removeSmall, .removeFew, .keepLargest, .keepSide, .fillHoles: []
            }
        }
    }

    /// Where in the image a score comes from.
    package enum Explanation: Sendable, Equatable {
        /// An output of the graph holds class-activation maps, one a class.
        case activationMap(output: String)
        /// Class-activation maps of an output of features and the weights of the last layer, [classes, features], in a
        /// second output or an `.npy` file of the package, which is pinned.
        case features(output: String, weights: Weights)
        case occlusion(Occlusion)

        package struct Weights: Sendable, Equatable {
            /// Of an output of the graph, or of a file (`.npy`).
            package var name: String
            /// Of the file; nil while it is not there.
            package var sha256: String?
            var isFile: Bool { name.hasSuffix(".npy") }
        }

        /// A file of the package with its pinned digest and the key that pins it.
        package var file: (name: String, sha256: String?, key: String)? {
            guard case .features(_, let weights) = self, weights.isFile else { return nil }
            return (weights.name, weights.sha256, "sha256")
        }
    }

    /// Occlusion sensitivity: how the score falls while a block of the input is covered.
    package struct Occlusion: Sendable, Equatable {
        /// What covers the image: a Gaussian that fades it to 0, or the image's mean.
        package enum Fill: String, Sendable, CaseIterable { case gaussian, mean }
        /// Pixels along H and W.
        package var size: [Int]
        package var overlap: Double
        package var fill: Fill
        /// Positions that are tried, at most.
        package var passes: Int

        package init(size: [Int], overlap: Double, fill: Fill = .gaussian, passes: Int) {
            self.size = size
            self.overlap = overlap
            self.fill = fill
            self.passes = passes
        }
    }
}

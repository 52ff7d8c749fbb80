// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Manifest {
    /// How the tensor goes through the networks.
    package enum Inference: Sendable, Equatable {
        /// The whole volume at once; each dimension is padded at its end to a multiple.
        case fullVolume(multiple: [Int], padding: Padding)
        case slidingWindow(Window)
        /// [N, C, H, W], slices along D in batches: maps back, or scores a slice.
        case slices(Slices)
        /// A network for each slice, then one over all slices.
        case sliceSequence(SliceSequence)
        /// One image of a projection, [1, C, H, W]: scores.
        case projection
        case promptable(Promptable)
        case detection(Detector)

        package var name: String {
            switch self {
            case .fullVolume: "fullVolume"
            case .slidingWindow: "slidingWindow"
            case .slices: "slices"
            case .sliceSequence: "sliceSequence"
            case .projection: "projection"
            case .promptable: "promptable"
            case .detection: "detection"
            }
        }

        /// The networks that the kind runs.
        package var roles: [Role] {
            switch self {
            case .sliceSequence: [.encoder, .sequence]
            case .promptable: [.encoder, .decoder]
            case .fullVolume, .slidingWindow, .slices, .projection, .detection: [.main]
            }
        }
    }

    /// Tiling and blending of windows.
    package struct Window: Sendable, Equatable {
        package enum Tiling: String, Sendable, CaseIterable { case monai, nnunet }
        /// Windows that hold background alone are not run.
        package struct Background: Sendable, Equatable {
            /// A window in which no value is greater is background.
            package var atMost: Double
            /// Raw network outputs that stand for the window, one a channel; nil: only windows of one single value
            /// count, and what the network gives for such a window stands for all of them.
            package var outputs: [Double]?
        }
        /// Voxels along D, H and W.
        package var roi: [Int]
        /// Fraction of the window that neighbours share, per dimension, from 0 up to but not including 1.
        package var overlap: [Double]
        package var tiling: Tiling
        package var weighting: Weighting
        package var padding: Padding
        /// Dimensions (0 is D) that are mirrored: the outputs of all combinations are averaged.
        package var mirror: [Int]
        package var background: Background?
        /// Windows in one pass.
        package var batch: Int

        package init(
            roi: [Int], overlap: [Double], tiling: Tiling = .monai, weighting: Weighting, padding: Padding,
            mirror: [Int] = [], background: Background? = nil, batch: Int = 1
        ) {
            self.roi = roi
            self.overlap = overlap
            self.tiling = tiling
            self.weighting = weighting
            self.padding = padding
            self.mirror = mirror
            self.background = background
            self.batch = batch
        }
    }

    package enum Weighting: Sendable, Equatable {
        case constant
        /// σ as a fraction of the window's size, as MONAI computes it.
        case gaussian(sigma: Double)
        /// The filtered impulse of nnU-Net, σ an eighth of the window.
        case gaussianNNUNet
    }

    /// What stands beside a volume that is smaller than the window.
    package enum Padding: Sendable, Equatable {
        case constant(Double)
        case replicate
    }

    package struct Slices: Sendable, Equatable {
        /// Slices, or their windows, in one pass.
        package var batch: Int
        /// Windows in the slice, as MONAI's `SliceInferer` tiles it; nil: the whole slice at once.
        package var window: Window?

        package init(batch: Int, window: Window? = nil) {
            self.batch = batch
            self.window = window
        }
    }

    package struct SliceSequence: Sendable, Equatable {
        /// Slices that the encoder takes at once.
        package var batch: Int
        /// Each slice's features are followed by their difference to the slice before and to the slice after.
        package var deltas: Bool
    }

    /// Segment Anything: an image encoder, and a decoder that answers prompts.
    package struct Promptable: Sendable, Equatable {
        package enum Family: String, Sendable, CaseIterable { case sam, medSAM }
        package var family: Family
        /// Side of the encoder's square input, pixels.
        package var size: Int
        /// A mask is carried on to the next slice while it overlaps by this much (intersection over union); nil: only
        /// prompted slices.
        package var propagate: Double?
        /// Bytes of embeddings kept.
        package var cache: Int

        package init(family: Family, size: Int = 1024, propagate: Double? = nil, cache: Int = 256 << 20) {
            self.family = family
            self.size = size
            self.propagate = propagate
            self.cache = cache
        }
    }

    /// A RetinaNet of MONAI's shape: per level, one output of class scores and one of box offsets.
    package struct Detector: Sendable, Equatable {
        /// Voxels along D, H and W of a window; nil: the whole volume at once.
        package var roi: [Int]?
        package var overlap: Double
        /// The volume is padded to multiples of these.
        package var multiple: [Int]
        /// Voxels of the base anchors along D, H and W.
        package var anchors: [[Double]]
        /// Growth of the anchors on each level, the finest first.
        package var scales: [Double]
        package var scoreThreshold: Double
        /// Candidates kept on each level.
        package var candidates: Int
        /// Intersection over union above which the weaker of two boxes goes.
        package var overlapThreshold: Double
        package var maximum: Int

        package init(
            roi: [Int]? = nil, overlap: Double = 0.25, multiple: [Int] = [1, 1, 1], anchors: [[Double]],
            scales: [Double] = [1, 2, 4], scoreThreshold: Double = 0.02, candidates: Int = 1000,
            overlapThreshold: Double = 0.22, maximum: Int = 300
        ) {
            self.roi = roi
            self.overlap = overlap
            self.multiple = multiple
            self.anchors = anchors
            self.scales = scales
            self.scoreThreshold = scoreThreshold
            self.candidates = candidates
            self.overlapThreshold = overlapThreshold
            self.maximum = maximum
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

extension Manifest {
    /// One step from source voxels to the network's tensor, in the order of the manifest.
    package enum Preprocessing: Sendable, Equatable {
        /// Three letters of RLAPSI: towards where the index of tensor dimensions D, H and W grows.
        case orientation(AxisCodes)
        /// Which dimension of before becomes D, H and W.
        case transpose([Int])
        case spacing(Spacing)
        /// x ↦ (x − from.lower)/(from.upper − from.lower)·(to.upper − to.lower) + to.lower, then clipped to `to`.
        case scaleRange(from: ClosedRange<Double>, to: ClosedRange<Double>, clip: Bool)
        case clip(ClosedRange<Double>)
        case clipPercentiles(lower: Double, upper: Double, nonzero: Bool)
        /// Smallest and greatest value to these.
        case scaleMinMax(to: ClosedRange<Double>, channelWise: Bool)
        case normalize(Normalization)
        /// Steps of values for each channel by itself; what lies in no channel's foreground is told before the first.
        case perChannel([[Preprocessing]])
        case cropForeground(Foreground)
        /// The box of what is not 0 in any channel, holes filled (nnU-Net).
        case cropNonzero
        /// 0 and 2^(Bits Stored) − 1 to these: for stored values, such as a projection's.
        case scaleStored(to: ClosedRange<Double>)
        /// One channel for each window, from 0 to 1.
        case windows([IntensityWindow])
        /// One channel of bytes for each window, stretched from its smallest value on (second place of RSNA 2019).
        case stretchWindows([IntensityWindow])
        /// Channels from the slices at these offsets along D; beyond the ends, the slice at the end.
        case neighbours([Int])
        case repeatChannels(Int)
        case resize(Resize)
        /// The square of the shorter side, from the middle.
        case centerCropSquare
        /// Borders that are 0 throughout a slice go, then it is padded to a square.
        case autocrop
        /// Fractions are cut off, values kept within 0 and 255.
        case toByte
        /// Fractions are cut off, as by a cast to integers.
        case truncate

        /// Of so many before it.
        package func channels(from count: Int) -> Int {
            switch self {
            case .windows(let windows), .stretchWindows(let windows): count * windows.count
            case .neighbours(let offsets): count * offsets.count
            case .repeatChannels(let times): count * times
            default: count
            }
        }
    }

    package enum Interpolation: String, Sendable, CaseIterable { case linear, nearest, cubic }

    package struct Spacing: Sendable, Equatable {
        /// Where the new voxels lie.
        package enum Lattice: String, Sendable, CaseIterable {
            /// MONAI's `Spacing`: the first voxel's corner stays.
            case affine
            /// Half-pixel centres, as nnU-Net, scikit-image and torch (align_corners=False).
            case halfPixel
            /// First and last voxel stay, as scipy's `zoom`.
            case endpoint
        }
        /// nnU-Net's rule for slices that are much farther apart than pixels.
        package struct SeparateAxis: Sendable, Equatable {
            /// Greatest over smallest spacing, above which the axis of the greatest is resampled by itself.
            package var above: Double
            package var interpolation: Interpolation
        }
        /// mm along D, H and W; nil keeps the source's.
        package var mm: [Double?]
        package var interpolation: Interpolation
        package var lattice: Lattice
        package var separateAxis: SeparateAxis?

        package init(
            mm: [Double?], interpolation: Interpolation = .linear, lattice: Lattice = .affine,
            separateAxis: SeparateAxis? = nil
        ) {
            self.mm = mm
            self.interpolation = interpolation
            self.lattice = lattice
            self.separateAxis = separateAxis
        }
    }

    /// (x − mean)/deviation.
    package struct Normalization: Sendable, Equatable {
        package enum Voxels: String, Sendable, CaseIterable {
            case all, nonzero
            /// Where any channel is not 0, holes filled: nnU-Net's `use_mask_for_norm`.
            case filled
        }
        /// Which voxels give mean and deviation, and are changed.
        package var of: Voxels
        package var channelWise: Bool
        /// Given ones, one a channel or one for all; nil: measured.
        package var mean: [Double]?
        package var deviation: [Double]?
        /// Least deviation to divide by; 0 deviation divides by 1 where this is 0 (MONAI), nnU-Net takes 1e-8.
        package var minimumDeviation: Double

        package init(
            of: Voxels = .all, channelWise: Bool = false, mean: [Double]? = nil, deviation: [Double]? = nil,
            minimumDeviation: Double = 0
        ) {
            self.of = of
            self.channelWise = channelWise
            self.mean = mean
            self.deviation = deviation
            self.minimumDeviation = minimumDeviation
        }
    }

    /// MONAI's `CropForeground`.
    package struct Foreground: Sendable, Equatable {
        /// Foreground is where any channel is greater.
        package var above: Double
        /// Voxels along D, H and W.
        package var margin: [Int]
        package var allowSmaller: Bool

        package init(above: Double = 0, margin: [Int] = [0, 0, 0], allowSmaller: Bool = false) {
            self.above = above
            self.margin = margin
            self.allowSmaller = allowSmaller
        }
    }

    package struct IntensityWindow: Sendable, Equatable {
        package var center: Double
        package var width: Double

        package init(center: Double, width: Double) {
            self.center = center
            self.width = width
        }
    }

    /// In the plane of H and W, slice by slice.
    package struct Resize: Sendable, Equatable {
        package enum Method: String, Sendable, CaseIterable {
            case area, bilinear, bilinearAntialiased, bicubic, nearest
            /// scikit-image's: a Gaussian before it shrinks, then bilinear over a border of 0.
            case gaussianBilinear
            /// OpenCV's on bytes: whole results.
            case bilinearBytes
        }
        package enum Fit: String, Sendable, CaseIterable {
            case stretch
            /// The longer side to `size`, the rest padded with 0 at right and bottom.
            case longestSide
        }
        /// Rows and columns.
        package var size: [Int]
        package var method: Method
        package var fit: Fit
    }
}

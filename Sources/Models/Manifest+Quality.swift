// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Manifest {
    package struct Quality: Sendable, Equatable {
        /// Unit of the voxels that the network expects, UCUM; or `anyUnit`.
        package var unit: String
        /// For a network whose values are stretched image by image, so that it does not matter.
        package static let anyUnit = "any"
        /// mm along the slice normal.
        package var minimumExtent: Double?
        package var maximumSliceSpacing: Double?
        package var orientation: Rules.Orientation?
        /// mm that must have been analysed before "no finding" may be reported; nil: a negative is never reported.
        package var negativeExtent: Double?
        package var examined: Examined?
        /// In the order of `Measure.allCases`.
        package var gates: [Gate]
        package var whole: [WholeAnatomy]
        package var contrast: ContrastGate?
    }

    /// A channel in which the network marks what it looked at (activated value above 0.5).
    package struct Examined: Sendable, Equatable {
        package var channel: Int
        /// mL, below which "no finding" may not be reported.
        package var minimumVolume: Double
    }

    /// What a gate does when its limit is broken.
    package enum Action: String, Sendable, CaseIterable { case warn, block }

    /// A number measured on the volume, with the ranges that it has to lie in.
    package struct Gate: Sendable, Equatable {
        package enum Measure: String, Sendable, CaseIterable {
            /// Degrees of shear (gantry tilt).
            case tilt
            /// The largest difference of a slice step from the median one, as a fraction of it.
            case unevenSpacing
            /// Percentiles of the voxels' values.
            case percentile1, percentile99
            /// Share of the voxels below −900 HU.
            case air
            /// Share of the voxels at the greatest value that the files can hold.
            case saturation
            /// Slices of one value.
            case blankSlices
            /// The greatest z-score of a slice's difference to the slice before, against those of its neighbourhood.
            case motion
            /// Share of the field's border that is not background: the body leaves the field.
            case truncation
            case bitsStored
        }
        package var measure: Measure
        package var warn: Rules.Range?
        package var block: Rules.Range?
    }

    /// An output of the package that has to lie within the volume: it may not touch the first or last slice.
    package struct WholeAnatomy: Sendable, Equatable {
        package var label: String
        /// mL, below which it counts as not there.
        package var minimumVolume: Double
        package var action: Action
    }

    /// Contrast as the header declares it against the attenuation that an output's voxels have.
    package struct ContrastGate: Sendable, Equatable {
        package var label: String
        /// HU, the mean from which the vessel is enhanced.
        package var enhancedFrom: Double
        package var action: Action
    }
}

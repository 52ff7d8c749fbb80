// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What was written, and what is true about it.
package struct PhantomStudy: Sendable {
    /// Paths of the files, in the order of the slices, the localizer's first.
    package var files: [String] = []
    package var studyInstanceUID: UID
    /// The series with the finding.
    package var seriesInstanceUID: UID
    package var localizerSeriesInstanceUID: UID?
    /// All series but localizers, where a study has several, in their order.
    package var series: [Series] = []
    /// Of images without a place in the patient, nil.
    package var frameOfReferenceUID: UID?
    /// Of the series with the finding, in the order of its files.
    package var sopInstanceUIDs: [UID] = []
    package var truth = Truth()

    package struct Series: Sendable, Equatable {
        package var description: String
        package var seriesInstanceUID: UID
        package var files: [String]
    }

    package struct Truth: Sendable, Equatable {
        /// Voxels of the written slices whose centre lies in the bleed.
        package var bleedVoxels = 0
        package var bleedVolumeML = 0.0
        /// Of the bleed's ellipsoid, in the patient coordinate system, mm; nil without a bleed.
        package var bleedCentre: Vector3?
        /// As above, for the findings of the other phantoms: voxels, mL of them, centre, and mL of the ideal shape.
        package var findingVoxels = 0
        package var findingVolumeML = 0.0
        package var findingCentre: Vector3?
        package var shapeVolumeML: Double?
    }
}

package enum PhantomError: Error, CustomStringConvertible {
    case impossible(String)
    case encoding(String)
    case file(String)

    package var description: String {
        switch self {
        case .impossible(let reason): "this phantom cannot be made: \(reason)"
        case .encoding(let reason): "encoding failed: \(reason)"
        case .file(let reason): "writing failed: \(reason)"
        }
    }
}

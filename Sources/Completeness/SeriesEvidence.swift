// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Completeness: has this series stopped arriving?
// Takes what is known of a series and a monotonic time; gives a verdict with its evidence in words, and when to ask again.
// Keeps nothing.  Never reads a clock, never sees pixels, and never takes geometry as proof that the ends have arrived.

import DICOM

/// What is known of a series at one moment.
package struct SeriesEvidence: Sendable, Equatable {
    /// One instance, as far as completeness looks at it.
    package struct Instance: Sendable, Equatable {
        package var sopClassUID: UID
        package var instanceNumber: Int?
        package var acquisitionNumber: Int?
        package var numberOfFrames: Int?
        /// Images in Acquisition (0020,1002).
        package var imagesInAcquisition: Int?
        /// Image Position (Patient), mm.
        package var position: Vector3?
        /// Image Orientation (Patient): direction of a row of pixels and of a column.
        package var row: Vector3?
        package var column: Vector3?

        package init(
            sopClassUID: UID, instanceNumber: Int? = nil, acquisitionNumber: Int? = nil, numberOfFrames: Int? = nil,
            imagesInAcquisition: Int? = nil, position: Vector3? = nil, row: Vector3? = nil, column: Vector3? = nil
        ) {
            self.sopClassUID = sopClassUID
            self.instanceNumber = instanceNumber
            self.acquisitionNumber = acquisitionNumber
            self.numberOfFrames = numberOfFrames
            self.imagesInAcquisition = imagesInAcquisition
            self.position = position
            self.row = row
            self.column = column
        }
    }

    package var instances: [Instance]
    /// Associations that brought instances of this series and are still open.
    package var openAssociations: Int
    /// Monotonic seconds; after a restart, the time of the restart.
    package var lastArrival: Double
    /// The association that brought the last instance has since been released in order (A-RELEASE); an abort or a lost
    /// connection is no release.
    package var isReleased: Bool
    /// What a performed procedure step or another archive says of the series; nil where nobody said anything.
    package var listed: Listed?

    /// A list of the series' instances, beside those that are here.
    package struct Listed: Sendable, Equatable {
        /// Who lists them, in words.
        package var source: String
        package var total: Int
        package var missing: Int
        /// Instances that are here and in no list.
        package var unlisted: Int

        package init(source: String, total: Int, missing: Int, unlisted: Int) {
            self.source = source
            self.total = total
            self.missing = missing
            self.unlisted = unlisted
        }
    }

    package init(
        instances: [Instance], openAssociations: Int, lastArrival: Double, isReleased: Bool, listed: Listed? = nil
    ) {
        self.listed = listed
        self.instances = instances
        self.openAssociations = openAssociations
        self.lastArrival = lastArrival
        self.isReleased = isReleased
    }
}

extension SeriesEvidence.Instance {
    /// Values of the wrong length or that are not finite count as absent.
    package init(_ header: InstanceHeader) {
        func vector(_ values: ArraySlice<Double>) -> Vector3? {
            guard values.count == 3 else { return nil }
            let vector = Vector3(
                values[values.startIndex], values[values.startIndex + 1], values[values.startIndex + 2])
            return vector.isFinite ? vector : nil
        }
        let orientation = header.imageOrientationPatient ?? []
        self.init(
            sopClassUID: header.sopClassUID, instanceNumber: header.instanceNumber,
            acquisitionNumber: header.acquisitionNumber, numberOfFrames: header.numberOfFrames,
            imagesInAcquisition: header.imagesInAcquisition,
            position: vector((header.imagePositionPatient ?? [])[...]),
            row: orientation.count == 6 ? vector(orientation[0..<3]) : nil,
            column: orientation.count == 6 ? vector(orientation[3..<6]) : nil)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Takes: choices about a synthetic study.
// Gives: DICOM files of it and the truth about what is in them.
// Keeps: nothing; the same choices give the same bytes, unless fresh UIDs are asked for.
// Never: data of a person. The anatomy is ellipsoids; it is no substitute for patients in any claim about a model.

import DICOM

/// A head CT: scalp, skull, brain, ventricles, noise; an optional bleed; and what deceives a detector of blood.
package struct HeadCT: Sendable {
    package enum Side: String, Sendable, CaseIterable { case left, right }
    package enum Finding: Hashable, Sendable {
        case none
        /// An ellipsoid of fresh blood.
        case bleed(Bleed)
    }
    package struct Bleed: Hashable, Sendable {
        /// mL of the ellipsoid; what lies inside the brain's hull and is voxelised is told by the study's truth.
        package var volume: Double
        package var side: Side
        /// Distance of the centre from the head's centre, mm: from the midline, to the back, to the head.
        package var lateral: Double
        package var posterior: Double
        package var superior: Double
        /// Hounsfield units of the blood.
        package var density: Double

        package init(
            volume: Double = 20, side: Side = .left, lateral: Double = 32, posterior: Double = 12, superior: Double = 8,
            density: Double = 70
        ) {
            self.volume = volume
            self.side = side
            self.lateral = lateral
            self.posterior = posterior
            self.superior = superior
            self.density = density
        }
    }
    /// What a detector of blood may take for blood.
    package enum Deceiver: String, Sendable, CaseIterable {
        /// Pineal gland and basal ganglia, 120 to 200 HU.
        case calcification
        /// A dense sheet in the midline, 55 HU.
        case falx
        /// Enhanced vessels and sinus, 180 HU; also sets Contrast/Bolus Agent.
        case contrast
        /// A clip with streaks.
        case metal
    }
    package enum Orientation: String, Sendable, CaseIterable { case axial, coronal, sagittal }
    package enum Defect: String, Sendable, CaseIterable {
        /// A slice in the middle is missing.
        case gap
        /// A slice in the middle is there twice, under two SOP Instance UIDs.
        case duplicate
        /// The second half has twice the spacing.
        case mixedSpacing
        /// The last slice is turned by 10°.
        case mixedOrientation
        /// A slice in the middle has no Image Position (Patient).
        case missingPosition
        /// No slice has Rescale Slope and Intercept.
        case missingRescale
    }
    /// Whether Pixel Measures, Plane Orientation and Pixel Value Transformation of a multi-frame object are shared.
    package enum FunctionalGroups: String, Sendable, CaseIterable { case shared, perFrame }
    package enum CharacterSet: String, Sendable, CaseIterable {
        /// No Specific Character Set.
        case none
        case latin1 = "ISO_IR 100"
        case utf8 = "ISO_IR 192"
        /// `\ISO 2022 IR 87`, as Japanese scanners write (PS3.5 H.3).
        case japanese = "ISO 2022 IR 87"
    }

    package var seed: UInt64
    package var finding = Finding.none
    package var deceivers: [Deceiver] = []

    package var columns = 512
    package var rows = 512
    package var slices = 32
    /// mm between pixel centres; nil: 240 mm over the longer side.
    package var pixelSpacing: Double?
    /// mm between slices; nil: 160 mm over all slices.
    package var sliceSpacing: Double?
    /// Slice Thickness, mm; nil: as the slice spacing.
    package var sliceThickness: Double?
    package var orientation = Orientation.axial
    /// Gantry tilt in degrees: planes are turned about the left-right axis, and the table moves along the head.
    package var tilt = 0.0
    /// Standard deviation, HU.
    package var noise = 5.0

    package var isMultiFrame = false
    package var functionalGroups = FunctionalGroups.shared
    package var transferSyntax = PhantomTransferSyntax.explicitLittleEndian
    /// 12 or 16. 8 gives a coarse image that no CT scanner may send, for JPEG Baseline.
    package var bitsStored = 12
    /// Signed stored values (Pixel Representation 1); then 16 bits are stored.
    package var isSigned = false

    package var characterSet = CharacterSet.latin1
    /// The three groups joined by "="; nil: a name that fits the character set.
    package var patientName: String?
    /// nil: "PHANTOM-" and the seed.
    package var patientID: String?
    package var issuerOfPatientID: String?
    package var patientBirthDate = "19500101"
    package var patientSex = "O"
    /// nil: "A" and the seed.
    package var accessionNumber: String?
    package var studyDate = "20260102"
    package var studyTime = "101500"
    package var seriesNumber = 2

    package var defects: [Defect] = []
    /// One or two slices of a scout series, written first.
    package var localizerSlices = 0
    /// UIDs derive from the seed and every choice, or from this alone where it is given, so that two studies that
    /// differ in transfer syntax can bear the same UIDs.
    package var identity: String?
    /// New UIDs on every writing.
    package var hasFreshUIDs = false

    package init(seed: UInt64 = 1, finding: Finding = .none) {
        self.seed = seed
        self.finding = finding
    }
}

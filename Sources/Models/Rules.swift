// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What a series must be: the same keys serve `claim` and `require` of a manifest. A rule that is nil is not asked.
package struct Rules: Sendable, Equatable {
    package enum Contrast: String, Sendable, CaseIterable { case none, required }
    package enum Plane: String, Sendable, CaseIterable { case axial, coronal, sagittal }

    package struct BodyPart: Sendable, Equatable {
        /// Values of Body Part Examined, upper case.
        package var oneOf: [String]
        /// Where Body Part Examined is empty: accept.
        package var orEmpty: Bool
        /// Where it is empty: a pattern that Series Description, Protocol Name or Study Description contains.
        package var orDescription: String?
    }

    package struct ImageType: Sendable, Equatable {
        package var contains: [String]
        package var excludes: [String]
    }

    /// Patterns (regular expressions, case ignored) that the text must, or must not, contain.
    package struct Text: Sendable, Equatable {
        package var include: String?
        package var exclude: String?
    }

    /// Either end may be open.
    package struct Range: Sendable, Equatable {
        package var minimum: Double?
        package var maximum: Double?
        package func contains(_ value: Double) -> Bool {
            if let minimum, value < minimum { return false }
            if let maximum, value > maximum { return false }
            return true
        }
    }

    package struct Orientation: Sendable, Equatable {
        package var plane: Plane
        /// Degrees between the slice normal and the plane's.
        package var within: Double
    }

    package var modality: [String]?
    package var sopClasses: [UID]?
    package var bodyPartExamined: BodyPart?
    package var imageType: ImageType?
    package var seriesDescription: Text?
    package var studyDescription: Text?
    package var protocolName: Text?
    package var convolutionKernel: Text?
    package var slices: Range?
    /// mm, as the header states it.
    package var sliceThickness: Range?
    /// mm between neighbouring slices, measured on their positions, else as the header states it.
    package var sliceSpacing: Range?
    /// mm, the larger of the two.
    package var pixelSpacing: Range?
    package var contrast: Contrast?
    package var orientation: Orientation?

    package init() {}
}

/// SOP classes that a manifest may name instead of writing the UID (PS3.6 A).
enum ImageSOPClass {
    /// What a `claim` without `sopClasses` takes.
    static let ofModality: [String: [String]] = [
        "CT": ["CTImageStorage", "EnhancedCTImageStorage", "LegacyConvertedEnhancedCTImageStorage"],
        "MR": ["MRImageStorage", "EnhancedMRImageStorage", "LegacyConvertedEnhancedMRImageStorage"],
        "CR": ["ComputedRadiographyImageStorage"],
        "DX": ["DigitalXRayImageStorageForPresentation"],
        "MG": ["DigitalMammographyXRayImageStorageForPresentation"],
        "US": ["UltrasoundImageStorage", "UltrasoundMultiFrameImageStorage"],
    ]
    static let named: [String: UID] = [
        "CTImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.2"),
        "EnhancedCTImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.2.1"),
        "LegacyConvertedEnhancedCTImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.2.2"),
        "MRImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.4"),
        "EnhancedMRImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.4.1"),
        "LegacyConvertedEnhancedMRImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.4.4"),
        "ComputedRadiographyImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.1"),
        "DigitalXRayImageStorageForPresentation": UID(literal: "1.2.840.10008.5.1.4.1.1.1.1"),
        "DigitalXRayImageStorageForProcessing": UID(literal: "1.2.840.10008.5.1.4.1.1.1.1.1"),
        "DigitalMammographyXRayImageStorageForPresentation": UID(literal: "1.2.840.10008.5.1.4.1.1.1.2"),
        "DigitalMammographyXRayImageStorageForProcessing": UID(literal: "1.2.840.10008.5.1.4.1.1.1.2.1"),
        "UltrasoundImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.6.1"),
        "UltrasoundMultiFrameImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.3.1"),
        "SecondaryCaptureImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.7"),
        "MultiFrameGrayscaleByteSecondaryCaptureImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.7.2"),
        "MultiFrameGrayscaleWordSecondaryCaptureImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.7.3"),
        "MultiFrameTrueColorSecondaryCaptureImageStorage": UID(literal: "1.2.840.10008.5.1.4.1.1.7.4"),
    ]
}

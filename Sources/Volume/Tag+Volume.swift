// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The attributes that make a volume, by their keywords (PS3.6 6).
extension Tag {
    static let imageType = Tag(0x0008, 0x0008)
    static let sopClassUID = Tag(0x0008, 0x0016)
    static let sopInstanceUID = Tag(0x0008, 0x0018)
    static let sliceThickness = Tag(0x0018, 0x0050)
    static let gantryDetectorTilt = Tag(0x0018, 0x1120)
    static let ctAcquisitionDetailsSequence = Tag(0x0018, 0x9304)
    static let seriesInstanceUID = Tag(0x0020, 0x000E)
    static let imagePositionPatient = Tag(0x0020, 0x0032)
    static let imageOrientationPatient = Tag(0x0020, 0x0037)
    static let frameOfReferenceUID = Tag(0x0020, 0x0052)
    static let planePositionSequence = Tag(0x0020, 0x9113)
    static let planeOrientationSequence = Tag(0x0020, 0x9116)
    static let samplesPerPixel = Tag(0x0028, 0x0002)
    static let photometricInterpretation = Tag(0x0028, 0x0004)
    static let planarConfiguration = Tag(0x0028, 0x0006)
    static let numberOfFrames = Tag(0x0028, 0x0008)
    static let rows = Tag(0x0028, 0x0010)
    static let columns = Tag(0x0028, 0x0011)
    static let pixelSpacing = Tag(0x0028, 0x0030)
    static let bitsAllocated = Tag(0x0028, 0x0100)
    static let bitsStored = Tag(0x0028, 0x0101)
    static let highBit = Tag(0x0028, 0x0102)
    static let pixelRepresentation = Tag(0x0028, 0x0103)
    static let pixelPaddingValue = Tag(0x0028, 0x0120)
    static let pixelPaddingRangeLimit = Tag(0x0028, 0x0121)
    static let rescaleIntercept = Tag(0x0028, 0x1052)
    static let rescaleSlope = Tag(0x0028, 0x1053)
    static let rescaleType = Tag(0x0028, 0x1054)
    static let lossyImageCompression = Tag(0x0028, 0x2110)
    static let modalityLUTSequence = Tag(0x0028, 0x3000)
    static let pixelMeasuresSequence = Tag(0x0028, 0x9110)
    static let pixelValueTransformationSequence = Tag(0x0028, 0x9145)
    static let sharedFunctionalGroupsSequence = Tag(0x5200, 0x9229)
    static let perFrameFunctionalGroupsSequence = Tag(0x5200, 0x9230)
}

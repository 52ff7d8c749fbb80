// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// What a header says of an image that its voxels do not show; empty or nil where it says nothing.
package struct DeclaredFacts: Hashable, Sendable {
    package var modality = ""
    package var photometricInterpretation = ""
    package var bitsStored: Int?
    /// The values that the stored bits can express, in the volume's unit.
    package var valueRange: ClosedRange<Float>?
    package var isLossy = false
    /// PA, AP, LL …; where there is no View Position, the meaning of the view's code.
    package var viewPosition = ""
    /// L, R, B or U.
    package var laterality = ""
    /// Where rows and columns lead: L\\F for an upright frontal image.
    package var patientOrientation: [String] = []
    package var bodyPartExamined = ""
    /// As stored: 045Y.
    package var patientAge = ""
    package var contrastBolusAgent = ""
    package var sequenceName = ""
    package var scanningSequence = ""
    /// ms.
    package var echoTime: Double?
    package var repetitionTime: Double?
    package var inversionTime: Double?
    /// T.
    package var magneticFieldStrength: Double?

    package init() {}

    init(_ item: Item, _ groups: FunctionalGroups, of image: ImageDescription) {
        func text(_ tag: Tag) -> String { item.string(tag).map(trimmed) ?? "" }
        func number(_ tag: Tag, _ alternatives: [(group: Tag, tag: Tag)] = []) -> Double? {
            if let value = item.number(tag) { return value }
            for place in alternatives {
                if let value = groups.holder(of: place.tag, in: place.group)?.number(place.tag) { return value }
            }
            return nil
        }
        modality = text(.modality)
        photometricInterpretation = image.format.photometricInterpretation
        bitsStored = image.format.bitsStored
        isLossy = text(.lossyImageCompression) == "01"
        viewPosition = text(.viewPosition)
        if viewPosition.isEmpty {
            viewPosition = item.child(.viewCodeSequence)?.string(.codeMeaning).map(trimmed) ?? ""
        }
        laterality = text(.imageLaterality)
        if laterality.isEmpty { laterality = text(.laterality) }
        patientOrientation = item.strings(.patientOrientation).map(trimmed)
        bodyPartExamined = text(.bodyPartExamined)
        patientAge = text(.patientAge)
        contrastBolusAgent = text(.contrastBolusAgent)
        sequenceName = text(.sequenceName)
        if sequenceName.isEmpty { sequenceName = text(.pulseSequenceName) }
        scanningSequence = text(.scanningSequence)
        let own = Tag.unassignedPerFrameConvertedAttributesSequence
        let common = Tag.unassignedSharedConvertedAttributesSequence
        echoTime = number(
            .echoTime, [(.mrEchoSequence, .effectiveEchoTime), (own, .echoTime), (common, .echoTime)])
        repetitionTime = number(
            .repetitionTime,
            [
                (.mrTimingAndRelatedParametersSequence, .repetitionTime), (own, .repetitionTime),
                (common, .repetitionTime),
            ])
        inversionTime = number(.inversionTime, [(.mrModifierSequence, .inversionTimes)])
        magneticFieldStrength = number(.magneticFieldStrength)
    }
}

func trimmed(_ text: String) -> String {
    let start = text.drop { $0 == " " }
    return String(start.reversed().drop { $0 == " " || $0 == "\0" }.reversed())
}

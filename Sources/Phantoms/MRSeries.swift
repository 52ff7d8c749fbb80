// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One series of a brain study, as its instances describe it.
struct MRSeries {
    var choices: BrainMR
    var sequence: BrainMR.Sequence
    var header: PhantomHeader
    var uids: PhantomUIDs
    /// From 0, in the study.
    var number: Int

    var prefix: String { "MR\(number + 1)-" }
    var hasRescale: Bool { choices.rescalesEachSlice || choices.form != .singleFrame }

    /// MR Image Storage (PS3.3 A.4).
    func writeSingle(
        _ images: [MRImage], _ frames: [[UInt8]], _ files: PhantomFiles
    ) throws(PhantomError) -> (files: [String], uids: [UID]) {
        var written: (files: [String], uids: [UID]) = ([], [])
        for (index, image) in images.enumerated() {
            let uid = uids.uid("instance\(number)", index)
            written.files.append(
                try files.write(
                    prefix, index + 1, header: header, sopClassUID: BrainMR.mrImageStorage, sopInstanceUID: uid,
                    frames: [frames[index]]
                ) { (item) throws(DCMTKError) in
                    try set(item, image, number: index + 1)
                })
            written.uids.append(uid)
        }
        return written
    }

    private func set(_ item: Item, _ image: MRImage, number: Int) throws(DCMTKError) {
        let component = image.variant.component == "PHASE" ? "P" : "M"
        try item.set(.imageType, "ORIGINAL\\PRIMARY\\OTHER\\\(component)")
        try item.set(.acquisitionDate, choices.patient.studyDate)
        try item.set(.acquisitionTime, choices.patient.studyTime)
        try item.set(.acquisitionNumber, "1")
        try image.stack.set(item, image.plane, number: number)
        try setTimes(item, image)
        try item.set(.windowCenter, "500")
        try item.set(.windowWidth, "1000")
        try setRescale(item, image)
    }

    /// What the MR Image module asks of a plane (PS3.3 C.8.3.1), and the converted object keeps.
    private func setTimes(_ item: Item, _ image: MRImage) throws(DCMTKError) {
        let times = sequence.times
        try item.set(.scanningSequence, times.inversion == nil ? "SE" : "SE\\IR")
        try item.set(.sequenceVariant, "SK")
        try item.setEmpty(.scanOptions)
        try item.set(.mrAcquisitionType, "2D")
        try item.set(.repetitionTime, decimal(times.repetition))
        try item.set(.echoTime, decimal(image.variant.echoTime ?? times.echo))
        if let inversion = times.inversion { try item.set(.inversionTime, decimal(inversion)) }
        try item.set(.echoTrainLength, "8")
        try item.set(.magneticFieldStrength, "3")
        if sequence == .t1c { try item.set(.contrastBolusAgent, "GADOLINIUM") }
        if let position = image.variant.temporalPosition {
            try item.set(.temporalPositionIdentifier, "\(position)")
            try item.set(.numberOfTemporalPositions, "\(temporalPositions)")
        }
        if let b = image.variant.bValue { try item.set(.diffusionBValue, [b]) }
    }

    var temporalPositions: Int { choices.repeats.compactMap(\.temporalPosition).max() ?? 1 }

    func setRescale(_ item: Item, _ image: MRImage) throws(DCMTKError) {
        guard hasRescale else { return }
        try item.set(.rescaleIntercept, decimal(image.intercept))
        try item.set(.rescaleSlope, decimal(image.slope))
        try item.set(.rescaleType, "US")
    }
}

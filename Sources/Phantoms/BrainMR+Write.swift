// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// One image of a series: its plane, which of the images of the place, and how it is rescaled.
struct MRImage: Sendable {
    var plane: PlaneStack.Plane
    var stack: PlaneStack
    /// From 1.
    var stackNumber: Int
    var variant: BrainMR.Repeat
    var variantNumber: Int
    var slope: Double
    var intercept: Double
    /// From 1, in the stack.
    var position: Int
}

extension BrainMR {
    package static let mrImageStorage = UID(literal: "1.2.840.10008.5.1.4.1.1.4")
    package static let enhancedMRImageStorage = UID(literal: "1.2.840.10008.5.1.4.1.1.4.1")
    package static let legacyConvertedEnhancedMRImageStorage = UID(literal: "1.2.840.10008.5.1.4.1.1.4.4")

    /// Writes the study into `directory`, which is made where it is missing. Thread: blocks, and renders on all cores.
    @discardableResult
    package func write(to directory: String) throws(PhantomError) -> PhantomStudy {
        try check()
        let files = try PhantomFiles(directory, transferSyntax)
        let uids = PhantomUIDs(self, identity: identity, isFresh: hasFreshUIDs)
        let model = model()
        let format = FrameFormat(rows: rows, columns: columns, bitsAllocated: 16, bitsStored: 16, isSigned: false)
        let encoder = PhantomEncoder(transferSyntax: transferSyntax, format: format)
        let name = try patient.encodedName()
        var study = PhantomStudy(
            studyInstanceUID: uids.uid("study"), seriesInstanceUID: uids.uid("series", 0),
            frameOfReferenceUID: uids.uid("frameOfReference"))
        for (number, sequence) in sequences.enumerated() {
            let header = PhantomHeader(
                patient: patient, seed: seed, name: name, modality: "MR", studyInstanceUID: study.studyInstanceUID,
                seriesInstanceUID: uids.uid("series", number), frameOfReferenceUID: study.frameOfReferenceUID,
                seriesNumber: number + 1, studyDescription: "BRAIN", seriesDescription: sequence.seriesDescription,
                bodyPart: "BRAIN", protocolName: "Brain tumor", format: format)
            let images = try images(of: sequence)
            let rendered = try PhantomFiles.parallel(images.count) { (index) throws(PhantomError) in
                let image = images[index]
                let slice = model.slice(image.plane, of: image.stack, sequence: sequence.number)
                let words = slice.values.map { value in
                    UInt16(min(max(((Double(value) - image.intercept) / image.slope).rounded(), 0), 65_535))
                }
                let isCounted = image.stackNumber == 1 && image.variantNumber == 0 && number == 0
                return (
                    frame: try encoder.encode(words.withUnsafeBytes { Array($0) }),
                    voxels: isCounted ? slice.labels.count { $0 > 0 } : 0
                )
            }
            study.truth.findingVoxels += rendered.reduce(0) { $0 + $1.voxels }
            let series = MRSeries(choices: self, sequence: sequence, header: header, uids: uids, number: number)
            let written =
                form == .singleFrame
                ? try series.writeSingle(images, rendered.map(\.frame), files)
                : try series.writeMultiFrame(images, rendered.map(\.frame), files)
            study.files += written.files
            if number == 0 { study.sopInstanceUIDs = written.uids }
            study.series.append(
                .init(
                    description: sequence.rawValue, seriesInstanceUID: header.seriesInstanceUID, files: written.files))
        }
        study.truth.findingVolumeML = Double(study.truth.findingVoxels) * (try stack(of: sequences[0])).voxelML
        study.truth.findingCentre = tumorCentre
        study.truth.shapeVolumeML = tumorVolumesML.first
        return study
    }

    /// Along the stack unless shuffled, the images of one place together.
    private func images(of sequence: Sequence) throws(PhantomError) -> [MRImage] {
        var stacks = [try stack(of: sequence)]
        if extraStackSlices > 0 {
            stacks.append(
                try PlaneStack(
                    columns: columns, rows: rows, slices: extraStackSlices, field: 240, extent: 160,
                    orientation: orientation == .coronal ? .axial : .coronal))
        }
        var images: [MRImage] = []
        for (number, stack) in stacks.enumerated() {
            for plane in stack.planes {
                for (index, item) in repeats.enumerated() {
                    images.append(
                        MRImage(
                            plane: plane, stack: stack, stackNumber: number + 1, variant: item, variantNumber: index,
                            slope: rescalesEachSlice ? 0.5 + 0.125 * Double(plane.number % 5) : 1,
                            intercept: rescalesEachSlice ? -10 * Double(plane.number % 3) : 0,
                            position: plane.number + 1))
                }
            }
        }
        guard isShuffled else { return images }
        // A step that shares no factor with the count visits each once.
        var step = images.count / 2 + 1
        while greatestCommonDivisor(step, images.count) != 1 { step += 1 }
        return images.indices.map { images[($0 * step + 3) % images.count] }
    }
}

private func greatestCommonDivisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : greatestCommonDivisor(b, a % b) }

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

/// A Secondary Capture (PS3.3 A.8.1) of a slice: one single-frame instance each, which every viewer shows; older archives
/// refuse the multi-frame classes.
struct SecondaryCapture {
    let sopInstanceUID: UID
    let seriesInstanceUID: UID
    let kind: ResultKind
    /// In its series, from 1.
    let number: Int
    let picture: Picture
    let frame: SourceFrame
    let display: SliceDisplay
    /// What was done, in words.
    let derivation: String
    /// What people should know of it.
    let comments: String
    let isLossy: SourceFacts.LossyCompression?

    func write(to item: Item, header: Header) throws(DCMTKError) {
        // Of no modality: a picture is nothing to measure or to analyse.
        try header.write(
            to: item, sopClassUID: SOPClass.secondaryCapture, sopInstanceUID: sopInstanceUID,
            seriesInstanceUID: seriesInstanceUID, modality: "OT", kind: kind)
        try item.set(Attribute.instanceNumber, String(number))
        try item.set(Attribute.imageType, "DERIVED\\SECONDARY")
        try item.set(Attribute.conversionType, "WSD")
        try header.writeBodyPart(imageLaterality: display.imageLaterality, to: item)
        if let orientation = display.orientation {
            let directions = [orientation.prefix(3), orientation.suffix(3)].map { Picture.letters(Array($0)).to }
            try item.set(Attribute.patientOrientation, directions.joined(separator: "\\"))
        } else {
            try item.setEmpty(Attribute.patientOrientation)
        }
        try item.set(Attribute.derivationDescription, Text.plain(header.request.marked(derivation)))
        try item.append(Attribute.sourceImageSequence) { (item) throws(DCMTKError) in
            try item.setReference(frame)
            try item.append(Attribute.purposeOfReferenceCodeSequence, Concept.sourceImageForProcessing)
        }
        try item.set(Attribute.imageComments, Text.plain(header.request.marked(comments)))
        try item.set(Attribute.burnedInAnnotation, "YES")
        try writeImage(to: item)
    }

    private func writeImage(to item: Item) throws(DCMTKError) {
        try item.set(Attribute.samplesPerPixel, 3)
        try item.set(Attribute.photometricInterpretation, "RGB")
        try item.set(Attribute.planarConfiguration, 0)
        try item.set(Attribute.rows, picture.canvas.rows)
        try item.set(Attribute.columns, picture.canvas.columns)
        try item.set(Attribute.bitsAllocated, 8)
        try item.set(Attribute.bitsStored, 8)
        try item.set(Attribute.highBit, 7)
        try item.set(Attribute.pixelRepresentation, 0)
        if let size = picture.pixelSize.map({ Text.decimal($0) }) {
            try item.set(Attribute.pixelSpacing, "\(size)\\\(size)")
        }
        try item.set(Attribute.lossyImageCompression, isLossy == nil ? "00" : "01")
        if let ratio = isLossy?.ratio { try item.set(Attribute.lossyImageCompressionRatio, ratio) }
        if let method = isLossy?.method { try item.set(Attribute.lossyImageCompressionMethod, method) }
        let pixels = picture.canvas.pixels
        try item.set(Attribute.pixelData, bytes: pixels.count % 2 == 0 ? pixels : pixels + [0])
    }
}

extension Item {
    /// Image SOP Instance Reference Macro (PS3.3 10.3).
    func setReference(_ frame: SourceFrame) throws(DCMTKError) {
        try set(Attribute.referencedSOPClassUID, frame.sopClassUID)
        try set(Attribute.referencedSOPInstanceUID, frame.sopInstanceUID)
        if let number = frame.frameNumber { try set(Attribute.referencedFrameNumber, String(number)) }
    }
}

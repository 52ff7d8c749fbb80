// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension ChestXRay {
    package static let computedRadiographyImageStorage = UID(literal: "1.2.840.10008.5.1.4.1.1.1")
    package static let digitalXRayImageStorageForPresentation = UID(literal: "1.2.840.10008.5.1.4.1.1.1.1")

    /// Writes the study into `directory`, which is made where it is missing. Thread: blocks, and renders on all cores.
    @discardableResult
    package func write(to directory: String) throws(PhantomError) -> PhantomStudy {
        try check()
        let files = try PhantomFiles(directory, transferSyntax)
        let uids = PhantomUIDs(self, identity: identity, isFresh: hasFreshUIDs)
        let format = FrameFormat(
            rows: rows, columns: columns, bitsAllocated: isByte ? 8 : 16, bitsStored: bitsStored, isSigned: false,
            photometricInterpretation: isMonochrome1 ? "MONOCHROME1" : "MONOCHROME2")
        var header = PhantomHeader(
            patient: patient, seed: seed, name: try patient.encodedName(),
            modality: isComputedRadiography ? "CR" : "DX", studyInstanceUID: uids.uid("study"),
            seriesInstanceUID: uids.uid("series"), frameOfReferenceUID: nil, seriesNumber: 1,
            studyDescription: "CHEST", seriesDescription: "Chest \(views.map(\.rawValue).joined(separator: ", "))",
            bodyPart: "CHEST", protocolName: "Chest", format: format)
        header.patientPosition = nil
        let encoder = PhantomEncoder(transferSyntax: transferSyntax, format: format)
        let rendered = try PhantomFiles.parallel(views.count) { (index) throws(PhantomError) in
            let image = render(index)
            let bytes = isByte ? image.stored.map { UInt8($0) } : image.stored.withUnsafeBytes { Array($0) }
            return (frame: try encoder.encode(bytes), air: image.air.reduce(0) { $0 + Int($1) })
        }
        var study = PhantomStudy(
            studyInstanceUID: header.studyInstanceUID, seriesInstanceUID: header.seriesInstanceUID,
            frameOfReferenceUID: nil)
        let sopClassUID =
            isComputedRadiography
            ? ChestXRay.computedRadiographyImageStorage : ChestXRay.digitalXRayImageStorageForPresentation
        for (index, image) in rendered.enumerated() {
            let uid = uids.uid("instance", index)
            study.files.append(
                try files.write(
                    isComputedRadiography ? "CR" : "DX", index + 1, header: header, sopClassUID: sopClassUID,
                    sopInstanceUID: uid, frames: [image.frame]
                ) { (item) throws(DCMTKError) in
                    try setImage(item, views[index], number: index + 1)
                    if isComputedRadiography { try setComputed(item) } else { try setDigital(item, views[index]) }
                })
            study.sopInstanceUIDs.append(uid)
            study.truth.findingVoxels += image.air
        }
        study.truth.findingVolumeML = airVolumeML
        study.truth.shapeVolumeML = finding == .none ? nil : airVolumeML
        return study
    }

    private func setImage(_ item: Item, _ view: View, number: Int) throws(DCMTKError) {
        try item.set(.imageType, "ORIGINAL\\PRIMARY")
        try item.set(.acquisitionDate, patient.studyDate)
        try item.set(.acquisitionTime, patient.studyTime)
        try item.set(.instanceNumber, "\(number)")
        try item.set(.viewPosition, view.rawValue)
        // Rows lead to the patient's left, or to the back in a left lateral view.
        try item.set(.patientOrientation, view == .lateral ? "P\\F" : "L\\F")
        try item.set(.imagerPixelSpacing, "\(decimal(pixelSpacing))\\\(decimal(pixelSpacing))")
        try item.set(.kvp, "120")
        try item.set(.windowCenter, "\((maximum + 1) / 2 * slope + intercept)")
        try item.set(.windowWidth, "\((maximum + 1) * abs(slope))")
        if collimation > 0 { try item.set(.pixelPaddingValue, isMonochrome1 ? maximum : 0) }
    }

    /// CR Image (PS3.3 C.8.1.2).
    private func setComputed(_ item: Item) throws(DCMTKError) {
        try item.set(.plateType, "PHANTOM")
        guard slope != 1 || intercept != 0 else { return }
        try item.set(.rescaleSlope, "\(slope)")
        try item.set(.rescaleIntercept, "\(intercept)")
        try item.set(.rescaleType, "US")
    }

    /// DX Series, Anatomy Imaged, Image, Detector and Positioning (PS3.3 C.8.11).
    private func setDigital(_ item: Item, _ view: View) throws(DCMTKError) {
        try item.set(.presentationIntentType, "FOR PRESENTATION")
        try item.set(.imageLaterality, "U")
        try item.append(.anatomicRegionSequence) { (region) throws(DCMTKError) in
            try setCode(region, "51185008", "SCT", "Chest")
        }
        try item.set(.pixelIntensityRelationship, "LOG")
        try item.set(.pixelIntensityRelationshipSign, isMonochrome1 ? 1 : -1)
        try item.set(.rescaleIntercept, "0")
        try item.set(.rescaleSlope, "1")
        try item.set(.rescaleType, "US")
        try item.set(.presentationLUTShape, isMonochrome1 ? "INVERSE" : "IDENTITY")
        try item.set(.detectorType, "DIRECT")
        try item.setEmpty(.positionerType)
        try item.setEmpty(.acquisitionContextSequence)
        try item.append(.viewCodeSequence) { (code) throws(DCMTKError) in
            switch view {
            case .pa: try setCode(code, "R-10214", "SRT", "postero-anterior")
            case .ap: try setCode(code, "R-10206", "SRT", "antero-posterior")
            case .lateral: try setCode(code, "R-10236", "SRT", "left lateral")
            }
        }
    }
}

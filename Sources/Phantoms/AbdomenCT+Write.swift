// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension AbdomenCT {
    /// Writes the study into `directory`, which is made where it is missing. Thread: blocks, and renders on all cores.
    @discardableResult
    package func write(to directory: String) throws(PhantomError) -> PhantomStudy {
        let (model, stack) = (try model(), try stack())
        let files = try PhantomFiles(directory, transferSyntax)
        let uids = PhantomUIDs(self, identity: identity, isFresh: hasFreshUIDs)
        // JPEG Baseline holds 8 bits; all else 12, offset by 1024.
        let isByte = transferSyntax == .jpegBaseline
        let format = FrameFormat(
            rows: rows, columns: columns, bitsAllocated: isByte ? 8 : 16, bitsStored: isByte ? 8 : 12, isSigned: false)
        let header = PhantomHeader(
            patient: patient, seed: seed, name: try patient.encodedName(), modality: "CT",
            studyInstanceUID: uids.uid("study"), seriesInstanceUID: uids.uid("series"),
            frameOfReferenceUID: uids.uid("frameOfReference"), seriesNumber: 2,
            studyDescription: hasContrast ? "ABDOMEN W CONTRAST" : "ABDOMEN W/O CONTRAST",
            seriesDescription: hasContrast ? "Abdomen portal venous" : "Abdomen", bodyPart: "ABDOMEN",
            protocolName: "Abdomen routine", format: format)
        var study = PhantomStudy(
            studyInstanceUID: header.studyInstanceUID, seriesInstanceUID: header.seriesInstanceUID,
            frameOfReferenceUID: uids.uid("frameOfReference"))
        let encoder = PhantomEncoder(transferSyntax: transferSyntax, format: format)
        let rendered = try PhantomFiles.parallel(stack.planes.count) { (index) throws(PhantomError) in
            let slice = model.slice(stack.planes[index], of: stack, sequence: 0)
            let stored = slice.values.map { UInt16(bitPattern: $0 &+ 1024) }
            let bytes = isByte ? stored.map { UInt8($0 / 16) } : stored.withUnsafeBytes { Array($0) }
            return (frame: try encoder.encode(bytes), voxels: slice.labels.count { $0 > 0 })
        }
        for (index, slice) in rendered.enumerated() {
            let uid = uids.uid("instance", index)
            study.files.append(
                try files.write(
                    "CT", index + 1, header: header, sopClassUID: HeadCT.ctImageStorage, sopInstanceUID: uid,
                    frames: [slice.frame]
                ) { (item) throws(DCMTKError) in
                    try setPlane(item, stack.planes[index], stack, number: index + 1, slope: isByte ? 16 : 1)
                })
            study.sopInstanceUIDs.append(uid)
            study.truth.findingVoxels += slice.voxels
        }
        study.truth.findingVolumeML = Double(study.truth.findingVoxels) * stack.voxelML
        study.truth.findingCentre = findingShape?.centre
        study.truth.shapeVolumeML = findingShape?.shape.volume
        return study
    }

    /// CT Image Storage (PS3.3 A.3).
    private func setPlane(
        _ item: Item, _ plane: PlaneStack.Plane, _ stack: PlaneStack, number: Int, slope: Double
    ) throws(DCMTKError) {
        try item.set(.imageType, "ORIGINAL\\PRIMARY\\AXIAL")
        try item.set(.acquisitionDate, patient.studyDate)
        try item.set(.acquisitionTime, patient.studyTime)
        if hasContrast { try item.set(.contrastBolusAgent, "IODINE") }
        try item.set(.acquisitionNumber, "1")
        try stack.set(item, plane, number: number)
        try item.set(.kvp, "120")
        try item.set(.exposureTime, "500")
        try item.set(.xRayTubeCurrent, "200")
        try item.set(.convolutionKernel, "B30f")
        try item.set(.gantryDetectorTilt, "0")
        try item.set(.windowCenter, "40")
        try item.set(.windowWidth, "400")
        try item.set(.rescaleIntercept, "-1024")
        try item.set(.rescaleSlope, decimal(slope))
        try item.set(.rescaleType, "HU")
    }
}

extension PlaneStack {
    /// Image Plane (PS3.3 C.7.6.2) and the number of the instance.
    func set(_ item: Item, _ plane: Plane, number: Int) throws(DCMTKError) {
        try item.set(.instanceNumber, "\(number)")
        try item.set(.pixelSpacing, "\(decimal(pixelSpacing))\\\(decimal(pixelSpacing))")
        try item.set(.imageOrientationPatient, decimals(plane.rowCosines, plane.columnCosines))
        try item.set(.imagePositionPatient, decimals(plane.position))
        try item.set(.sliceThickness, decimal(sliceSpacing))
        try item.set(.spacingBetweenSlices, decimal(sliceSpacing))
        try item.set(.sliceLocation, decimal(plane.location))
    }
}

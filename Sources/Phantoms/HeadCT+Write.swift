// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Dispatch
import Glibc

extension HeadCT {
    var patient: PhantomPatient {
        var patient = PhantomPatient()
        patient.characterSet = characterSet
        patient.patientName = patientName
        patient.patientID = patientID
        patient.issuerOfPatientID = issuerOfPatientID
        patient.patientBirthDate = patientBirthDate
        patient.patientSex = patientSex
        patient.accessionNumber = accessionNumber
        patient.studyDate = studyDate
        patient.studyTime = studyTime
        return patient
    }

    /// CT Image Storage and Enhanced CT Image Storage (PS3.4 B.5).
    package static let ctImageStorage = UID(literal: "1.2.840.10008.5.1.4.1.1.2")
    package static let enhancedCTImageStorage = UID(literal: "1.2.840.10008.5.1.4.1.1.2.1")

    /// Writes the study into `directory`, which is made where it is missing; `progress` is called with written and all
    /// frames, from one thread at a time. Thread: blocks, and renders on all cores.
    @discardableResult
    package func write(
        to directory: String, progress: (Int, Int) -> Void = { _, _ in }
    ) throws(PhantomError) -> PhantomStudy {
        guard mkdir(directory, 0o755) == 0 || errno == EEXIST else {
            throw .file("\(directory) cannot be made: \(String(cString: strerror(errno)))")
        }
        let uids = PhantomUIDs(self)
        let stored = try StoredValues(self)
        let imageType =
            orientation == .axial ? ["ORIGINAL", "PRIMARY", "AXIAL"] : ["DERIVED", "SECONDARY", "REFORMATTED"]
        let series = PhantomSeries(
            choices: self, layout: try HeadLayout(self), stored: stored, uids: uids,
            seriesInstanceUID: uids.uid("series"), seriesNumber: seriesNumber, description: "Head \(orientation)",
            imageType: imageType)
        var study = PhantomStudy(
            studyInstanceUID: series.studyInstanceUID, seriesInstanceUID: series.seriesInstanceUID,
            frameOfReferenceUID: series.frameOfReferenceUID)
        if localizerSlices > 0 {
            let (uid, files) = try writeLocalizer(to: directory, uids: uids)
            study.localizerSeriesInstanceUID = uid
            study.files += files
        }
        let written =
            isMultiFrame
            ? try series.writeMultiFrame(to: directory, progress: progress)
            : try series.writeSingleFrames(to: directory, prefix: "CT", progress: progress)
        study.files += written.files
        study.sopInstanceUIDs = written.sopInstanceUIDs
        study.truth.bleedVoxels = written.bleedVoxels
        let voxel = series.layout.pixelSpacing * series.layout.pixelSpacing * series.layout.sliceSpacing * cosineOfTilt
        study.truth.bleedVolumeML = Double(written.bleedVoxels) * voxel / 1000
        if case .bleed(let bleed) = finding { study.truth.bleedCentre = HeadAnatomy.centre(of: bleed) }
        return study
    }

    /// A tilted stack's voxels are sheared: their height is across the planes.
    private var cosineOfTilt: Double { cos(tilt * Double.pi / 180) }

    /// Hounsfield units of a plane of the main series as the files hold them (before any lossy step), and which voxels
    /// are bleed. `index` counts the planes as written, defects included.
    package func truth(ofSlice index: Int) throws(PhantomError) -> (hounsfield: [Float], bleed: [UInt8]) {
        let layout = try HeadLayout(self)
        let stored = try StoredValues(self)
        guard layout.planes.indices.contains(index) else { throw .impossible("no slice \(index)") }
        let slice = HeadAnatomy(self).render(layout.planes[index], self, layout.pixelSpacing)
        let hounsfield =
            stored.bitsAllocated == 8
            ? stored.bytes(slice.hounsfield).map { Float($0) * Float(stored.slope) + Float(stored.intercept) }
            : slice.hounsfield.map { Float($0) }
        return (hounsfield, slice.bleed)
    }

    /// The number of slices as written, defects included.
    package func sliceCount() throws(PhantomError) -> Int { try HeadLayout(self).planes.count }

    /// Two planes of the same head in another orientation. A scanner's scout is a projection; what matters to a
    /// receiver is that its Image Type says LOCALIZER.
    private func writeLocalizer(to directory: String, uids: PhantomUIDs) throws(PhantomError) -> (UID, [String]) {
        var choices = self
        choices.isMultiFrame = false
        choices.orientation = .sagittal
        choices.tilt = 0
        choices.defects = []
        choices.slices = localizerSlices
        choices.sliceSpacing = 20
        let series = PhantomSeries(
            choices: choices, layout: try HeadLayout(choices), stored: try StoredValues(choices), uids: uids,
            seriesInstanceUID: uids.uid("localizerSeries"), seriesNumber: 1, description: "Scout",
            imageType: ["ORIGINAL", "PRIMARY", "LOCALIZER"])
        let written = try series.writeSingleFrames(to: directory, prefix: "LOC") { _, _ in }
        return (series.seriesInstanceUID, written.files)
    }
}

extension HeadAnatomy {
    func render(_ plane: HeadLayout.Plane, _ choices: HeadCT, _ pixelSpacing: Double) -> RenderedSlice {
        slice(
            origin: plane.position, columnStep: plane.rowCosines * pixelSpacing,
            rowStep: plane.columnCosines * pixelSpacing, columns: choices.columns, rows: choices.rows,
            number: plane.number)
    }
}

/// What one series' writing gives.
struct WrittenSeries {
    var files: [String] = []
    var sopInstanceUIDs: [UID] = []
    var bleedVoxels = 0
}

extension PhantomSeries {
    var encoder: PhantomEncoder {
        PhantomEncoder(transferSyntax: choices.transferSyntax, format: stored.format(choices))
    }

    func encodedName() throws(PhantomError) -> [UInt8] {
        try choices.patient.encodedName()
    }

    func writeSingleFrames(
        to directory: String, prefix: String, progress: (Int, Int) -> Void
    ) throws(PhantomError) -> WrittenSeries {
        let name = try encodedName()
        let role = prefix == "CT" ? "instance" : "localizerInstance"
        var written = WrittenSeries()
        try forEachFrame { (index, frame, bleedVoxels) throws(PhantomError) in
            let sopInstanceUID = uids.uid(role, index)
            let digits = "\(index + 1)"
            let path = "\(directory)/\(prefix)\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).dcm"
            do {
                let dataSet = DataSet()
                try dataSet.withItem { (item) throws(DCMTKError) in
                    try setCommon(
                        item, sopClassUID: HeadCT.ctImageStorage, sopInstanceUID: sopInstanceUID, name: name)
                    try setSingleFrame(item, plane: layout.planes[index], instanceNumber: index + 1)
                    try encoder.set([frame], on: item)
                }
                try dataSet.write(to: path, transferSyntaxUID: choices.transferSyntax.uid)
            } catch {
                throw .file("\(error)")
            }
            written.files.append(path)
            written.sopInstanceUIDs.append(sopInstanceUID)
            written.bleedVoxels += bleedVoxels
            progress(index + 1, layout.planes.count)
        }
        return written
    }

    /// Renders and encodes batches of planes on all cores, and hands them over in order.
    func forEachFrame(
        _ body: (_ index: Int, _ frame: [UInt8], _ bleedVoxels: Int) throws(PhantomError) -> Void
    ) throws(PhantomError) {
        let anatomy = HeadAnatomy(choices)
        let batch = 8
        for first in stride(from: 0, to: layout.planes.count, by: batch) {
            let count = min(batch, layout.planes.count - first)
            var results = [Result<(frame: [UInt8], bleedVoxels: Int), PhantomError>?](repeating: nil, count: count)
            results.withUnsafeMutableBufferPointer { buffer in
                // Each iteration writes its own element and nothing else.
                nonisolated(unsafe) let slots = buffer
                DispatchQueue.concurrentPerform(iterations: count) { offset in
                    let plane = layout.planes[first + offset]
                    let slice = anatomy.render(plane, choices, layout.pixelSpacing)
                    slots[offset] = Result { () throws(PhantomError) in
                        (
                            try encoder.encode(stored.bytes(slice.hounsfield)),
                            slice.bleed.reduce(0) { $0 + Int($1) }
                        )
                    }
                }
            }
            for (offset, result) in results.enumerated() {
                guard let result else { preconditionFailure("every plane of a batch is rendered") }
                let (frame, bleedVoxels) = try result.get()
                try body(first + offset, frame, bleedVoxels)
            }
        }
    }
}

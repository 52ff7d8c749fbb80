// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension ResultRequest {
    /// Makes the result files in `directory`, each named by its SOP Instance UID, audited and synced. Where nothing was
    /// found and no negative report is due, there are none. A finding's `maskIndex` points into `masks`.
    ///
    /// Thread: blocks. Repeated with the same request and masks it writes the same bytes.
    /// - Parameter images: of `pictureSlices`.
    package func encode(
        masks: [Mask], images: [KeyImage] = [], into directory: String
    ) throws(ResultsError) -> [EncodedResult] {
        try check(masks)
        if findings.isEmpty, refusals.isEmpty, !(template.negativeReport && coverage.isNegativeAccepted) { return [] }
        let facts = try SourceFacts(source)
        if refusals.isEmpty { try facts.check(source.grid) }
        let planes = try packed(masks)
        let names = try ResultNames(self, planes)
        let isPlaced = source.frameOfReferenceUID != nil
        let segmentation =
            isPlaced ? try Segmentation(self, masks: masks, planes: planes, facts: facts, names: names) : nil
        try checkVolumes(segmentation)
        let report = MeasurementReport(
            request: self, facts: facts, segmentation: segmentation, names: names,
            outlines: isPlaced ? [:] : try outlines(masks, planes, facts))

        let first: DataSet
        do { first = try DataSet(contentsOf: source.instances[0].path) } catch { throw ResultsError(error) }
        return try first.withItem { (item) throws(ResultsError) in
            let header = Header(request: self, names: names, source: item)
            var files: [ResultFile] = []
            defer { for file in files { file.removeStaged() } }
            if let segmentation, template.objects.contains(.segmentation) {
                let result = result(
                    .segmentation, SOPClass.segmentation, segmentation.sopInstanceUID, segmentation.seriesInstanceUID,
                    directory)
                files.append(
                    try ResultFile(result) { (item) throws(DCMTKError) in
                        try segmentation.write(to: item, header: header)
                    })
            }
            if template.objects.contains(.measurementReport) {
                let result = result(
                    .measurementReport, SOPClass.comprehensive3DSR, report.sopInstanceUID, report.seriesInstanceUID,
                    directory)
                files.append(
                    try ResultFile(result) { (item) throws(DCMTKError) in try report.write(to: item, header: header) })
            }
            let fallbacks = Fallbacks(request: self, masks: masks, images: images, facts: facts, names: names)
            for kind in template.objects {
                for object in try fallbacks.objects(kind) {
                    let result = result(
                        kind, object.sopClassUID, object.sopInstanceUID, object.seriesInstanceUID, directory)
                    files.append(
                        try ResultFile(result) { (item) throws(DCMTKError) in try object.write(item, header) })
                }
            }
            try ResultAudit(source: item).check(files.map(\.staged))
            return try ResultFile.publish(files, in: directory)
        }
    }

    /// Segments are counted over the findings that have a mask.
    private func packed(_ masks: [Mask]) throws(ResultsError) -> BitPlanes {
        var planes = BitPlanes()
        var segment = 0
        for (index, finding) in findings.enumerated() {
            guard let maskIndex = finding.maskIndex else { continue }
            let before = planes.frames.count
            planes.append(masks[maskIndex], segment: segment)
            guard planes.frames.count > before else { throw .maskDoesNotFit(finding: index, "it is empty") }
            segment += 1
        }
        return planes
    }

    /// By finding: what a mask on an image without a frame of reference shows, on its slice with most pixels where the
    /// finding names none.
    private func outlines(
        _ masks: [Mask], _ planes: BitPlanes, _ facts: SourceFacts
    ) throws(ResultsError) -> [Int: (slice: Int, outline: Outline)] {
        var outlines: [Int: (slice: Int, outline: Outline)] = [:]
        let masked = findings.indices.filter { findings[$0].maskIndex != nil }
        for (segment, finding) in masked.enumerated() {
            guard let mask = findings[finding].maskIndex.map({ masks[$0] }) else { continue }
            let frames = zip(planes.frames, planes.counts).filter { $0.0.segment == segment }
            let largest = frames.max { $0.1 < $1.1 }?.0.slice ?? 0
            let slice = findings[finding].keySlice.flatMap { mask.isEmpty(slice: $0) ? nil : $0 } ?? largest
            guard let image = facts.images[source.frames[slice].sopInstanceUID], image.rows == mask.rows,
                image.columns == mask.columns
            else { throw .maskDoesNotFit(finding: finding, "its image has another matrix") }
            outlines[finding] = (slice, Outline(mask, slice: slice))
        }
        return outlines
    }

    private func result(
        _ kind: ResultKind, _ sopClassUID: UID, _ sopInstanceUID: UID, _ seriesInstanceUID: UID,
        _ directory: String
    ) -> EncodedResult {
        EncodedResult(
            kind: kind, path: "\(directory)/\(sopInstanceUID).dcm", sopClassUID: sopClassUID,
            sopInstanceUID: sopInstanceUID, studyInstanceUID: source.studyInstanceUID,
            seriesInstanceUID: seriesInstanceUID, transferSyntaxUID: template.transferSyntaxUID, digest: "")
    }

    private func checkVolumes(_ segmentation: Segmentation?) throws(ResultsError) {
        for segment in segmentation?.segments ?? [] {
            guard let stated = findings[segment.finding].volumeML else { continue }
            let counted = Double(segment.voxelCount) * source.grid.voxelVolume / 1000
            guard abs(stated - counted) <= 0.001 + counted / 1000 else {
                throw .maskDoesNotFit(
                    finding: segment.finding, "it holds \(counted) mL, the finding says \(stated) mL")
            }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM

extension ResultRequest {
    /// Makes the result files in `directory`, each named by its SOP Instance UID, audited and synced. Where nothing was
    /// found and no negative report is due, there are none. A finding's `maskIndex` points into `masks`.
    ///
    /// Thread: blocks. Repeated with the same request and masks it writes the same bytes.
    ///
    /// - Parameter probabilities: for each mask how probable each voxel of its block is, 255 for certainty, where the
    ///   model says so; else empty.
    /// - Parameter images: of `pictureSlices`.
    package func encode(
        masks: [Mask], probabilities: [[UInt8]] = [], images: [KeyImage] = [], into directory: String
    ) throws(ResultsError) -> [EncodedResult] {
        try check(masks)
        try check(probabilities, of: masks)
        if findings.isEmpty, refusals.isEmpty, !(template.negativeReport && coverage.isNegativeAccepted) { return [] }
        let facts = try SourceFacts(source)
        if refusals.isEmpty { try facts.check(source.grid) }
        let frames = try segmentFrames(masks, probabilities)
        let names = try ResultNames(self, frames)
        // Several radiographs are images of their own, and no stack that a mask could lie in.
        let isOne = source.frameOfReferenceUID != nil || source.grid.slices == 1
        let segmentation =
            isOne ? try Segmentation(self, masks: masks, frames: frames, facts: facts, names: names) : nil
        try checkVolumes(segmentation)
        let report = MeasurementReport(
            request: self, facts: facts, segmentation: segmentation, names: names,
            outlines: isOne ? [:] : try outlines(masks, frames, facts))

        let first: DataSet
        do { first = try DataSet(contentsOf: source.instances[0].path) } catch { throw ResultsError(error) }
        return try first.withItem { (item) throws(ResultsError) in
            let header = Header(request: self, names: names, source: item)
            var files: [ResultFile] = []
            defer { for file in files { file.removeStaged() } }
            if let segmentation, template.objects.contains(.segmentation) {
                let result = result(
                    .segmentation, segmentation.sopClassUID, segmentation.sopInstanceUID,
                    segmentation.seriesInstanceUID, directory)
                files.append(
                    try ResultFile(result, tail: segmentation.tail(isExplicit: template.encoding != .implicit)) {
                        (item) throws(DCMTKError) in
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
            try ResultAudit(source: item, series: source, facts: facts).check(files.map(\.staged))
            return try ResultFile.publish(files, in: directory)
        }
    }

    /// Segments are counted over the findings that have a mask.
    private func segmentFrames(
        _ masks: [Mask], _ probabilities: [[UInt8]]
    ) throws(ResultsError) -> SegmentFrames {
        let masked = findings.indices.filter { findings[$0].maskIndex != nil }
        let places = masked.compactMap { findings[$0].maskIndex }
        let frames = SegmentFrames(
            places.map { masks[$0] }, probabilities: probabilities.isEmpty ? [] : places.map { probabilities[$0] },
            form: template.segmentationForm)
        for (finding, region) in zip(masked, frames.regions) where region.slices.isEmpty {
            throw .maskDoesNotFit(finding: finding, "it is empty")
        }
        return frames
    }

    /// By finding: what a mask on an image without a frame of reference shows, on its slice with most pixels where the
    /// finding names none.
    private func outlines(
        _ masks: [Mask], _ frames: SegmentFrames, _ facts: SourceFacts
    ) throws(ResultsError) -> [Int: (slice: Int, outline: Outline)] {
        var outlines: [Int: (slice: Int, outline: Outline)] = [:]
        let masked = findings.indices.filter { findings[$0].maskIndex != nil }
        for (segment, finding) in masked.enumerated() {
            guard let mask = findings[finding].maskIndex.map({ masks[$0] }) else { continue }
            let region = frames.regions[segment]
            let largest = zip(region.slices, region.counts).max { $0.1 < $1.1 }?.0 ?? 0
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

    /// An image that only projects the body has no volumes.
    private func checkVolumes(_ segmentation: Segmentation?) throws(ResultsError) {
        guard source.frameOfReferenceUID != nil else { return }
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

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DCMTK
import DICOM
import Foundation

extension ResultRequest {
    /// Makes the result files in `directory`, each named by its SOP Instance UID, audited and synced. Where nothing was
    /// found and no negative report is due, there are none. A finding's `maskIndex` points into `masks`.
    ///
    /// Thread: blocks. Repeated with the same request and masks it writes the same bytes.
    package func encode(masks: [Mask], into directory: String) throws(ResultsError) -> [EncodedResult] {
        try check(masks)
        if findings.isEmpty, !(template.negativeReport && coverage.isNegativeAccepted) { return [] }
        let facts = try SourceFacts(source)
        try facts.check(source.grid)
        let names = try ResultNames(self, masks: masks)
        let segmentation = try Segmentation(self, masks: masks, facts: facts, names: names)
        try checkVolumes(segmentation)
        let report = MeasurementReport(
            request: self, facts: facts, segmentation: segmentation, names: names, masks: masks)

        let first: DataSet
        do { first = try DataSet(contentsOf: source.instances[0].path) } catch { throw ResultsError(error) }
        return try first.withItem { (item) throws(ResultsError) in
            let header = Header(request: self, names: names, source: item)
            var results: [EncodedResult] = []
            if let segmentation {
                results.append(
                    try save(
                        .segmentation, SOPClass.segmentation, segmentation.sopInstanceUID,
                        segmentation.seriesInstanceUID, in: directory
                    ) { (item) throws(DCMTKError) in try segmentation.write(to: item, header: header) })
            }
            results.append(
                try save(
                    .measurementReport, SOPClass.comprehensive3DSR, report.sopInstanceUID, report.seriesInstanceUID,
                    in: directory
                ) { (item) throws(DCMTKError) in try report.write(to: item, header: header) })
            try ResultAudit(source: item).check(results)
            return results
        }
    }

    private func save(
        _ kind: EncodedResult.Kind, _ sopClassUID: UID, _ sopInstanceUID: UID, _ seriesInstanceUID: UID,
        in directory: String, _ write: (Item) throws(DCMTKError) -> Void
    ) throws(ResultsError) -> EncodedResult {
        let path = "\(directory)/\(sopInstanceUID).dcm"
        let dataSet = DataSet()
        let digest: String
        do {
            try dataSet.withItem { (item) throws(DCMTKError) in try write(item) }
            digest = try ResultFile.write(to: path) { (temporary) throws(DCMTKError) in
                try dataSet.write(to: temporary, transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"))
            }
        } catch let error as ResultsError {
            throw error
        } catch let error as DCMTKError {
            throw ResultsError(error)
        } catch {
            throw .encoding("\(error)")
        }
        return EncodedResult(
            kind: kind, path: path, sopClassUID: sopClassUID, sopInstanceUID: sopInstanceUID,
            studyInstanceUID: source.studyInstanceUID, seriesInstanceUID: seriesInstanceUID, digest: digest)
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

/// A file of results on disk.
enum ResultFile {
    /// Makes the file under another name, syncs and renames it, syncs the directory; returns its SHA-256.
    /// A file of that name must have the same bytes already.
    static func write(
        to path: String, _ make: (String) throws(DCMTKError) -> Void
    ) throws -> String {
        let temporary = path + ".partial"
        try make(temporary)
        var isRenamed = false
        defer { if !isRenamed { unlink(temporary) } }
        guard let made = FileManager.default.contents(atPath: temporary) else {
            throw ResultsError.file(path: temporary, errno: errno)
        }
        let digest = SHA256.hash(data: made).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
        if let existing = FileManager.default.contents(atPath: path) {
            guard existing == made else { throw ResultsError.notReproducible(path: path) }
        }
        try sync(temporary, O_RDONLY)
        guard rename(temporary, path) == 0 else { throw ResultsError.file(path: path, errno: errno) }
        isRenamed = true
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        try sync(directory.isEmpty ? "/" : directory, O_RDONLY | O_DIRECTORY)
        return digest
    }

    private static func sync(_ path: String, _ flags: Int32) throws {
        let descriptor = open(path, flags | O_CLOEXEC)
        guard descriptor >= 0 else { throw ResultsError.file(path: path, errno: errno) }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw ResultsError.file(path: path, errno: errno) }
    }
}

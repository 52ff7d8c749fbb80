// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Inference
import Models
import Results
import Volume

/// What objects are made of.
extension WorkerMain {
    /// The report that a series was not analysed, for those who want it.
    func notAnalysed(_ job: AnalysisJob, _ package: ModelPackage, _ reason: String) throws -> [EncodedFile] {
        let nowhere = Vector3(0, 0, 0)
        var request = ResultRequest(
            source: SourceSeries(
                studyInstanceUID: job.studyInstanceUID, seriesInstanceUID: job.seriesInstanceUID,
                frameOfReferenceUID: job.frameOfReferenceUID, instances: job.instances, frames: [],
                grid: Grid(
                    origin: nowhere, columnStep: nowhere, rowStep: nowhere, sliceStep: nowhere, columns: 0, rows: 0,
                    slices: 0),
                companions: job.companions),
            model: package.identity, findings: [], soughtFindings: package.soughtFindings,
            coverage: Coverage(slices: 0, extent: 0, isNegativeAccepted: false), refusals: [reason], isFinal: true,
            equipment: job.equipment, contentTime: job.contentTime, codeVersion: Version.text,
            configurationDigest: job.configurationDigest)
        return try job.orders.filter(\.template.notAnalysedReport).flatMap { order in
            // It takes nothing back: what was found before stands.
            request.template = order.template
            return try request.encode(masks: [], into: job.output).map {
                EncodedFile($0, for: order.recipients(of: $0.kind, after: .notAnalysed))
            }
        }
    }

    func results(
        of result: AnalysisResult, _ package: ModelPackage, _ volume: VoxelVolume, _ job: AnalysisJob
    ) -> ResultRequest {
        ResultRequest(
            source: SourceSeries(
                studyInstanceUID: job.studyInstanceUID, seriesInstanceUID: job.seriesInstanceUID,
                frameOfReferenceUID: job.frameOfReferenceUID,
                instances: Self.ordered(job.instances, by: volume.frames), frames: volume.frames, grid: volume.grid,
                companions: job.companions),
            model: package.identity, findings: result.findings,
            soughtFindings: package.soughtFindings,
            scores: result.scores, explanations: result.explanations,
            coverage: Coverage(
                slices: result.coverage.slices, extent: result.coverage.extent,
                isNegativeAccepted: result.coverage.isNegativeAccepted),
            gates: result.gates, qualityNotes: result.notes, isFinal: true, equipment: job.equipment,
            contentTime: job.contentTime, codeVersion: Version.text, configurationDigest: job.configurationDigest)
    }

    /// In the order of their first slice, as results list them.
    private static func ordered(_ instances: [SourceInstance], by frames: [SourceFrame]) -> [SourceInstance] {
        var place: [UID: Int] = [:]
        for (index, frame) in frames.enumerated() where place[frame.sopInstanceUID] == nil {
            place[frame.sopInstanceUID] = index
        }
        return instances.filter { place[$0.sopInstanceUID] != nil }
            .sorted { (place[$0.sopInstanceUID] ?? 0) < (place[$1.sopInstanceUID] ?? 0) }
    }
}

extension EncodedFile {
    init(_ result: EncodedResult, for destinations: [String]) {
        self.init(
            kind: result.kind, path: result.path, sopClassUID: result.sopClassUID,
            sopInstanceUID: result.sopInstanceUID,
            seriesInstanceUID: result.seriesInstanceUID, transferSyntaxUID: result.transferSyntaxUID,
            destinations: destinations)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension Analysis {
    /// A classification of every radiograph of a series, each for itself: of a label found in several, the image with the
    /// greatest score speaks. A finding's key slice is the image's place in the list.
    ///
    /// An image that a gate refuses (a lateral view beside a frontal one) is named in the notes; if all are refused, so is
    /// the series.
    package func run(
        _ package: ModelPackage, onImages images: [VoxelVolume], shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) -> AnalysisResult {
        guard images.count > 1 else { return try run(package, on: images, shouldStop: shouldStop) }
        guard package.manifest.outputs.isEmpty else {
            throw .refused(["the series has \(images.count) radiographs, and the package marks a single one"])
        }
        var merged: AnalysisResult?
        var refusals: [String] = []
        for (place, image) in images.enumerated() {
            var result: AnalysisResult
            do throws(InferenceError) {
                result = try run(package, on: [image], shouldStop: shouldStop)
            } catch {
                guard error.isRefusal else { throw error }
                refusals.append("image \(place + 1) of \(images.count): \(error)")
                continue
            }
            for index in result.findings.indices { result.findings[index].keySlice = place }
            merged = merged.map { merge($0, result) } ?? result
        }
        guard var merged else { throw .refused(refusals) }
        merged.notes += refusals
        if let first = refusals.first {
            // What was not looked at is no negative.
            merged.coverage.isNegativeAccepted = false
            merged.coverage.reason = first
        }
        merged.coverage.slices = images.count
        return merged
    }

    private func merge(_ a: AnalysisResult, _ b: AnalysisResult) -> AnalysisResult {
        var merged = a
        for finding in b.findings {
            guard let known = merged.findings.firstIndex(where: { $0.label == finding.label }) else {
                merged.findings.append(finding)
                continue
            }
            if merged.findings[known].confidence < finding.confidence { merged.findings[known] = finding }
        }
        for note in b.notes where !merged.notes.contains(note) { merged.notes.append(note) }
        for score in b.scores {
            guard let known = merged.scores.firstIndex(where: { $0.label == score.label }) else { continue }
            if merged.scores[known].value < score.value { merged.scores[known] = score }
        }
        merged.explanations += b.explanations
        if !b.coverage.isNegativeAccepted, merged.coverage.isNegativeAccepted { merged.coverage = b.coverage }
        merged.timing.preprocessing += b.timing.preprocessing
        merged.timing.engine += b.timing.engine
        merged.timing.postprocessing += b.timing.postprocessing
        merged.timing.total += b.timing.total
        return merged
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension Analysis {
    /// A classification of every radiograph of a series, each for itself: of a label found in several, the image with the
    /// greatest score speaks. Slices of findings, scores and maps are the image's place in the list.
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
            let name = "image \(place + 1) of \(images.count)"
            var result: AnalysisResult
            do throws(InferenceError) {
                result = try run(package, on: [image], shouldStop: shouldStop)
            } catch {
                guard error.isRefusal else { throw error }
                refusals.append("\(name): \(error)")
                continue
            }
            result.place(at: place, name)
            merged = merged.map { $0.merged(with: result) } ?? result
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
}

extension AnalysisResult {
    /// Of one image, as that of a place among others.
    fileprivate mutating func place(at place: Int, _ name: String) {
        for index in findings.indices { findings[index].keySlice = place }
        for index in scores.indices { scores[index].slice = place }
        for index in explanations.indices { explanations[index].map?.slice = place }
        for index in gates.indices { gates[index].evidence = "\(name): \(gates[index].evidence)" }
        let warnings = Set(gates.filter { $0.outcome == .warn }.map(\.evidence))
        // What gates say is of this image; what the reader of the images says is said once for all.
        for index in notes.indices where warnings.contains("\(name): \(notes[index])") {
            notes[index] = "\(name): \(notes[index])"
        }
    }

    /// A class that both scored is that of the greater score, with its finding and explanation.
    fileprivate func merged(with other: AnalysisResult) -> AnalysisResult {
        var merged = self
        merged.findings = []
        merged.explanations = []
        var found: [(finding: Finding, of: AnalysisResult, index: Int)] = findings.enumerated().map {
            ($0.element, self, $0.offset)
        }
        for (index, finding) in other.findings.enumerated() {
            guard let known = found.firstIndex(where: { $0.finding.label == finding.label }) else {
                found.append((finding, other, index))
                continue
            }
            if found[known].finding.confidence < finding.confidence { found[known] = (finding, other, index) }
        }
        for (finding, result, index) in found {
            for var explanation in result.explanations where explanation.finding == index {
                explanation.finding = merged.findings.count
                merged.explanations.append(explanation)
            }
            merged.findings.append(finding)
        }
        for note in other.notes where !merged.notes.contains(note) { merged.notes.append(note) }
        for score in other.scores {
            guard let known = merged.scores.firstIndex(where: { $0.label == score.label }) else { continue }
            if merged.scores[known].value < score.value { merged.scores[known] = score }
        }
        merged.gates += other.gates
        if !other.coverage.isNegativeAccepted, merged.coverage.isNegativeAccepted { merged.coverage = other.coverage }
        merged.timing.preprocessing += other.timing.preprocessing
        merged.timing.engine += other.timing.engine
        merged.timing.postprocessing += other.timing.postprocessing
        merged.timing.total += other.timing.total
        return merged
    }
}

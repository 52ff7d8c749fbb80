// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// A package of scores on slices or projections, from voxels to findings.
struct SliceClassification {
    let engine: Engine
    let package: ModelPackage
    let progress: (Double) -> Void
    let shouldStop: () -> Bool

    /// What the networks said, and what is needed to ask them again.
    private struct Scored {
        var scores: SliceScores
        /// Final scores of a class, of variants of one slice.
        var again: (_ slice: Int, _ variants: [Plane], _ channel: Int) throws(InferenceError) -> [Float]
        var seconds: Double
    }

    /// - Parameters:
    ///   - planes: of the volume's slices; those of a projection are its images.
    ///   - lattice: of the planes' field.
    ///   - deadline: when explanations stop.
    func run(
        _ planes: SlicePlanes, on lattice: Lattice, of volume: VoxelVolume, deadline: ContinuousClock.Instant,
        into result: inout AnalysisResult
    ) throws(InferenceError) {
        let manifest = package.manifest
        let scored = try scored(planes)
        result.timing.engine += scored.seconds
        for score in manifest.scores {
            let (value, greatest) = scored.scores.together(score)
            // One score for all slices names none of them.
            let slice = scored.scores.rows.count < planes.count ? nil : greatest
            let key = slice.map { volume.slice(at: lattice, $0) }
            result.scores.append(
                ClassScore(
                    label: score.label, code: score.code, value: Double(value), threshold: score.threshold,
                    operatingPoint: score.operatingPoint, slice: key))
            guard Double(value) >= score.threshold else { continue }
            result.findings.append(
                Finding(
                    label: score.label, code: score.code, category: score.category, type: score.code, site: score.site,
                    laterality: score.laterality, confidence: Double(value), priority: score.priority, keySlice: key))
            guard let rule = manifest.explain, let slice else { continue }
            if shouldStop() { throw .cancelled }
            let explaining = Explaining(
                run: sliceRun, plane: try planes.plane(slice), deadline: deadline
            ) { (variants, channel) throws(InferenceError) in try scored.again(slice, variants, channel) }
            let map = try explaining.map(of: score, by: rule, height: lattice.shape[1], width: lattice.shape[2])
            result.explanations.append(
                map.explanation(
                    of: result.findings.count - 1, label: score.label, slice: slice, lattice: lattice, volume: volume))
        }
    }

    var sliceRun: SliceRun {
        let (role, batch): (Manifest.Role, Int) =
            switch package.manifest.inference {
            case .sliceSequence(let rule): (.encoder, rule.batch)
            case .slices(let rule): (.main, rule.batch)
            default: (.main, 4)
            }
        return SliceRun(
            engine: engine, package: package, role: role, batch: batch, shouldStop: shouldStop, progress: progress)
    }

    private func scored(_ planes: SlicePlanes) throws(InferenceError) -> Scored {
        let manifest = package.manifest
        let run = sliceRun
        let activated = { (raw: [[Float]]) throws(InferenceError) in
            try SliceScores(raw: raw, manifest.decision.activation, manifest.scores, package: package.identity.name)
        }
        guard case .sliceSequence = manifest.inference else {
            let (rows, seconds) = try run.vectors(planes, [("scores", 0)])
            return Scored(
                scores: try activated(rows[0]),
                again: { (slice, variants, channel) throws(InferenceError) in
                    let position = try run.position(of: "scores", place: 0, among: try run.network(fold: 0).outputs)
                    let rows = try run.quiet.vectors(variants.count, [position ?? 0]) { variants[$0] }.rows[0]
                    return try activated(rows).rows.map { $0[channel] }
                }, seconds: seconds)
        }
        let wanted: [(String, Int?)] = [("features", 0), ("scores", nil)]
        let (rows, seconds) = try run.vectors(planes, wanted)
        let sequence = SequenceRun(engine: engine, package: package)
        let heads = rows.count > 1 ? rows[1] : nil
        let (raw, later) = try sequence.scores(rows[0], heads)
        return Scored(
            scores: try activated(raw),
            again: { (slice, variants, channel) throws(InferenceError) in
                let ports = try run.network(fold: 0).outputs
                var positions: [Int] = []
                for (output, place) in wanted {
                    if let position = try run.position(of: output, place: place, among: ports) {
                        positions.append(position)
                    }
                }
                let varied = try run.quiet.vectors(variants.count, positions) { variants[$0] }.rows
                var scores: [Float] = []
                for i in variants.indices {
                    var (features, others) = (rows[0], heads)
                    features[slice] = varied[0][i]
                    others?[slice] = varied[1][i]
                    let row = try activated(try sequence.scores(features, others).rows).rows
                    scores.append(row[min(slice, row.count - 1)][channel])
                }
                return scores
            }, seconds: seconds + later)
    }
}

extension SliceRun {
    /// The same without progress.
    var quiet: SliceRun {
        var run = self
        run.progress = { _ in }
        return run
    }
}

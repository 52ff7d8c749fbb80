// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// A package of scores on slices or projections, from voxels to findings.
struct FlatAnalysis {
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
    ///   - volume: its slices are the images of a projection.
    ///   - started: when the run began; explanations stop at four fifths of the package's time.
    func run(
        on volume: VoxelVolume, started: ContinuousClock.Instant = .now
    ) throws(InferenceError) -> (
        findings: [Finding], scores: [ClassScore], explanations: [Explanation], timing: AnalysisResult.Timing
    ) {
        let clock = ContinuousClock()
        let manifest = package.manifest
        var timing = AnalysisResult.Timing()
        let start = clock.now
        let split = SlicePlanes.split(manifest.preprocess)
        let field = try preprocess(volume, Array(manifest.preprocess[..<split]))
        if shouldStop() { throw .cancelled }
        let planes = try SlicePlanes(field, manifest.preprocess[split...], stored: volume.storedRange)
        timing.preprocessing = start.duration(to: clock.now).seconds
        let scored = try scored(planes)
        timing.engine = scored.seconds
        let finishing = clock.now

        var findings: [Finding] = []
        var scores: [ClassScore] = []
        var explanations: [Explanation] = []
        let deadline = started + .seconds(manifest.budget.time * 0.8)
        for score in manifest.scores {
            var (value, slice): (Float, Int?) = scored.scores.together(score)
            if scored.scores.rows.count < planes.count { slice = nil }
            let key = slice.map { volume.slice(at: field.lattice, $0) }
            scores.append(
                ClassScore(label: score.label, value: Double(value), threshold: score.threshold, slice: key))
            guard Double(value) >= score.threshold else { continue }
            findings.append(
                Finding(
                    label: score.label, code: score.code, category: score.category, type: score.code, site: score.site,
                    laterality: score.laterality, confidence: Double(value), priority: score.priority, keySlice: key))
            guard let rule = manifest.explain, let slice else { continue }
            if shouldStop() { throw .cancelled }
            let explaining = Explaining(
                run: sliceRun, plane: try planes.plane(slice), grid: field.lattice.grid(ofSlice: slice),
                deadline: deadline
            ) { (variants, channel) throws(InferenceError) in try scored.again(slice, variants, channel) }
            explanations.append(try explaining.explanation(of: score, by: rule))
        }
        timing.postprocessing = finishing.duration(to: clock.now).seconds
        timing.total = start.duration(to: clock.now).seconds
        return (findings, scores, explanations, timing)
    }

    private var sliceRun: SliceRun {
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

/// What a package says of one of its classes, finding or not.
package struct ClassScore: Sendable, Codable, Equatable {
    package var label: String
    package var value: Double
    package var threshold: Double
    /// The slice or image with the greatest score; nil where the network gives one score for all.
    package var slice: Int?
}

extension Lattice {
    /// D alone, as the grid of one image.
    func grid(ofSlice slice: Int) -> Grid {
        Grid(
            origin: point([Double(slice), 0, 0]), columnStep: steps[2], rowStep: steps[1], sliceStep: steps[0],
            columns: shape[2], rows: shape[1], slices: 1)
    }
}

extension VoxelVolume {
    /// The values that the stored bits can express; nil where the header does not say.
    var storedRange: ClosedRange<Float>? { nil }

    /// The slice of the volume in which the middle of a lattice's slice lies.
    func slice(at lattice: Lattice, _ slice: Int) -> Int {
        let map = Lattice(grid).map(from: lattice)
        let middle = [Double(slice), Double(lattice.shape[1] - 1) / 2, Double(lattice.shape[2] - 1) / 2]
        let position = map.offset[0] + zip(map.matrix[0], middle).reduce(0) { $0 + $1.0 * $1.1 }
        return min(max(Int(position.rounded()), 0), grid.slices - 1)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension Analysis {
    /// What the prompts mark, as one finding in the words of the package's first reported output. Prompts are in the
    /// pixels of the series, whose slices are not resampled. Blocks.
    package func segment(
        _ package: ModelPackage, on volume: VoxelVolume, prompts: [Prompt], shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) -> AnalysisResult {
        let clock = ContinuousClock()
        let start = clock.now
        let manifest = package.manifest
        guard case .promptable(let options) = manifest.inference,
            let output = manifest.outputs.first(where: \.isReported)
        else { throw .unsupported("a prompt to a package of `inference: \(manifest.inference.name)`") }
        guard !prompts.isEmpty else {
            throw .refused(["the package needs a prompt: a point, a box, or the region of another package"])
        }
        let gates = QualityGates(quality: manifest.quality, volume: volume)
        guard gates.refusals.isEmpty else { throw .refused(gates.refusals) }
        let grid = volume.grid
        // Source, its prepared copy and masks; the tensor, the embeddings and the decoder's masks of one slice.
        let bytes = 10 * grid.count + 40 * options.size * options.size + options.cache
        guard bytes <= manifest.budget.memory else {
            throw .refused([
                "the volume needs \(bytes >> 20) MiB, and the package's budget is \(manifest.budget.memory >> 20) MiB"
            ])
        }
        let field = try preprocess(volume, manifest.preprocess)
        guard field.lattice.shape == [grid.slices, grid.rows, grid.columns], field.channels == 1 else {
            throw .unsupported("a step of `preprocess` that moves voxels, before `inference: promptable`")
        }
        var timing = AnalysisResult.Timing()
        timing.preprocessing = start.duration(to: clock.now).seconds
        var seconds = 0.0
        let segmentation = PromptedSegmentation(
            try engine.promptNetworks(of: package, options), options, of: field, package: package,
            cache: engine.embeddings(of: package, options), seconds: { seconds += $0 })
        let answers = try segmentation.masks(prompts, shouldStop: shouldStop)
        timing.engine = seconds

        let finishing = clock.now
        var voxels = [UInt8](repeating: 0, count: grid.count)
        let plane = grid.rows * grid.columns
        for (slice, answer) in answers {
            voxels.replaceSubrange(slice * plane..<(slice + 1) * plane, with: answer.mask)
        }
        var marking = Marking(shape: field.lattice.shape, voxels: voxels)
        postprocess(&marking, output.postprocess, lattice: Lattice(grid), regions: [:])
        var result = AnalysisResult(
            model: package.identity, findings: [], masks: [], longAxes: [], coverage: gates.coverage(examined: nil),
            notes: volume.notes, timing: timing)
        let volumeML = Double(marking.count()) * grid.voxelVolume / 1000
        if !marking.isEmpty, volumeML >= output.minimumVolume {
            let measuring = Measuring(grid: grid)
            let longAxis = measuring.longAxis(of: marking)
            result.findings = [
                Finding(
                    label: output.label, code: output.code, category: output.category, type: output.type,
                    site: output.site, laterality: output.laterality,
                    confidence: confidence(output.confidence, answers.values.map { Double($0.quality) }),
                    priority: output.priority,
                    measurements: measuring.measurements(of: marking, longAxis: longAxis, volume: volume),
                    volumeML: volumeML, maskIndex: 0, keySlice: measuring.keySlice(of: marking))
            ]
            result.longAxes = [longAxis]
            result.masks = [
                Mask(columns: grid.columns, rows: grid.rows, slices: grid.slices, voxels: marking.voxels)
            ]
        }
        result.timing.postprocessing = finishing.duration(to: clock.now).seconds
        result.timing.total = start.duration(to: clock.now).seconds
        return result
    }

    /// Of the decoder's own estimates, one a slice.
    private func confidence(_ rule: Manifest.Confidence, _ qualities: [Double]) -> Double {
        let sorted = qualities.map { min(max($0, 0), 1) }.sorted()
        guard !sorted.isEmpty else { return 0 }
        return switch rule {
        case .fixed(let value): value
        case .mean: sorted.reduce(0, +) / Double(sorted.count)
        case .maximum: sorted[sorted.count - 1]
        case .percentile(let percent): sorted[Int((percent / 100 * Double(sorted.count - 1)).rounded())]
        }
    }
}

extension Prompt {
    /// A box for each slice of what another package marked, `margin` mm wider: the prompts of a package with a `region`.
    package static func boxes(around mask: Mask, margin: Double, grid: Grid) -> [Prompt] {
        let (across, down) = (margin / grid.columnStep.length, margin / grid.rowStep.length)
        return mask.blockSlices.compactMap { slice in
            guard let box = PromptedSegmentation.box(around: mask.plane(slice), columns: mask.columns) else {
                return nil
            }
            return Prompt(
                slice: slice,
                box: Box(
                    left: max(0, box.left - across), top: max(0, box.top - down),
                    right: min(Double(mask.columns), box.right + across),
                    bottom: min(Double(mask.rows), box.bottom + down)))
        }
    }
}

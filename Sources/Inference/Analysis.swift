// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

/// One package on one volume, from voxels to findings.
package struct Analysis {
    let engine: Engine

    package init(engine: Engine) { self.engine = engine }

    /// Blocks; uses the calling thread, the engine's, and Dispatch's for the voxels.
    /// - Parameters:
    ///   - progress: 0 to 1, after each window.
    ///   - shouldStop: asked between windows and between steps; true ends the run with `.cancelled`.
    package func run(
        _ package: ModelPackage, on volume: VoxelVolume, progress: @escaping (Double) -> Void = { _ in },
        shouldStop: @escaping () -> Bool = { false }
    ) throws(InferenceError) -> AnalysisResult {
        var result =
            switch package.manifest.inference {
            case .promptable: try segment(package, on: volume, prompts: [], shouldStop: shouldStop)
            case .detection(let detector):
                try detect(package, detector, on: volume, progress: progress, shouldStop: shouldStop)
            case .slices, .sliceSequence, .projection:
                try analyseSlices(package, [volume], progress: progress, shouldStop: shouldStop)
            case .fullVolume, .slidingWindow:
                try mark(package, [volume], progress: progress, shouldStop: shouldStop)
            }
        result.explainMarks()
        return result
    }

    /// A package whose network gives a value for each voxel, on the series of its channels.
    func mark(
        _ package: ModelPackage, _ volumes: [VoxelVolume], progress: @escaping (Double) -> Void,
        shouldStop: @escaping () -> Bool
    ) throws(InferenceError) -> AnalysisResult {
        let clock = ContinuousClock()
        let manifest = package.manifest
        let volume = volumes[0]
        let gates = QualityGates(quality: manifest.quality, volume: volume)
        let networks = try engine.volumetricNetworks(of: package)
        let need = MemoryNeed(manifest, grid: volume.grid, channels: networks.first.flatMap(package.channels(of:)))
        let refusals = gates.refusals + need.refusals(budget: manifest.budget.memory)
        guard refusals.isEmpty else { throw .refused(refusals) }
        var timing = AnalysisResult.Timing()
        let start = clock.now

        let prepared = try prepare(volumes, manifest.preprocess)
        if shouldStop() { throw .cancelled }
        timing.preprocessing = start.duration(to: clock.now).seconds

        let restoration = prepared.restoration
        let isRestoredFirst = manifest.decision.restore == .linear
        let decided = isRestoredFirst ? restoration.source : restoration.network
        let decider = Decider(manifest, shape: decided.shape, limit: need.left(of: manifest.budget.memory)) { order in
            let turned = restoration.reordered(order)
            if isRestoredFirst { return turned.sampler(.linear) }
            return Sampler(source: turned.network, target: restoration.network, interpolation: .nearest)
        }
        var run = try NetworkRun(
            networks: networks, package: package, started: start, progress: progress, shouldStop: shouldStop)
        let inferring = clock.now
        try run.slabs(of: prepared.field, as: .decision(manifest)) { (slab) throws(InferenceError) in
            try decider.take(slab)
        }
        timing.engine = run.engineSeconds
        // Tiling and blending count as pre-processing: everything around the engine that is not decided yet.
        timing.preprocessing += max(
            0, inferring.duration(to: clock.now).seconds - run.engineSeconds - decider.seconds)
        if shouldStop() { throw .cancelled }

        let finishing = clock.now
        let examined = Double(decider.examined) * decided.voxelVolume / 1000
        var result = AnalysisResult(
            model: package.identity, findings: [], masks: [], longAxes: [],
            coverage: gates.coverage(examined: manifest.quality.examined.map { _ in examined }),
            notes: volume.notes, timing: timing)
        var report = Reporting(
            manifest: manifest, volume: volume, decided: decided, toSource: restoration.sampler(.nearest))
        try report.report(decider.marked, into: &result, shouldStop: shouldStop)
        result.timing.postprocessing = finishing.duration(to: clock.now).seconds + decider.seconds
        result.timing.total = start.duration(to: clock.now).seconds
        return result
    }
}

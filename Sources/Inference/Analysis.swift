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
        let clock = ContinuousClock()
        let manifest = package.manifest
        switch manifest.inference {
        case .promptable: return try segment(package, on: volume, prompts: [], shouldStop: shouldStop)
        case .detection(let detector):
            return try detect(package, detector, on: volume, progress: progress, shouldStop: shouldStop)
        default: break
        }
        let gates = QualityGates(quality: manifest.quality, volume: volume)
        let network = try engine.volumetricNetwork(of: package)
        let refusals = gates.refusals + memoryRefusal(manifest, volume.grid, channels: network.channels)
        guard refusals.isEmpty else { throw .refused(refusals) }
        var timing = AnalysisResult.Timing()
        let start = clock.now

        let field = try preprocess(volume, manifest.preprocess)
        if shouldStop() { throw .cancelled }
        timing.preprocessing = start.duration(to: clock.now).seconds

        var run = NetworkRun(network: network, package: package, progress: progress, shouldStop: shouldStop)
        let inferring = clock.now
        var channels = try run.channels(of: field)
        timing.engine = run.engineSeconds
        // Tiling and blending count as pre-processing: everything around the engine.
        timing.preprocessing += inferring.duration(to: clock.now).seconds - run.engineSeconds
        if shouldStop() { throw .cancelled }

        let finishing = clock.now
        channels.activate(manifest.decision.activation)
        var result = AnalysisResult(
            model: package.identity, findings: [], masks: [], longAxes: [],
            coverage: gates.coverage(
                examined: manifest.quality.examined.map { channels.volume(above: 0.5, channel: $0.channel) }),
            notes: volume.notes, timing: timing)
        try report(channels, manifest, volume, into: &result, shouldStop: shouldStop)
        result.timing.postprocessing = finishing.duration(to: clock.now).seconds
        result.timing.total = start.duration(to: clock.now).seconds
        return result
    }

    private func report(
        _ channels: Channels, _ manifest: Manifest, _ volume: VoxelVolume, into result: inout AnalysisResult,
        shouldStop: () -> Bool
    ) throws(InferenceError) {
        let source = Lattice(volume.grid)
        let decision = manifest.decision
        let decided = decision.restore == .linear ? source : channels.lattice
        let decider = Sampler(source: channels.lattice, target: decided, interpolation: .linear)
        let toSource = Sampler(source: channels.lattice, target: source, interpolation: decision.restore)
        let measuring = Measuring(grid: volume.grid)
        let kept = Set(
            manifest.outputs.flatMap(\.postprocess).compactMap {
                if case .restrict(let label, _) = $0 { label } else { nil }
            })
        var regions: [String: Marking] = [:]
        for output in manifest.outputs {
            if shouldStop() { throw .cancelled }
            var marking = channels.marking(of: output, rule: decision.rule, sampler: decider)
            Inference.postprocess(&marking, output.postprocess, lattice: decided, regions: regions)
            if kept.contains(output.label) { regions[output.label] = marking }
            guard output.isReported, !marking.isEmpty else { continue }
            if decision.restore == .nearest { marking = restore(marking, from: channels.lattice, by: toSource) }
            let volumeML = Double(marking.count()) * volume.grid.voxelVolume / 1000
            guard !marking.isEmpty, volumeML >= output.minimumVolume else { continue }
            let longAxis = measuring.longAxis(of: marking)
            result.findings.append(
                Finding(
                    label: output.label, code: output.code, category: output.category, type: output.type,
                    site: output.site, laterality: output.laterality,
                    confidence: channels.confidence(of: output, in: marking, sampler: toSource),
                    priority: output.priority,
                    measurements: measuring.measurements(of: marking, longAxis: longAxis, volume: volume),
                    volumeML: volumeML, maskIndex: result.masks.count, keySlice: measuring.keySlice(of: marking)))
            result.longAxes.append(longAxis)
            result.masks.append(
                Mask(
                    columns: volume.grid.columns, rows: volume.grid.rows, slices: volume.grid.slices,
                    voxels: marking.voxels))
        }
    }

    /// Labels of the working lattice at the voxels of the source, the nearest.
    private func restore(_ marking: Marking, from lattice: Lattice, by sampler: Sampler) -> Marking {
        let values = marking.voxels.map { Float($0) }
        let restored = sampler.resample(values)
        return Marking(
            shape: sampler.target, voxels: restored.map { $0 > 0.5 ? 1 : 0 }, within: sampler.targets(of: marking.box))
    }

    /// Bytes of voxels, tensor, channels and masks at once against the manifest's budget.
    private func memoryRefusal(_ manifest: Manifest, _ grid: Grid, channels: Int?) -> [String] {
        var lattice = Lattice(grid)
        for step in manifest.preprocess {
            switch step {
            case .orientation(let codes): lattice = lattice.oriented(codes)
            case .spacing(let spacing): lattice = lattice.respaced(spacing.mm)
            default: break
            }
        }
        let channels = channels ?? manifest.minimumChannels
        // Source floats, tensor and its padded copy, the network's output and ours, one byte a voxel for each mask.
        let bytes = 4 * grid.count + 4 * lattice.count * (2 + 2 * channels) + grid.count * (manifest.outputs.count + 1)
        guard bytes > manifest.budget.memory else { return [] }
        return [
            "the volume needs \(bytes >> 20) MiB, and the package's budget is \(manifest.budget.memory >> 20) MiB"
        ]
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension Analysis {
    /// A package that works slice by slice, or on a projection.
    func analyseSlices(
        _ package: ModelPackage, _ volumes: [VoxelVolume], progress: @escaping (Double) -> Void,
        shouldStop: @escaping () -> Bool
    ) throws(InferenceError) -> AnalysisResult {
        let clock = ContinuousClock()
        let start = clock.now
        let manifest = package.manifest
        let volume = volumes[0]
        let gates = QualityGates(quality: manifest.quality, volume: volume)
        guard gates.refusals.isEmpty else { throw .refused(gates.refusals) }
        let split = SlicePlanes.split(manifest.preprocess)
        let prepared = try prepare(volumes, Array(manifest.preprocess[..<split]))
        let field = prepared.field
        if shouldStop() { throw .cancelled }
        let lattice = field.lattice
        let planes = try SlicePlanes(field, manifest.preprocess[split...], stored: volume.storedRange)
        let bytes = try checkMemory(manifest, volume, field, planes)
        var result = AnalysisResult(
            model: package.identity, findings: [], masks: [], longAxes: [], coverage: gates.coverage(examined: nil),
            notes: volume.notes, timing: .init())
        result.timing.preprocessing = start.duration(to: clock.now).seconds
        let classification = SliceClassification(
            engine: engine, package: package, progress: progress, shouldStop: shouldStop)
        if !manifest.outputs.isEmpty {
            guard case .slices(let rule) = manifest.inference else {
                throw .unsupported("`outputs` with `inference: \(manifest.inference.name)`")
            }
            let maps = SliceMaps(run: classification.sliceRun, window: rule.window, decision: manifest.decision)
            var channels = try maps.channels(of: planes, on: lattice)
            result.timing.engine += channels.seconds
            let decided = try decide(&channels, manifest, prepared.restoration, left: manifest.budget.memory - bytes)
            let examined = Double(decided.decider.examined) * decided.lattice.voxelVolume / 1000
            result.coverage = gates.coverage(examined: manifest.quality.examined.map { _ in examined })
            var report = Reporting(
                manifest: manifest, volume: volume, decided: decided.lattice,
                toSource: prepared.restoration.sampler(.nearest))
            try report.report(decided.decider.marked, into: &result, shouldStop: shouldStop)
        }
        if !manifest.scores.isEmpty {
            // The rest of the package's time is for what follows the run.
            let deadline = start + .seconds(manifest.budget.time * 0.8)
            try classification.run(planes, on: lattice, of: volume, deadline: deadline, into: &result)
        }
        result.timing.total = start.duration(to: clock.now).seconds
        result.timing.postprocessing = max(
            0, result.timing.total - result.timing.preprocessing - result.timing.engine)
        return result
    }

    /// Bytes of voxels, field, planes, maps and masks at once against the manifest's budget.
    private func checkMemory(
        _ manifest: Manifest, _ volume: VoxelVolume, _ field: Field, _ planes: SlicePlanes
    ) throws(InferenceError) -> Int {
        let plane = try planes.plane(0)
        var bytes = 4 * (volume.voxels.count + field.values.count + planes.count * plane.values.count)
        if !manifest.outputs.isEmpty {
            bytes += 4 * manifest.minimumChannels * (planes.count * plane.pixels + field.lattice.count)
            bytes += volume.grid.count * manifest.outputs.count
        }
        guard bytes <= manifest.budget.memory else {
            throw .refused([
                "the volume needs \(bytes >> 20) MiB, and the package's budget is \(manifest.budget.memory >> 20) MiB"
            ])
        }
        return bytes
    }

    /// All slices at once to the decision, as one slab.
    private func decide(
        _ maps: inout SliceMaps.Result, _ manifest: Manifest, _ restoration: Restoration, left: Int
    ) throws(InferenceError) -> (decider: Decider, lattice: Lattice) {
        let isRestoredFirst = manifest.decision.restore == .linear
        let lattice = isRestoredFirst ? restoration.source : restoration.network
        let decider = Decider(manifest, shape: lattice.shape, limit: left) { order in
            let turned = restoration.reordered(order)
            if isRestoredFirst { return turned.sampler(.linear) }
            return Sampler(source: turned.network, target: restoration.network, interpolation: .nearest)
        }
        let shape = restoration.network.shape
        let channels = maps.channels
        let outcome = maps.values.withUnsafeMutableBufferPointer { values -> Swift.Result<Void, InferenceError> in
            guard let start = values.baseAddress else { return .success(()) }
            do throws(InferenceError) {
                return .success(
                    try decider.take(
                        Slab(
                            order: [0, 1, 2], shape: shape, planes: 0..<shape[0], channels: channels,
                            stride: shape.reduce(1, *), values: start)))
            } catch {
                return .failure(error)
            }
        }
        try outcome.get()
        return (decider, lattice)
    }
}

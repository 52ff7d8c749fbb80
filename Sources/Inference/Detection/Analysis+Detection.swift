// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models
import Volume

extension Engine {
    /// A detector's one network: [1, C, D, H, W] to, for each level, scores, then for each level, offsets. The manifest may
    /// name them `scores0`, `scores1`… and `offsets0`, `offsets1`… instead.
    func detectionNetwork(
        of package: ModelPackage, _ detector: Manifest.Detector
    ) throws(InferenceError) -> any NetworkRunner {
        let network = try network(of: package, shapes: detector.roi.map { [0: [1, -1] + $0] } ?? [:])
        let levels = detector.scales.count
        guard network.inputs.count == 1, network.outputs.count == 2 * levels else {
            throw .mismatch(
                package: package.identity.name,
                reason:
                    "the network has \(network.inputs.count) inputs and \(network.outputs.count) outputs; a detector of \(levels) levels has 1 and \(2 * levels)"
            )
        }
        return network
    }
}

extension Analysis {
    func detect(
        _ package: ModelPackage, _ detector: Manifest.Detector, on volume: VoxelVolume,
        progress: @escaping (Double) -> Void, shouldStop: @escaping () -> Bool
    ) throws(InferenceError) -> AnalysisResult {
        let clock = ContinuousClock()
        let start = clock.now
        let manifest = package.manifest
        guard manifest.decision.activation != .softmax else {
            throw .unsupported("`activation: softmax` of a detector")
        }
        let gates = QualityGates(quality: manifest.quality, volume: volume)
        let network = try engine.detectionNetwork(of: package, detector)
        guard gates.refusals.isEmpty else { throw .refused(gates.refusals) }
        let field = try preprocess(volume, manifest.preprocess)
        // Source, tensor, and a window with the engine's copy of it.
        let bytes =
            4 * (volume.grid.count + field.values.count + 2 * (detector.roi?.reduce(1, *) ?? field.values.count))
        guard bytes <= manifest.budget.memory else {
            throw .refused([
                "the volume needs \(bytes >> 20) MiB, and the package's budget is \(manifest.budget.memory >> 20) MiB"
            ])
        }
        if shouldStop() { throw .cancelled }
        var timing = AnalysisResult.Timing()
        timing.preprocessing = start.duration(to: clock.now).seconds

        let detection = Detection(detector: detector, givesLogits: manifest.decision.activation == .sigmoid)
        let places = try outputPositions(network, manifest, levels: detector.scales.count)
        var seconds = 0.0
        let boxes = try detection.boxes(field) { (count, window, take) throws(InferenceError) in
            seconds = try network.run(count: count) { (index) throws(InferenceError) in
                if shouldStop() { throw .cancelled }
                let (values, shape) = window(index)
                return [TensorInput(shape: [1, 1] + shape, values: values)]
            } take: { (index, outputs) throws(InferenceError) in
                try take(index, levels(of: outputs, places, detector, package: package))
                progress(Double(index + 1) / Double(count))
            }
        }
        timing.engine = seconds
        let finishing = clock.now
        let findings = boxes.compactMap { finding($0, manifest, lattice: field.lattice, grid: volume.grid) }
        timing.postprocessing = finishing.duration(to: clock.now).seconds
        timing.total = start.duration(to: clock.now).seconds
        return AnalysisResult(
            model: package.identity, findings: findings, masks: [], longAxes: [],
            coverage: gates.coverage(examined: nil), notes: volume.notes, timing: timing)
    }

    /// Positions of scores and offsets among the network's outputs.
    private func outputPositions(
        _ network: any NetworkRunner, _ manifest: Manifest, levels: Int
    ) throws(InferenceError) -> [(scores: Int, offsets: Int)] {
        func position(_ role: String, _ otherwise: Int) throws(InferenceError) -> Int {
            guard let name = manifest.network.outputs[role] else { return otherwise }
            guard let position = network.outputs.firstIndex(where: { $0.name == name }) else {
                throw .mismatch(package: manifest.name, reason: "the network has no output `\(name)`")
            }
            return position
        }
        var positions: [(scores: Int, offsets: Int)] = []
        for level in 0..<levels {
            positions.append((try position("scores\(level)", level), try position("offsets\(level)", levels + level)))
        }
        return positions
    }

    private func levels(
        of outputs: [TensorView], _ places: [(scores: Int, offsets: Int)], _ detector: Manifest.Detector,
        package: ModelPackage
    ) throws(InferenceError) -> [Detection.Level] {
        var levels: [Detection.Level] = []
        let anchors = detector.anchors.count
        let classes = (package.manifest.scores.map(\.channel).max() ?? 0) + 1
        for place in places {
            let (scores, offsets) = (outputs[place.scores], outputs[place.offsets])
            guard scores.shape.count == 5, offsets.shape.count == 5, scores.shape[2...] == offsets.shape[2...],
                scores.shape[1] % anchors == 0, scores.shape[1] >= anchors * classes, offsets.shape[1] == anchors * 6
            else {
                throw .mismatch(
                    package: package.identity.name,
                    reason:
                        "the network gave scores of \(scores.shape) and offsets of \(offsets.shape); \(anchors) anchors and \(classes) classes need at least [1, \(anchors * classes), d, h, w] and [1, \(anchors * 6), d, h, w]"
                )
            }
            levels.append((Array(scores.shape[2...]), Array(scores.values), Array(offsets.values)))
        }
        return levels
    }

    /// nil where the manifest reports no such class, or not this weak or small a box.
    private func finding(_ box: DetectedBox, _ manifest: Manifest, lattice: Lattice, grid: Grid) -> Finding? {
        guard let score = manifest.scores.first(where: { $0.channel == box.label }),
            Double(box.score) >= score.threshold
        else { return nil }
        let placed = PlacedBox(box, on: lattice, grid: grid)
        guard placed.box.size.max() ?? 0 >= score.minimumSize else { return nil }
        // CID 7470.
        let edges = [
            (Code("103355008", "SCT", "Width"), placed.extent.width),
            (Code("121207", "DCM", "Height"), placed.extent.height),
            (Code("131197000", "SCT", "Depth"), placed.extent.depth),
        ]
        return Finding(
            label: score.label, code: score.code, category: score.category, type: score.code, site: score.site,
            laterality: score.laterality, confidence: min(max(Double(box.score), 0), 1), priority: score.priority,
            measurements: edges.map {
                Measurement(concept: $0, value: $1, unit: Code("mm", "UCUM", "millimeter"))
            }, keySlice: placed.keySlice, box: placed.box)
    }
}

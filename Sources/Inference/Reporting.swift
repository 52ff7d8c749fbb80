// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Dispatch
import Models
import Volume

/// From what the network marked to findings with masks on the source grid, one output after the other: beside the voxels
/// of the series it holds one byte a voxel of either lattice, and the masks.
struct Reporting {
    let manifest: Manifest
    let volume: VoxelVolume
    /// The lattice on which was decided: the network's, or the source grid.
    let decided: Lattice
    private let measuring: Measuring
    private var scratch: [UInt8] = []
    var labels: [Float] = []
    private var restored: [UInt8] = []
    /// Reads the network's lattice at the voxels of the source, the nearest.
    let toSource: Sampler

    init(manifest: Manifest, volume: VoxelVolume, decided: Lattice, toSource: Sampler) {
        self.toSource = toSource
        self.manifest = manifest
        self.volume = volume
        self.decided = decided
        measuring = Measuring(grid: volume.grid)
    }

    mutating func report(
        _ marked: [MarkedVoxels], into result: inout AnalysisResult, shouldStop: () -> Bool
    ) throws(InferenceError) {
        let landmarks = Set(manifest.outputs.compactMap(\.midline?.landmark))
        let kept = Set(manifest.outputs.flatMap(\.postprocess).flatMap(\.labels)).union(landmarks)
        var regions: [String: Marking] = [:]
        for (output, marks) in zip(manifest.outputs, marked) {
            if shouldStop() { throw .cancelled }
            let reads = output.postprocess.contains { !$0.labels.isEmpty }
            guard !marks.isEmpty || reads else {
                if kept.contains(output.label) { regions[output.label] = .empty(decided.shape) }
                continue
            }
            var marking = marks.isEmpty ? .empty(decided.shape) : marks.marking(shape: decided.shape, scratch: &scratch)
            let before = marking.box
            Inference.postprocess(&marking, output.postprocess, lattice: decided, regions: regions)
            if kept.contains(output.label) { regions[output.label] = marking }
            if output.isReported, !marking.isEmpty {
                let confidence = marks.confidence(output.confidence, in: marking)
                add(output, marking, marks, confidence: confidence, regions, to: &result)
            }
            marking.giveBack(to: &scratch, touched: before.union(marking.box))
        }
    }

    private mutating func add(
        _ output: Manifest.Output, _ decided: Marking, _ marks: MarkedVoxels, confidence: Double,
        _ regions: [String: Marking], to result: inout AnalysisResult
    ) {
        let isRestored = manifest.decision.restore != .linear
        var marking = isRestored ? restore(decided) : decided
        let box = marking.box
        defer { if isRestored { marking.giveBack(to: &restored, touched: box) } }
        let volumeML = Double(marking.count()) * volume.grid.voxelVolume / 1000
        guard !marking.isEmpty, volumeML >= output.minimumVolume else { return }
        let longAxis = measuring.longAxis(of: marking)
        var measurements = measuring.measurements(of: marking, longAxis: longAxis, volume: volume)
        if let midline = output.midline {
            if let plane = regions[midline.landmark].flatMap({ MidlinePlane(through: $0, on: self.decided) }) {
                measurements.append(
                    Measurement(
                        concept: midline.code,
                        value: plane.distance(of: marking.center(on: Lattice(volume.grid))),
                        unit: Code("mm", "UCUM", "millimeter")))
            } else {
                result.notes.append(
                    "no \(midline.code.meaning) of \(output.label): \(midline.landmark) makes no plane")
            }
        }
        result.findings.append(
            Finding(
                label: output.label, code: output.code, category: output.category, type: output.type,
                site: output.site, laterality: output.laterality, confidence: confidence, priority: output.priority,
                measurements: measurements, volumeML: volume.placement == .patient ? volumeML : nil,
                maskIndex: result.masks.count, keySlice: measuring.keySlice(of: marking)))
        result.longAxes.append(longAxis)
        result.masks.append(mask(marking))
        if manifest.decision.keepsProbabilities {
            result.probabilities.append(probabilities(marks, decided, of: marking, confidence: confidence))
        }
    }

    /// Cut to what is in it.
    private func mask(_ marking: Marking) -> Mask {
        let box = marking.box
        let (rows, columns) = (marking.shape[1], marking.shape[2])
        return Mask(
            columns: volume.grid.columns, rows: volume.grid.rows, slices: volume.grid.slices,
            blockColumns: box.lower[2]..<box.upper[2], blockRows: box.lower[1]..<box.upper[1],
            blockSlices: box.lower[0]..<box.upper[0]
        ) { row, slice in
            let line = (slice * rows + row) * columns
            return marking.voxels[line + box.lower[2]..<line + box.upper[2]]
        }
    }

    /// Labels of the network's lattice at the voxels of the source, the nearest.
    private mutating func restore(_ marking: Marking) -> Marking {
        if labels.isEmpty { labels = [Float](repeating: 0, count: marking.voxels.count) }
        let sampler = toSource
        let box = sampler.targets(of: marking.box)
        if restored.isEmpty { restored = [UInt8](repeating: 0, count: sampler.target.reduce(1, *)) }
        let shape = sampler.target
        let width = box.shape[2]
        marking.forEachRow(of: marking.box) { start, length in
            for i in start..<start + length { labels[i] = Float(marking.voxels[i]) }
        }
        restored.withUnsafeMutableBufferPointer { restored in
            labels.withUnsafeBufferPointer { labels in
                // Each plane is written by one iteration.
                nonisolated(unsafe) let (labels, restored) = (labels, restored)
                DispatchQueue.concurrentPerform(iterations: box.shape[0]) { part in
                    let d = box.lower[0] + part
                    withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, width)) { row in
                        for h in box.lower[1]..<box.upper[1] {
                            sampler.read(
                                labels.baseAddress!, d: d, h: h, range: box.lower[2]..<box.upper[2],
                                into: row.baseAddress!)
                            let start = (d * shape[1] + h) * shape[2] + box.lower[2]
                            for w in 0..<width where row[w] > 0.5 { restored[start + w] = 1 }
                        }
                    }
                }
            }
        }
        marking.forEachRow(of: marking.box) { start, length in for i in start..<start + length { labels[i] = 0 } }
        var voxels: [UInt8] = []
        swap(&voxels, &restored)
        return Marking(shape: shape, voxels: voxels, within: box)
    }
}

extension Marking {
    static func empty(_ shape: [Int]) -> Marking {
        Marking(
            shape: shape, voxels: [UInt8](repeating: 0, count: shape.reduce(1, *)),
            within: Box(lower: [0, 0, 0], upper: [0, 0, 0]))
    }
}

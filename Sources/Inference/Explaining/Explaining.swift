// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models

/// Explains a score of one slice or image, by what the manifest says that the network offers.
struct Explaining {
    let run: SliceRun
    /// What the network is given for the slice.
    let plane: Plane
    /// No more positions are tried after it.
    let deadline: ContinuousClock.Instant
    /// Final scores of a class, of variants of the slice.
    let score: (_ variants: [Plane], _ channel: Int) throws(InferenceError) -> [Float]

    /// - Parameters:
    ///   - height: of the slice that the plane was made from.
    ///   - width: likewise.
    func map(
        of finding: Manifest.Score, by rule: Manifest.Explanation, height: Int, width: Int
    ) throws(InferenceError) -> ContributionMap {
        let channel = finding.channel
        let score = { (planes: [Plane]) throws(InferenceError) in try self.score(planes, channel) }
        let kind: Explanation.Kind
        var notes: [String] = []
        var isComplete = true
        var map: Plane
        var computed: [Int]
        switch rule {
        case .activationMap(let output):
            kind = .activationMap
            let maps = try maps(of: output)
            guard channel < maps.channels else {
                throw .mismatch(
                    package: run.name, reason: "`\(output)` has \(maps.channels) maps, and one is wanted for \(channel)"
                )
            }
            map = maps.with(
                channels: 1, values: Array(maps.values[channel * maps.pixels..<(channel + 1) * maps.pixels]))
            computed = [map.height, map.width]
        case .features(let output, let weights):
            kind = .features
            let features = try maps(of: output)
            let row = try row(channel, of: weights.name, count: features.channels)
            map = features.with(
                channels: 1, values: ActivationMap.map(features: features.values, weights: row, count: features.pixels))
            computed = [map.height, map.width]
        case .occlusion(let rule):
            kind = .occlusion
            let occlusion = OcclusionMap(
                rule: rule, batch: run.batch,
                isOver: { run.shouldStop() || ContinuousClock.now >= deadline }, score: score)
            let result = try occlusion.run(plane)
            let whole = try score([plane])[0]
            map = plane.with(channels: 1, values: result.scores.map { $0.isNaN ? 0 : whole - $0 })
            computed = result.positions
            isComplete = result.isComplete
            if !isComplete {
                notes.append(
                    "stopped at the budget: \(result.tried) of \(computed[0] * computed[1]) positions were tried")
            }
        }
        let cells = map.cellMeans(computed)
        let deletion = try DeletionCheck(cells: computed, score: score).run(plane, map: cells)
        if let deletion, !deletion.isSupported {
            notes.append("covering the regions shown lowers the score no more than covering random ones")
        }
        return ContributionMap(
            kind: kind, values: map.restored(channel: 0, height: height, width: width), computed: computed,
            isComplete: isComplete, deletion: deletion, notes: notes)
    }

    /// An output of one pass over the slice as [F, h, w] with its place.
    private func maps(of output: String) throws(InferenceError) -> Plane {
        let position = try run.position(named: output, try run.network(fold: 0).outputs)
        // Of several folds, the mean.
        let share = 1 / Float(run.package.manifest.network(run.role)?.graphs.count ?? 1)
        let name = run.name
        var sum: Plane?
        func collect(
            _ image: Int, _ shape: [Int], _ values: UnsafeBufferPointer<Float>
        ) throws(InferenceError) {
            guard shape.count == 3 else {
                throw .mismatch(package: name, reason: "`\(output)` is [N] + \(shape), and must be [N, K, h, w]")
            }
            var added = Plane(
                channels: shape[0], height: shape[1], width: shape[2], values: values.map { $0 * share })
            if let sum { for i in added.values.indices { added.values[i] += sum.values[i] } }
            sum = added
        }
        func slice(_ image: Int) throws(InferenceError) -> Plane { plane }
        try run.run(1, image: slice, outputs: [position], take: [collect])
        guard var maps = sum else { throw .unsupported("an explanation without an image") }
        maps.rows = plane.rows.then(.resized(from: plane.height, to: maps.height))
        maps.columns = plane.columns.then(.resized(from: plane.width, to: maps.width))
        return maps
    }

    /// One class's weights: of a file of the package, or of an output of the graph.
    private func row(_ channel: Int, of source: String, count: Int) throws(InferenceError) -> [Float] {
        let array: (shape: [Int], values: [Float])
        if source.hasSuffix(".npy") {
            let file = run.package.folder + "/" + source
            do {
                let read = try NumpyArray(Data(contentsOf: URL(fileURLWithPath: file)))
                array = (read.shape, read.values)
            } catch {
                throw .mismatch(package: run.name, reason: "\(source) cannot be used: \(error)")
            }
        } else {
            let network = try run.network(fold: 0)
            let position = try run.position(named: source, network.outputs)
            let tensors = try network.outputs(of: [
                TensorInput(shape: [1, plane.channels, plane.height, plane.width], values: plane.values)
            ]).tensors
            array = (tensors[position].shape, tensors[position].values)
        }
        guard array.shape.count == 2, array.shape[1] == count, channel < array.shape[0] else {
            throw .mismatch(
                package: run.name,
                reason: "`\(source)` is \(array.shape), and must be [classes, \(count)] with class \(channel)")
        }
        return Array(array.values[channel * count..<(channel + 1) * count])
    }
}

extension Plane {
    /// The mean of a plane of one channel in each of so many rows and columns of cells.
    func cellMeans(_ cells: [Int]) -> [Float] {
        let rows = AxisWeights.area(from: height, to: cells[0])
        return weighted(rows: rows, columns: AxisWeights.area(from: width, to: cells[1])).values
    }
}

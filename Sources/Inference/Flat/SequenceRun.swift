// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Features of slices, with their differences to the neighbours, through a network over all slices.
struct SequenceRun {
    let engine: Engine
    let package: ModelPackage

    /// - Parameters:
    ///   - features: of the encoder, one row a slice.
    ///   - scores: of the encoder's own head, where the sequence network takes them too.
    /// - Returns: raw scores, a row for each slice or one for all.
    func scores(
        _ features: [[Float]], _ scores: [[Float]]?
    ) throws(InferenceError) -> (rows: [[Float]], seconds: Double) {
        let name = package.identity.name
        guard case .sliceSequence(let rule) = package.manifest.inference,
            let declared = package.manifest.network(.sequence)
        else { throw .unsupported("a sequence network in this kind of `inference`") }
        let rows = rule.deltas ? withDeltas(features) : features
        var inputs = [
            TensorInput(
                port: declared.inputs["features"], shape: [1, rows.count, rows[0].count], values: Array(rows.joined()))
        ]
        if let port = declared.inputs["scores"] {
            guard let scores else {
                throw .mismatch(
                    package: name, reason: "`encoder` must name its output `scores`, which `sequence` takes")
            }
            inputs.append(
                TensorInput(port: port, shape: [1, scores.count, scores[0].count], values: Array(scores.joined())))
        }
        var sums: [[Float]] = []
        var seconds = 0.0
        for fold in declared.graphs.indices {
            let network = try engine.network(.sequence, fold: fold, of: package)
            let (tensors, spent) = try network.outputs(of: inputs)
            seconds += spent
            let place = declared.outputs["scores"].flatMap { name in tensors.firstIndex { $0.port == name } } ?? 0
            let given = try Self.rows(of: tensors[place], slices: rows.count, package: name)
            let share = 1 / Float(declared.graphs.count)
            if sums.isEmpty { sums = given.map { $0.map { _ in 0 } } }
            for i in given.indices { for k in given[i].indices { sums[i][k] += given[i][k] * share } }
        }
        return (sums, seconds)
    }

    /// [1, S, K] or [S, K]: a row for each slice; [1, K]: one for all.
    private static func rows(
        of tensor: TensorInput, slices: Int, package: String
    ) throws(InferenceError) -> [[Float]] {
        var shape = tensor.shape
        if shape.count == 3, shape[0] == 1 { shape.removeFirst() }
        guard shape.count == 2, shape[0] == slices || shape[0] == 1, shape[1] > 0 else {
            throw .mismatch(
                package: package,
                reason:
                    "the sequence network made \(tensor.shape) of \(slices) slices, and must give [1, S, K] or [1, K]")
        }
        let count = shape[1]
        return (0..<shape[0]).map { Array(tensor.values[$0 * count..<($0 + 1) * count]) }
    }
}

/// Each row, less the one before it, less the one after it; 0 at the ends (darraghdog/rsna scripts/trainlstm.py).
func withDeltas(_ rows: [[Float]]) -> [[Float]] {
    rows.indices.map { i in
        let zero = [Float](repeating: 0, count: rows[i].count)
        let before = i > 0 ? zip(rows[i], rows[i - 1]).map { $0 - $1 } : zero
        let after = i + 1 < rows.count ? zip(rows[i], rows[i + 1]).map { $0 - $1 } : zero
        return rows[i] + before + after
    }
}

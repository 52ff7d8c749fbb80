// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// Windows that are not run, and what stands for their outputs.
struct Background {
    /// nil where no window is background and the manifest names no outputs.
    let channels: Int?
    private(set) var engineSeconds = 0.0
    private let windows: Set<[Int]>
    /// One a channel, as the manifest says; nil: `outputs`.
    private let constants: [Float]?
    /// What each fold made of a window of background, [C, roi].
    private var outputs: [[Float]] = []
    private let mirrors: [[Int]]

    /// A window in which every value is at most the manifest's. Where the manifest does not say what the network gives
    /// for it, only windows of one single value count, and the network is asked once: the answer is the same as without.
    init(
        _ rule: Manifest.Window.Background, _ windows: Windows, _ patches: Patches, folds: [any NetworkRunner],
        mirrors: [[Int]], output: Int
    ) throws(InferenceError) {
        self.mirrors = mirrors
        constants = rule.outputs.map { $0.map { Float($0) } }
        let limit = Float(rule.atMost)
        var value: Float?
        var held: Set<[Int]> = []
        for start in windows.starts {
            let range = patches.range(at: start, size: windows.roi)
            guard range.upperBound <= limit else { continue }
            if constants == nil {
                guard range.lowerBound == range.upperBound, value ?? range.lowerBound == range.lowerBound else {
                    continue
                }
                value = range.lowerBound
            }
            held.insert(start)
        }
        self.windows = held
        guard constants == nil, let value, let first = folds.first else {
            channels = constants?.count
            return
        }
        let batch = first.inputs.first?.shape?.first ?? 1
        let shape = [max(1, batch), patches.field.channels] + windows.roi
        var channels = 0
        for fold in folds {
            let input = TensorInput(shape: shape, values: [Float](repeating: value, count: shape.reduce(1, *)))
            let (tensors, seconds) = try fold.outputs(of: [input])
            engineSeconds += seconds
            let size = windows.roi.reduce(1, *)
            channels = tensors[output].shape.count > 1 ? tensors[output].shape[1] : 0
            outputs.append(Array(tensors[output].values.prefix(channels * size)))
        }
        self.channels = channels
    }

    func holds(_ start: [Int]) -> Bool { windows.contains(start) }

    /// - Parameters:
    ///   - weights: for one of several outputs that are averaged.
    ///   - whole: for all of them.
    func add(to sums: Accumulator, at start: [Int], weights: [Float], whole: [Float]) {
        if let constants { return sums.add(constants: constants, weights: whole, at: start) }
        for output in outputs {
            output.withUnsafeBufferPointer { output in
                for mirrored in mirrors {
                    sums.add(output.baseAddress!, mirrored: mirrored, weights: weights, at: start)
                }
            }
        }
    }
}

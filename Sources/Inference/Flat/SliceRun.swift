// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Models

/// Takes slices through one network of a package in batches, in all its folds; raw outputs of folds are averaged.
struct SliceRun {
    let engine: Engine
    let package: ModelPackage
    let role: Manifest.Role
    let batch: Int
    let shouldStop: () -> Bool
    /// 0 to 1.
    var progress: (Double) -> Void = { _ in }

    var name: String { package.identity.name }

    func network(fold: Int) throws(InferenceError) -> any NetworkRunner {
        let network = try engine.network(role, fold: fold, of: package)
        guard let input = network.inputs.first, network.inputs.count == 1 else {
            throw .mismatch(package: name, reason: "the network has \(network.inputs.count) inputs, and one is needed")
        }
        if let shape = input.shape, shape.count != 4 {
            throw .mismatch(package: name, reason: "the network's input is \(shape), and must be [N, C, H, W]")
        }
        return network
    }

    /// One of the network's outputs: as the manifest names it by what it is, or by its place.
    /// - Parameter place: nil for an output that the manifest has to name.
    func position(of output: String, place: Int?, among ports: [Port]) throws(InferenceError) -> Int? {
        if let tensor = package.manifest.network(role)?.outputs[output] { return try position(named: tensor, ports) }
        guard let place else { return nil }
        guard ports.indices.contains(place) else {
            throw .mismatch(package: name, reason: "the network has no output \(place) for `\(output)`")
        }
        return place
    }

    func position(named tensor: String, _ ports: [Port]) throws(InferenceError) -> Int {
        if let index = ports.firstIndex(where: { $0.name == tensor }) { return index }
        throw .mismatch(
            package: name,
            reason:
                "the network has no output `\(tensor)`; it has \(ports.map { "`\($0.name)`" }.joined(separator: ", "))")
    }

    /// What a batch gave for one of its images: the shape without N, and the values.
    typealias Taken = (_ image: Int, _ shape: [Int], _ values: UnsafeBufferPointer<Float>) throws(InferenceError)
        -> Void

    /// - Parameters:
    ///   - image: called once for each image and fold, in order.
    ///   - outputs: positions of the outputs that are taken.
    ///   - take: for each output in that order.
    /// - Returns: seconds in the engine.
    @discardableResult
    func run(
        _ count: Int, image: (Int) throws(InferenceError) -> Plane, outputs: [Int], take: [Taken]
    ) throws(InferenceError) -> Double {
        var seconds = 0.0
        let folds = package.manifest.network(role)?.graphs.count ?? 1
        for fold in 0..<folds {
            let network = try network(fold: fold)
            // A graph of fixed N gets its last batch filled up with its last image.
            let fixed = network.inputs[0].shape.flatMap { $0[0] > 0 ? $0[0] : nil }
            let size = fixed ?? batch
            let passes = (count + size - 1) / size
            seconds += try network.run(count: passes) { (pass) throws(InferenceError) in
                if shouldStop() { throw .cancelled }
                return [try input(pass * size..<min((pass + 1) * size, count), filledTo: fixed, image)]
            } take: { (pass, views) throws(InferenceError) in
                let images = pass * size..<min((pass + 1) * size, count)
                for (output, take) in zip(outputs, take) {
                    let view = views[output]
                    guard let n = view.shape.first, n >= images.count, n > 0 else {
                        throw .mismatch(
                            package: name,
                            reason: "`\(view.port)` is \(view.shape) for \(images.count) images, and must be [N, …]")
                    }
                    let length = view.values.count / n
                    for (place, image) in images.enumerated() {
                        try take(
                            image, Array(view.shape.dropFirst()),
                            UnsafeBufferPointer(rebasing: view.values[place * length..<(place + 1) * length]))
                    }
                }
                progress((Double(fold) + Double(pass + 1) / Double(passes)) / Double(folds))
            }
        }
        return seconds
    }

    private func input(
        _ images: Range<Int>, filledTo size: Int?, _ image: (Int) throws(InferenceError) -> Plane
    ) throws(InferenceError) -> TensorInput {
        var values: [Float] = []
        var shape: [Int] = []
        for index in images {
            let plane = try image(index)
            let given = [plane.channels, plane.height, plane.width]
            if shape.isEmpty {
                shape = given
                values.reserveCapacity((size ?? images.count) * plane.values.count)
            }
            guard shape == given else {
                throw .mismatch(
                    package: name,
                    reason: "slices of \(shape) and \(given) cannot share a batch; `resize` makes them even")
            }
            values += plane.values
        }
        let count = size ?? images.count
        let length = values.count / images.count
        while values.count < count * length { values += values.suffix(length) }
        return TensorInput(shape: [count] + shape, values: values)
    }

    /// One row a slice: the average over the folds.
    func vectors(
        _ planes: SlicePlanes, _ wanted: [(output: String, place: Int?)]
    ) throws(InferenceError) -> (rows: [[[Float]]], seconds: Double) {
        let ports = try network(fold: 0).outputs
        var positions: [Int] = []
        for (output, place) in wanted {
            if let position = try position(of: output, place: place, among: ports) { positions.append(position) }
        }
        return try vectors(planes.count, positions) { (slice) throws(InferenceError) in try planes.plane(slice) }
    }

    /// The same of any images, by the outputs' positions.
    func vectors(
        _ count: Int, _ positions: [Int], image: (Int) throws(InferenceError) -> Plane
    ) throws(InferenceError) -> (rows: [[[Float]]], seconds: Double) {
        var rows = [[[Float]]](repeating: [[Float]](repeating: [], count: count), count: positions.count)
        let share = 1 / Float(package.manifest.network(role)?.graphs.count ?? 1)
        func taking(_ place: Int) -> Taken {
            func take(
                _ image: Int, _ shape: [Int], _ values: UnsafeBufferPointer<Float>
            ) throws(InferenceError) {
                if rows[place][image].isEmpty {
                    rows[place][image] = values.map { $0 * share }
                } else {
                    for (i, value) in values.enumerated() { rows[place][image][i] += value * share }
                }
            }
            return take
        }
        let take = positions.indices.map(taking)
        let seconds = try run(count, image: image, outputs: positions, take: take)
        return (rows, seconds)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Models

/// What keeps a server's model from passing for the package's network, found by one pass of the same numbers through both.
/// A digest pins the network here; nothing in the protocol pins the one there.
/// - Returns: nil where they agree, and where a dimension is open that this cannot fill.
func difference(
    of remote: any NetworkRunner, from local: any NetworkRunner, _ package: ModelPackage
) throws(InferenceError) -> String? {
    var inputs: [TensorInput] = []
    var seed: UInt64 = 1
    for (index, port) in local.inputs.enumerated() {
        guard let shape = trialShape(port, package), index < remote.inputs.count else { return nil }
        // Between -1 and 1, and never the same: a constant hides an exchanged axis.
        let values = (0..<shape.reduce(1, *)).map { _ in
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(Int32(truncatingIfNeeded: seed >> 32)) / 2_147_483_648
        }
        inputs.append(TensorInput(port: nil, shape: shape, values: values))
    }
    let here = try local.outputs(of: inputs).tensors
    let there = try remote.outputs(of: inputs).tensors
    // A single tensor may have another name there.
    let pairs =
        here.count == 1 && there.count == 1
        ? [(here[0], there[0])] : here.compactMap { mine in there.first { $0.port == mine.port }.map { (mine, $0) } }
    guard pairs.count == here.count else { return "the server's model gives other outputs than the package's network" }
    for (mine, other) in pairs {
        guard mine.shape == other.shape else {
            return "the server's model makes \(other.shape) where the package's network makes \(mine.shape)"
        }
        let largest = mine.values.reduce(0) { max($0, abs($1)) }
        let apart = zip(mine.values, other.values).reduce(0) { max($0, abs($1.0 - $1.1)) }
        // Room for a server that computes in half precision, and none for another network.
        guard apart <= 0.02 * max(largest, 1e-3) else {
            return
                "the server's model gives other values than the package's network: up to \(apart) apart, where the largest is \(largest)"
        }
    }
    return nil
}

/// Open dimensions: one item, and the window's voxels or 32.
private func trialShape(_ port: Port, _ package: ModelPackage) -> [Int]? {
    guard var shape = port.shape, port.isFloat else { return nil }
    var space = [32, 32, 32]
    if case .slidingWindow(let window) = package.manifest.inference { space = window.roi }
    if !shape.isEmpty, shape[0] == -1 { shape[0] = 1 }
    if shape.count == 4, space[0] == 1 { space.removeFirst() }
    guard shape.count == 2 + space.count || !shape.contains(-1) else { return nil }
    for index in shape.indices where shape[index] == -1 {
        guard index >= 2 else { return nil }
        shape[index] = space[index - 2]
    }
    return shape
}

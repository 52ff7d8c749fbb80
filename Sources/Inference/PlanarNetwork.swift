// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A network of slices, [N, C, H, W], as one of volumes that are one voxel deep. nnU-Net runs its 2-D configuration so: slice
/// by slice of the volume, in windows of [1, H, W].
final class PlanarNetwork: NetworkRunner {
    private let network: any NetworkRunner
    let inputs: [Port]
    let outputs: [Port]

    init(_ network: any NetworkRunner) {
        self.network = network
        inputs = network.inputs.map(Self.deepened)
        outputs = network.outputs.map(Self.deepened)
    }

    @discardableResult
    func run(
        count: Int, fill: (Int) throws(InferenceError) -> [TensorInput],
        take: (Int, [TensorView]) throws(InferenceError) -> Void
    ) throws(InferenceError) -> Double {
        try network.run(count: count) { (pass) throws(InferenceError) in
            try fill(pass).map { input in
                TensorInput(port: input.port, shape: Self.flattened(input.shape), values: input.values)
            }
        } take: { (pass, views) throws(InferenceError) in
            try take(
                pass,
                views.map { TensorView(port: $0.port, shape: Self.deepened($0.shape), values: $0.values) })
        }
    }

    /// [N, C, 1, H, W] without its third dimension.
    static func flattened(_ shape: [Int]) -> [Int] {
        var shape = shape
        if shape.count == 5, shape[2] == 1 { shape.remove(at: 2) }
        return shape
    }

    private static func deepened(_ shape: [Int]) -> [Int] {
        var shape = shape
        if shape.count == 4 { shape.insert(1, at: 2) }
        return shape
    }

    private static func deepened(_ port: Port) -> Port {
        Port(name: port.name, shape: port.shape.map(deepened), element: port.element)
    }
}

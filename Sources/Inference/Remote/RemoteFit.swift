// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Models
internal import OpenInference

/// How a server's model stands for a network of a package: which tensor is which port, and whether the server takes the
/// tensors without the leading dimension that the network has.
struct RemoteFit {
    struct Binding {
        /// As the package's code sees it.
        var port: Port
        var tensor: ModelInterface.Tensor
        var type: TensorType
        /// The server's tensor has no batch dimension, and the network's has one, of 1.
        var isBatchless: Bool

        func shape(of tensor: WireTensor) -> [Int] { isBatchless ? [1] + tensor.shape : tensor.shape }
    }

    let inputs: [Binding]
    let outputs: [Binding]

    init(
        _ interface: ModelInterface, role: Manifest.Role, package: ModelPackage, server: InferenceServer,
        model: ServedModel
    ) throws(InferenceError) {
        let network = package.manifest.network(role)
        // What the kind of run needs; the code of the kinds whose rank is not one number checks it itself.
        let rank: Int? =
            switch package.manifest.inference {
            // A network of slices: see PlanarNetwork.
            case .slidingWindow(let window) where window.roi[0] == 1 && interface.inputs.first?.shape.count == 4: 4
            case .fullVolume, .slidingWindow: 5
            case .slices, .projection: 4
            case .detection, .sliceSequence, .promptable: nil
            }
        func bindings(
            _ tensors: [ModelInterface.Tensor], _ names: [String: String], _ what: String
        ) throws(InferenceError) -> [Binding] {
            guard !tensors.isEmpty else {
                throw .mismatch(
                    package: package.identity.name,
                    reason: "model \(model.name) of server \(server.name) has no \(what)")
            }
            var bindings: [Binding] = []
            for tensor in tensors {
                guard let type = tensor.type, Self.element(of: type) != .other else {
                    // An output that nobody asks for may be of any type.
                    if what == "output", tensors.count > 1 { continue }
                    throw .mismatch(
                        package: package.identity.name,
                        reason:
                            "the \(what) `\(tensor.name)` of model \(model.name) on server \(server.name) has elements of a type that triaged cannot convert"
                    )
                }
                let isBatchless = rank.map { tensor.shape.count == $0 - 1 } ?? false
                // The server's names may be its own; one tensor alone can be mistaken for no other.
                let name = tensors.count == 1 && names.count == 1 ? names.values.first ?? "" : tensor.name
                bindings.append(
                    Binding(
                        port: Port(
                            name: name, shape: isBatchless ? [1] + tensor.shape : tensor.shape,
                            element: Self.element(of: type)), tensor: tensor, type: type, isBatchless: isBatchless))
            }
            for name in names.values.sorted() where !bindings.contains(where: { $0.port.name == name }) {
                throw .mismatch(
                    package: package.identity.name,
                    reason:
                        "model \(model.name) of server \(server.name) has no \(what) `\(name)`; it has \(tensors.map(\.description).joined(separator: ", "))"
                )
            }
            return bindings
        }
        inputs = try bindings(interface.inputs, network?.inputs ?? [:], "input")
        let all = try bindings(interface.outputs, network?.outputs ?? [:], "output")
        outputs = try Self.wanted(all, package, server, model)
        try checkVolumetric(package, server, model)
    }

    /// Of a network of voxels the output that holds them, as the embedded engine takes it. In which order a server lists
    /// several is its own affair, so that of those none is the first.
    private static func wanted(
        _ outputs: [Binding], _ package: ModelPackage, _ server: InferenceServer, _ model: ServedModel
    ) throws(InferenceError) -> [Binding] {
        switch package.manifest.inference {
        case .fullVolume, .slidingWindow: break
        default: return outputs
        }
        guard outputs.count > 1 else { return outputs }
        let name = package.manifest.network.outputs["voxels"]
        let named = outputs.filter { $0.port.name == name }
        guard named.count == 1 else {
            throw .mismatch(
                package: package.identity.name,
                reason:
                    "model \(model.name) of server \(server.name) has \(outputs.count) outputs; name the one that is needed: `outputs: {voxels: NAME}` of `network`"
            )
        }
        return named
    }

    /// What every window needs is known before the first is sent.
    private func checkVolumetric(
        _ package: ModelPackage, _ server: InferenceServer, _ model: ServedModel
    ) throws(InferenceError) {
        var shape = [1, -1, -1, -1, -1]
        switch package.manifest.inference {
        case .slidingWindow(let window): shape.replaceSubrange(2..., with: window.roi)
        case .fullVolume: break
        default: return
        }
        func mismatch(_ reason: String) -> InferenceError {
            .mismatch(package: package.identity.name, reason: "model \(model.name) of server \(server.name): \(reason)")
        }
        guard inputs.count == 1, outputs.count == 1 else {
            throw mismatch("\(inputs.count) inputs and \(outputs.count) outputs, and one of each is needed")
        }
        let isPlanar = inputs[0].port.shape?.count == 4
        if isPlanar { shape = PlanarNetwork.flattened([1, -1, 1] + shape[3...]) }
        guard inputs[0].port.accepts(shape) else {
            throw mismatch("the input is \(inputs[0].tensor), and the manifest gives it \(shape)")
        }
        let output = outputs[0].port.shape ?? []
        guard output.count == shape.count, output[1] == -1 || output[1] >= package.manifest.minimumChannels else {
            throw mismatch(
                "the output is \(outputs[0].tensor), and must be [1, C, \(isPlanar ? "" : "D, ")H, W] with at least \(package.manifest.minimumChannels) channels"
            )
        }
    }

    /// In the order of `inputs`, to whose ports they are bound already.
    func encode(_ tensors: [TensorInput]) -> [WireTensor] {
        zip(inputs, tensors).map { binding, tensor in
            var bytes = Data(count: tensor.values.count * binding.type.size)
            bytes.withUnsafeMutableBytes { memory in
                tensor.values.withUnsafeBufferPointer { values in
                    if let start = memory.baseAddress { binding.port.element.encode(values, into: start) }
                }
            }
            return WireTensor(
                name: binding.tensor.name, type: binding.type,
                shape: binding.isBatchless ? Array(tensor.shape.dropFirst()) : tensor.shape, bytes: bytes)
        }
    }

    /// The outputs in their order, which is that of the answer. Their memory is the caller's to free.
    func decode(_ answer: [WireTensor], package: String) throws(InferenceError) -> [TensorView] {
        for (binding, tensor) in zip(outputs, answer) {
            guard tensor.type == binding.type, binding.port.accepts(binding.shape(of: tensor)) else {
                throw .mismatch(
                    package: package,
                    reason:
                        "the server gave output \(tensor.name) as \(tensor.type.rawValue) \(tensor.shape), and had declared \(binding.tensor)"
                )
            }
        }
        return zip(outputs, answer).map { binding, tensor in
            let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.bytes.count / binding.type.size)
            tensor.bytes.withUnsafeBytes { bytes in
                if let start = bytes.baseAddress { binding.port.element.decode(start, into: values) }
            }
            return TensorView(
                port: binding.port.name, shape: binding.shape(of: tensor), values: UnsafeBufferPointer(values))
        }
    }

    private static func element(of type: TensorType) -> Port.Element {
        switch type {
        case .fp32: .f32
        case .fp16: .f16
        case .bf16: .bf16
        case .fp64: .f64
        case .int64: .i64
        case .int32: .i32
        case .int16: .i16
        case .int8: .i8
        case .uint8: .u8
        case .bool: .boolean
        case .uint16, .uint32, .uint64: .other
        }
    }
}

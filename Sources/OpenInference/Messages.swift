// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
internal import SwiftProtobuf

extension Inference_ModelInferRequest {
    /// Raw whatever the size: MLServer answers raw only where it was asked raw, and FP16 and BF16 have no other form.
    init(model: ServedModel, id: String, inputs: [WireTensor], outputs: [String]) {
        modelName = model.name
        modelVersion = model.version
        self.id = id
        self.inputs = inputs.map { input in
            .with {
                $0.name = input.name
                $0.datatype = input.type.rawValue
                $0.shape = input.shape.map(Int64.init)
            }
        }
        self.outputs = outputs.map { name in .with { $0.name = name } }
        rawInputContents = inputs.map(\.bytes)
    }
}

extension Inference_ModelInferResponse {
    /// The outputs in the order of `names`, or all of them where no name was asked for.
    func tensors(asked request: (model: ServedModel, id: String), names: [String]) throws(Unusable) -> [WireTensor] {
        // A server that mixes answers up would put one window's voxels in another's place.
        guard id.isEmpty || id == request.id else {
            throw Unusable("it answered pass \(id) when asked for pass \(request.id)")
        }
        guard modelVersion.isEmpty || request.model.version.isEmpty || modelVersion == request.model.version else {
            throw Unusable(
                "it ran version \(modelVersion) of model \(request.model.name), and not \(request.model.version)")
        }
        guard rawOutputContents.isEmpty || rawOutputContents.count == outputs.count else {
            throw Unusable("it gave \(rawOutputContents.count) raw contents for \(outputs.count) outputs")
        }
        func tensor(_ index: Int) throws(Unusable) -> WireTensor {
            let output = outputs[index]
            guard let type = TensorType(rawValue: output.datatype) else {
                throw Unusable("its output \(output.name) is of type \(output.datatype)")
            }
            let shape = output.shape.map(Int.init)
            // Bounded before they are multiplied.
            guard shape.allSatisfy({ (1...Int(Int32.max)).contains($0) }), let count = product(shape) else {
                throw Unusable("its output \(output.name) has the shape \(shape)")
            }
            let bytes = rawOutputContents.isEmpty ? output.contents.raw(of: type) : rawOutputContents[index]
            guard bytes.count == count * type.size else {
                throw Unusable(
                    "its output \(output.name) has \(bytes.count) bytes, and \(type.rawValue) \(shape) has \(count * type.size)"
                )
            }
            return WireTensor(name: output.name, type: type, shape: shape, bytes: bytes)
        }
        var result: [WireTensor] = []
        for name in names.isEmpty ? outputs.map(\.name) : names {
            guard let index = outputs.firstIndex(where: { $0.name == name }) else {
                throw Unusable("it gave no output \(name)")
            }
            result.append(try tensor(index))
        }
        return result
    }
}

/// What is wrong with an answer.
struct Unusable: Error {
    var reason: String
    init(_ reason: String) { self.reason = reason }
}

/// nil where it does not fit a message anyhow.
private func product(_ shape: [Int]) -> Int? {
    var result = 1
    for dimension in shape {
        let (next, overflow) = result.multipliedReportingOverflow(by: dimension)
        guard !overflow, next <= Int(Int32.max) else { return nil }
        result = next
    }
    return result
}

extension Inference_InferTensorContents {
    /// The elements as raw contents have them. FP16 and BF16 have no such form; theirs are none, and so do not fit a shape.
    fileprivate func raw(of type: TensorType) -> Data {
        switch type {
        case .bool: data(boolContents.map { UInt8($0 ? 1 : 0) })
        case .uint8: data(uintContents.map { UInt8(truncatingIfNeeded: $0) })
        case .uint16: data(uintContents.map { UInt16(truncatingIfNeeded: $0) })
        case .uint32: data(uintContents)
        case .uint64: data(uint64Contents)
        case .int8: data(intContents.map { Int8(truncatingIfNeeded: $0) })
        case .int16: data(intContents.map { Int16(truncatingIfNeeded: $0) })
        case .int32: data(intContents)
        case .int64: data(int64Contents)
        case .fp32: data(fp32Contents)
        case .fp64: data(fp64Contents)
        case .fp16, .bf16: Data()
        }
    }
}

/// This machine is little-endian, as the wire is.
private func data<Element: BitwiseCopyable>(_ values: [Element]) -> Data { values.withUnsafeBytes { Data($0) } }

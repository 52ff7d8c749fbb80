// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import COpenVINO
import Glibc

/// Handles of OpenVINO's C API; each frees what it holds. None is safe for use by two threads at once.
enum OpenVINO {
    struct Core: ~Copyable {
        let pointer: OpaquePointer
        init() throws(InferenceError) {
            pointer = try made("start") { ov_core_create($0) }
        }
        deinit { ov_core_free(pointer) }

        func read(_ path: String, weights: String?) throws(InferenceError) -> Model {
            Model(pointer: try made("read \(path)") { ov_core_read_model(pointer, path, weights, $0) })
        }

        func compile(_ model: borrowing Model, properties: [(String, String)]) throws(InferenceError) -> CompiledModel {
            // The C strings have to live until the call returns.
            let strings = properties.flatMap { [strdup($0.0)!, strdup($0.1)!] }
            defer { for string in strings { free(string) } }
            let list = stride(from: 0, to: strings.count, by: 2).map {
                ov_property_t(key: UnsafePointer(strings[$0]), value: UnsafeRawPointer(strings[$0 + 1]))
            }
            let raw = model.pointer
            return CompiledModel(
                pointer: try made("compile the network") {
                    ov_core_compile_model_props(pointer, raw, "CPU", list.count, list, $0)
                })
        }
    }

    struct Model: ~Copyable {
        let pointer: OpaquePointer
        deinit { ov_model_free(pointer) }

        func counts() throws(InferenceError) -> (inputs: Int, outputs: Int) {
            var inputs = 0
            var outputs = 0
            try check("look at the network", ov_model_inputs_size(pointer, &inputs))
            try check("look at the network", ov_model_outputs_size(pointer, &outputs))
            return (inputs, outputs)
        }

        func input() throws(InferenceError) -> Port {
            try Port(owned: try made("look at the network's input") { ov_model_const_input_by_index(pointer, 0, $0) })
        }
        func output() throws(InferenceError) -> Port {
            try Port(owned: try made("look at the network's output") { ov_model_const_output_by_index(pointer, 0, $0) })
        }

        /// Fixes the input's dimensions, which lets the engine plan its memory.
        func reshape(_ shape: [Int]) throws(InferenceError) {
            var partial = ov_partial_shape_t()
            let dimensions = shape.map { Int64($0) }
            try check(
                "shape the network's input", ov_partial_shape_create_static(Int64(shape.count), dimensions, &partial))
            defer { ov_partial_shape_free(&partial) }
            try check("fit the network to \(shape)", ov_model_reshape_single_input(pointer, partial))
        }
    }

    /// Type and dimensions of an input or output; -1 stands for a dimension that the graph leaves open.
    struct Port: Equatable {
        var isFloat: Bool
        /// nil where even the rank is open.
        var shape: [Int]?

        init(owned port: OpaquePointer) throws(InferenceError) {
            defer { ov_output_const_port_free(port) }
            var type = DYNAMIC
            try check("read a tensor's type", ov_port_get_element_type(port, &type))
            isFloat = type == F32
            var partial = ov_partial_shape_t()
            try check("read a tensor's shape", ov_port_get_partial_shape(port, &partial))
            defer { ov_partial_shape_free(&partial) }
            let rank = partial.rank.min == partial.rank.max ? Int(partial.rank.min) : nil
            shape = rank.map { rank in
                (0..<rank).map { partial.dims[$0].min == partial.dims[$0].max ? Int(partial.dims[$0].min) : -1 }
            }
        }

        /// Whether a tensor of these dimensions fits.
        func accepts(_ dimensions: [Int]) -> Bool {
            guard let shape else { return true }
            return shape.count == dimensions.count && zip(shape, dimensions).allSatisfy { $0 == -1 || $0 == $1 }
        }
    }

    struct CompiledModel: ~Copyable {
        let pointer: OpaquePointer
        deinit { ov_compiled_model_free(pointer) }

        func request() throws(InferenceError) -> Request {
            Request(pointer: try made("prepare a run") { ov_compiled_model_create_infer_request(pointer, $0) })
        }
    }

    struct Request: ~Copyable {
        let pointer: OpaquePointer
        deinit { ov_infer_request_free(pointer) }

        /// Runs on the caller's voxels without copying them, and lends the output while `body` runs.
        func infer<Result>(
            _ input: UnsafeMutablePointer<Float>, shape: [Int],
            _ body: (UnsafeMutableBufferPointer<Float>, [Int]) throws(InferenceError) -> Result
        ) throws(InferenceError) -> Result {
            let tensor = try Tensor(shape: shape, memory: input)
            try check("take the input", ov_infer_request_set_input_tensor_by_index(pointer, 0, tensor.pointer))
            try check("run the network", ov_infer_request_infer(pointer))
            let output = Tensor(
                pointer: try made("give the output") { ov_infer_request_get_output_tensor_by_index(pointer, 0, $0) })
            return try body(try output.floats(), try output.shape())
        }
    }

    struct Tensor: ~Copyable {
        let pointer: OpaquePointer
        init(pointer: OpaquePointer) { self.pointer = pointer }
        /// The memory stays the caller's and has to outlive the tensor.
        init(shape: [Int], memory: UnsafeMutablePointer<Float>) throws(InferenceError) {
            var dimensions = shape.map { Int64($0) }
            let count = Int64(dimensions.count)
            var tensor: OpaquePointer?
            let status = dimensions.withUnsafeMutableBufferPointer { dimensions in
                ov_tensor_create_from_host_ptr(
                    F32, ov_shape_t(rank: count, dims: dimensions.baseAddress), UnsafeMutableRawPointer(memory), &tensor
                )
            }
            try check("make a tensor", status)
            pointer = tensor!
        }
        deinit { ov_tensor_free(pointer) }

        func shape() throws(InferenceError) -> [Int] {
            var shape = ov_shape_t()
            try check("read the output's shape", ov_tensor_get_shape(pointer, &shape))
            defer { ov_shape_free(&shape) }
            return (0..<Int(shape.rank)).map { Int(shape.dims[$0]) }
        }

        func floats() throws(InferenceError) -> UnsafeMutableBufferPointer<Float> {
            var count = 0
            var data: UnsafeMutableRawPointer?
            try check("read the output", ov_tensor_get_size(pointer, &count))
            try check("read the output", ov_tensor_data(pointer, &data))
            return UnsafeMutableBufferPointer(start: data?.assumingMemoryBound(to: Float.self), count: count)
        }
    }
}

private func made(
    _ operation: String, _ make: (UnsafeMutablePointer<OpaquePointer?>) -> ov_status_e
) throws(InferenceError) -> OpaquePointer {
    var pointer: OpaquePointer?
    try check(operation, make(&pointer))
    guard let pointer else { throw .engine(operation: operation, message: "no object was given") }
    return pointer
}

private func check(_ operation: String, _ status: ov_status_e) throws(InferenceError) {
    guard status != OK else { return }
    let kind = ov_get_error_info(status).map { String(cString: $0) } ?? "status \(status.rawValue)"
    let words = ov_get_last_err_msg().map { String(cString: $0) } ?? ""
    // OpenVINO's messages run over lines and begin with places in its source.
    let lines = words.split(whereSeparator: \.isNewline).map { $0.drop { $0 == " " } }
    let told = lines.filter { !$0.isEmpty && !$0.hasPrefix("Exception from src") && !$0.hasPrefix("Check '") }
    let message = (told.isEmpty ? lines : told).prefix(3).joined(separator: " ")
    throw .engine(operation: operation, message: message.isEmpty ? kind : "\(kind): \(message)")
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import COpenVINO
import Glibc
import Synchronization

/// Handles of OpenVINO's C API; each frees what it holds. None is safe for use by two threads at once.
enum OpenVINO {
    struct Core: ~Copyable {
        let pointer: OpaquePointer
        init() throws(InferenceError) {
            pointer = try made("start") { ov_core_create($0) }
        }
        deinit { ov_core_free(pointer) }

        func read(_ path: String, weights: String?) throws(InferenceError) -> Model {
            Model(pointer: try made(InferenceError.reading + path) { ov_core_read_model(pointer, path, weights, $0) })
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

        func inputs() throws(InferenceError) -> [Port] {
            var count = 0
            try check("look at the network", ov_model_inputs_size(pointer, &count))
            return try ports(count, "look at the network's inputs") { ov_model_const_input_by_index(pointer, $0, $1) }
        }

        func outputs() throws(InferenceError) -> [Port] {
            var count = 0
            try check("look at the network", ov_model_outputs_size(pointer, &count))
            return try ports(count, "look at the network's outputs") { ov_model_const_output_by_index(pointer, $0, $1) }
        }

        private func ports(
            _ count: Int, _ operation: String, _ get: (Int, UnsafeMutablePointer<OpaquePointer?>) -> ov_status_e
        ) throws(InferenceError) -> [Port] {
            var ports: [Port] = []
            for index in 0..<count { ports.append(try Port(owned: try made(operation) { get(index, $0) })) }
            return ports
        }

        /// Fixes the dimensions of some inputs, by position, which lets the engine plan its memory; -1 leaves one open.
        func reshape(_ shapes: [Int: [Int]]) throws(InferenceError) {
            var partials: [ov_partial_shape_t] = []
            defer { for index in partials.indices { ov_partial_shape_free(&partials[index]) } }
            let positions = shapes.keys.sorted()
            for position in positions {
                let shape = shapes[position] ?? []
                let dimensions = shape.map { ov_dimension_t(min: Int64(max($0, 0)), max: Int64($0)) }
                var partial = ov_partial_shape_t()
                try check(
                    "shape the network's input", ov_partial_shape_create(Int64(shape.count), dimensions, &partial))
                partials.append(partial)
            }
            try check(
                "fit the network to \(positions.map { "\(shapes[$0] ?? [])" }.joined(separator: ", "))",
                ov_model_reshape_by_port_indexes(pointer, positions, partials, positions.count))
        }
    }

    struct CompiledModel: ~Copyable {
        let pointer: OpaquePointer
        deinit { ov_compiled_model_free(pointer) }

        func request() throws(InferenceError) -> Request {
            try Request(pointer: try made("prepare a run") { ov_compiled_model_create_infer_request(pointer, $0) })
        }
    }

    /// One pass at a time; its tensors belong to the engine between `start` and the end of `wait`.
    struct Request: ~Copyable {
        let pointer: OpaquePointer
        private let completion: Completion

        init(pointer: OpaquePointer) throws(InferenceError) {
            self.pointer = pointer
            completion = Completion()
            let status = ov_infer_request_set_callback(pointer, completion.callback)
            if status != OK { ov_infer_request_free(pointer) }
            try check("prepare a run", status)
        }
        deinit { ov_infer_request_free(pointer) }

        func set(_ tensor: borrowing Tensor, input index: Int) throws(InferenceError) {
            try check("take the input", ov_infer_request_set_input_tensor_by_index(pointer, index, tensor.pointer))
        }
        func start() throws(InferenceError) {
            try check("run the network", ov_infer_request_start_async(pointer))
        }
        func wait() throws(InferenceError) {
            try check("run the network", ov_infer_request_wait(pointer))
        }
        /// When the last pass that was waited for ended.
        var ended: Double { Double(completion.nanoseconds.load(ordering: .acquiring)) / 1e9 }

        func output(_ index: Int) throws(InferenceError) -> Tensor {
            Tensor(
                pointer: try made("give the output") { ov_infer_request_get_output_tensor_by_index(pointer, index, $0) }
            )
        }
    }

    /// Seconds of the clock that passes are timed by.
    static func now() -> Double { Double(nanoseconds()) / 1e9 }

    struct Tensor: ~Copyable {
        let pointer: OpaquePointer
        init(pointer: OpaquePointer) { self.pointer = pointer }
        /// Memory of the engine's, not initialised.
        init(shape: [Int], element: Port.Element) throws(InferenceError) {
            var dimensions = shape.map { Int64($0) }
            let count = Int64(dimensions.count)
            var tensor: OpaquePointer?
            let status = dimensions.withUnsafeMutableBufferPointer { dimensions in
                ov_tensor_create(element.code, ov_shape_t(rank: count, dims: dimensions.baseAddress), &tensor)
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

        /// Lives as long as the tensor, or the request that lent it.
        func memory() throws(InferenceError) -> UnsafeMutableRawPointer {
            var data: UnsafeMutableRawPointer?
            try check("reach a tensor's memory", ov_tensor_data(pointer, &data))
            guard let data else { throw .engine(operation: "reach a tensor's memory", message: "it has none") }
            return data
        }
    }
}

/// When a pass ended, told by OpenVINO's thread before `ov_infer_request_wait` returns.
private final class Completion: Sendable {
    let nanoseconds = Atomic<Int64>(0)
    /// OpenVINO keeps this pointer as long as the request lives. Freed with this object, after the request.
    nonisolated(unsafe) let callback: UnsafeMutablePointer<ov_callback_t>

    init() {
        callback = .allocate(capacity: 1)
        callback.initialize(
            to: ov_callback_t(
                callback_func: { context in
                    guard let context else { return }
                    Unmanaged<Completion>.fromOpaque(context).takeUnretainedValue().nanoseconds.store(
                        OpenVINO.nanoseconds(), ordering: .releasing)
                }, args: nil))
        callback.pointee.args = Unmanaged.passUnretained(self).toOpaque()
    }
    deinit { callback.deallocate() }
}

extension OpenVINO {
    fileprivate static func nanoseconds() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension Port {
    fileprivate init(owned port: OpaquePointer) throws(InferenceError) {
        defer { ov_output_const_port_free(port) }
        var type = DYNAMIC
        try check("read a tensor's type", ov_port_get_element_type(port, &type))
        element = Element(type)
        var text: UnsafeMutablePointer<CChar>?
        // A graph may leave its tensors without names.
        name = ov_port_get_any_name(port, &text) == OK ? text.map { String(cString: $0) } ?? "" : ""
        ov_free(text)
        var partial = ov_partial_shape_t()
        try check("read a tensor's shape", ov_port_get_partial_shape(port, &partial))
        defer { ov_partial_shape_free(&partial) }
        let rank = partial.rank.min == partial.rank.max ? Int(partial.rank.min) : nil
        shape = rank.map { rank in
            (0..<rank).map { partial.dims[$0].min == partial.dims[$0].max ? Int(partial.dims[$0].min) : -1 }
        }
    }
}

extension Port.Element {
    private static let codes: [(Self, ov_element_type_e)] = [
        (.f32, F32), (.f16, F16), (.bf16, BF16), (.f64, F64), (.i64, I64), (.i32, I32), (.i16, I16), (.i8, I8),
        (.u8, U8),
        // OpenVINO's BOOLEAN, which Swift does not import.
        (.boolean, ov_element_type_e(rawValue: 1)),
    ]
    fileprivate init(_ code: ov_element_type_e) { self = Self.codes.first { $0.1 == code }?.0 ?? .other }
    fileprivate var code: ov_element_type_e { Self.codes.first { $0.0 == self }?.1 ?? DYNAMIC }
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
    // The report of a graph that is not understood ends with what matters.
    let missing = lines.filter { $0.contains("No conversion rule found") }.map { $0.drop { $0 == "-" || $0 == " " } }
    let message = (missing.isEmpty ? told.isEmpty ? lines : told : missing).prefix(3).joined(separator: " ")
    throw .engine(operation: operation, message: message.isEmpty ? kind : "\(kind): \(message)")
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// An input or output of a graph.
struct Port: Equatable, Sendable {
    /// Of the elements, as the graph declares them. Values come and go as `Float` whatever it is.
    enum Element: String, Sendable {
        case f32, f16, bf16, f64, i64, i32, i16, i8, u8, boolean
        /// What the engine cannot convert: a string, a packed type, or a type that the graph leaves open.
        case other
    }

    /// Empty where the graph gives none; then only the position tells ports apart.
    var name: String
    /// -1 stands for a dimension that the graph leaves open; nil where even the rank is open.
    var shape: [Int]?
    var element: Element

    var isFloat: Bool { [.f32, .f16, .bf16, .f64].contains(element) }

    /// Whether a tensor of these dimensions fits; -1 in either is open.
    func accepts(_ dimensions: [Int]) -> Bool {
        guard let shape else { return true }
        return shape.count == dimensions.count
            && zip(shape, dimensions).allSatisfy { $0 == -1 || $1 == -1 || $0 == $1 }
    }
}

/// What one pass gets for one input.
struct TensorInput {
    /// Name of the port; nil takes the inputs by their position in the list.
    var port: String?
    /// Without an open dimension.
    var shape: [Int]
    /// W fastest. Converted to the port's element: to integers by rounding half to even, kept within their range.
    var values: [Float]

    init(port: String? = nil, shape: [Int], values: [Float]) {
        precondition(values.count == shape.reduce(1, *))
        self.port = port
        self.shape = shape
        self.values = values
    }
}

/// What one pass gave for one output. Lent: valid only while `take` runs.
struct TensorView {
    var port: String
    var shape: [Int]
    /// All finite.
    var values: UnsafeBufferPointer<Float>
}

/// One graph ready to run, here or on a server. Belongs to one thread, as the engine that made it.
protocol NetworkRunner: AnyObject {
    var inputs: [Port] { get }
    var outputs: [Port] { get }

    /// `count` passes. `fill` gives the inputs of a pass, `take` gets its outputs in the order of `outputs`; both are
    /// called on the caller's thread, each in order of the passes. Passes overlap: `fill` runs ahead of `take` by as many
    /// as are in flight, so that the engine works while the caller fills and takes. When either throws, what is in flight
    /// is waited for and dropped.
    /// - Returns: seconds of wall clock in which the engine was busy with at least one pass.
    @discardableResult
    func run(
        count: Int, fill: (Int) throws(InferenceError) -> [TensorInput],
        take: (Int, [TensorView]) throws(InferenceError) -> Void
    ) throws(InferenceError) -> Double
}

extension NetworkRunner {
    /// One pass, its outputs copied.
    func outputs(of inputs: [TensorInput]) throws(InferenceError) -> (tensors: [TensorInput], seconds: Double) {
        var tensors: [TensorInput] = []
        let seconds = try run(count: 1) { (_) throws(InferenceError) in
            inputs
        } take: { (_, outputs) throws(InferenceError) in
            tensors = outputs.map { TensorInput(port: $0.port, shape: $0.shape, values: Array($0.values)) }
        }
        return (tensors, seconds)
    }
}

/// Wall clock during which at least one of several overlapping passes ran.
struct BusyTime {
    private(set) var seconds = 0.0
    private var covered = -Double.infinity

    /// In order of their ends.
    mutating func add(from start: Double, to end: Double) {
        seconds += max(0, end - max(start, covered))
        covered = max(covered, end)
    }
}

extension InferenceError {
    /// Puts the inputs of one pass into the order of the ports.
    static func bound(
        _ inputs: [TensorInput], to ports: [Port], package: String
    ) throws(InferenceError) -> [TensorInput] {
        guard inputs.count == ports.count else {
            throw .mismatch(
                package: package, reason: "the network has \(ports.count) inputs, and is given \(inputs.count)")
        }
        var bound: [TensorInput] = []
        for (index, port) in ports.enumerated() {
            let input = inputs.first { $0.port == port.name && $0.port != nil } ?? inputs[index]
            if let name = input.port, name != port.name {
                throw .mismatch(
                    package: package,
                    reason:
                        "the network has no input `\(name)`; it has \(ports.map { "`\($0.name)`" }.joined(separator: ", "))"
                )
            }
            guard port.accepts(input.shape) else {
                throw .mismatch(
                    package: package,
                    reason: "the network's input is \(port.shape ?? []), and the manifest gives it \(input.shape)")
            }
            bound.append(input)
        }
        return bound
    }
}

/// x − x is 0 for every finite x, and NaN for all others; the sum keeps a NaN.
func isFinite(_ values: UnsafeBufferPointer<Float>) -> Bool {
    var sum = SIMD16<Float>(repeating: 0)
    var i = 0
    while i + 16 <= values.count {
        let x = UnsafeRawPointer(values.baseAddress! + i).loadUnaligned(as: SIMD16<Float>.self)
        sum += x - x
        i += 16
    }
    var rest = sum.sum()
    while i < values.count {
        rest += values[i] - values[i]
        i += 1
    }
    return rest == 0
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// A graph that OpenVINO compiled for this machine, with two requests: one works while the other is filled or taken from.
/// Belongs to one thread. OpenVINO's own threads touch a request's tensors between `start` and the end of `wait` only.
final class LocalNetwork: NetworkRunner {
    let inputs: [Port]
    let outputs: [Port]
    private let package: String
    private let compiled: OpenVINO.CompiledModel
    private var slots: [Slot] = []

    init(
        _ compiled: consuming OpenVINO.CompiledModel, inputs: [Port], outputs: [Port], package: String
    ) throws(InferenceError) {
        self.inputs = inputs
        self.outputs = outputs
        self.package = package
        self.compiled = compiled
        for port in inputs + outputs where port.element == .other {
            throw .mismatch(
                package: package,
                reason: "`\(port.name)` of the network has elements of a type that triaged cannot convert")
        }
    }

    // Requests go before the model that they belong to.
    deinit { slots = [] }

    @discardableResult
    func run(
        count: Int, fill: (Int) throws(InferenceError) -> [TensorInput],
        take: (Int, [TensorView]) throws(InferenceError) -> Void
    ) throws(InferenceError) -> Double {
        while slots.count < min(2, count) {
            slots.append(Slot(request: try compiled.request(), inputs: inputs.count, outputs: outputs.count))
        }
        var busy = BusyTime()
        // A pass that is not taken must not work on when the next run fills its tensors.
        defer { for slot in slots { slot.abandon() } }
        func start(_ pass: Int) throws(InferenceError) {
            let tensors = try InferenceError.bound(try fill(pass), to: inputs, package: package)
            try slots[pass % 2].start(tensors, inputs)
        }
        if count > 0 { try start(0) }
        for pass in 0..<count {
            if pass + 1 < count { try start(pass + 1) }
            let slot = slots[pass % 2]
            let (from, to) = try slot.wait()
            busy.add(from: from, to: to)
            let views = try slot.views(outputs)
            for view in views where !isFinite(view.values) { throw .notFinite(package: package) }
            try take(pass, views)
        }
        return busy.seconds
    }
}

/// One request with its tensors.
private final class Slot {
    private let request: OpenVINO.Request
    private var tensors: [Held?]
    /// Outputs that are no 32-bit floats in the graph, converted.
    private var buffers: [Floats]
    private var isRunning = false
    private var started = 0.0

    /// A class, since an array cannot hold what cannot be copied.
    private final class Held {
        let tensor: OpenVINO.Tensor
        let shape: [Int]
        init(_ tensor: consuming OpenVINO.Tensor, shape: [Int]) {
            self.tensor = tensor
            self.shape = shape
        }
    }

    init(request: consuming OpenVINO.Request, inputs: Int, outputs: Int) {
        self.request = request
        tensors = Array(repeating: nil, count: inputs)
        buffers = (0..<outputs).map { _ in Floats(0) }
    }

    func start(_ inputs: [TensorInput], _ ports: [Port]) throws(InferenceError) {
        for (index, input) in inputs.enumerated() {
            if tensors[index]?.shape != input.shape {
                let tensor = try OpenVINO.Tensor(shape: input.shape, element: ports[index].element)
                try request.set(tensor, input: index)
                tensors[index] = Held(tensor, shape: input.shape)
            }
            guard let memory = try tensors[index]?.tensor.memory() else { continue }
            input.values.withUnsafeBufferPointer { ports[index].element.encode($0, into: memory) }
        }
        started = OpenVINO.now()
        try request.start()
        isRunning = true
    }

    /// When the pass began and ended.
    func wait() throws(InferenceError) -> (from: Double, to: Double) {
        isRunning = false
        try request.wait()
        return (started, request.ended)
    }

    /// The error of a pass that nobody waits for any more is of no interest.
    func abandon() {
        guard isRunning else { return }
        isRunning = false
        try? request.wait()
    }

    /// Valid until the next `start`.
    func views(_ ports: [Port]) throws(InferenceError) -> [TensorView] {
        var views: [TensorView] = []
        for (index, port) in ports.enumerated() {
            let tensor = try request.output(index)
            let shape = try tensor.shape()
            let memory = try tensor.memory()
            let count = shape.reduce(1, *)
            let values: UnsafeBufferPointer<Float>
            if port.element == .f32 {
                values = UnsafeBufferPointer(start: memory.assumingMemoryBound(to: Float.self), count: count)
            } else {
                if buffers[index].count < count { buffers[index] = Floats(count) }
                let target = UnsafeMutableBufferPointer(start: buffers[index].start, count: count)
                port.element.decode(memory, into: target)
                values = UnsafeBufferPointer(target)
            }
            views.append(TensorView(port: port.name, shape: shape, values: values))
        }
        return views
    }
}

/// Memory that stays where it is while a view of it is lent.
private final class Floats {
    let start: UnsafeMutablePointer<Float>
    let count: Int
    init(_ count: Int) {
        self.count = count
        start = .allocate(capacity: max(1, count))
    }
    deinit { start.deallocate() }
}

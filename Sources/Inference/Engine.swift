// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc
import Models

/// OpenVINO on the CPU of this machine, with the networks that it compiled. Belongs to one thread, the worker's.
package final class Engine {
    private let core: OpenVINO.Core
    private let threads: Int
    /// By digest of the package.
    private var networks: [String: Network] = [:]

    /// `threads`: how many the networks may use; nil leaves it to OpenVINO.
    package init(threads: Int? = nil) throws(InferenceError) {
        core = try OpenVINO.Core()
        self.threads = threads ?? 0
    }

    /// Reads, checks and compiles the package's network, so that the first series does not wait for it.
    package func prepare(_ package: ModelPackage) throws(InferenceError) {
        _ = try network(for: package)
    }

    /// What of the package is held is let go.
    package func forget(_ package: ModelPackage) { networks[package.identity.digest] = nil }

    func network(for package: ModelPackage) throws(InferenceError) -> Network {
        if let network = networks[package.identity.digest] { return network }
        let network = try load(package)
        networks[package.identity.digest] = network
        return network
    }

    private func load(_ package: ModelPackage) throws(InferenceError) -> Network {
        let name = package.identity.name
        let model = try core.read(
            package.path(of: package.manifest.network.graphs[0]),
            weights: package.weightsPath(of: package.manifest.network.graphs[0]))
        let counts = try model.counts()
        guard counts.inputs == 1, counts.outputs == 1 else {
            throw .mismatch(
                package: name,
                reason:
                    "the network has \(counts.inputs) inputs and \(counts.outputs) outputs, and one of each is needed")
        }
        let input = try model.input()
        let output = try model.output()
        guard input.isFloat, output.isFloat else {
            throw .mismatch(package: name, reason: "the network's input and output must be 32-bit floats")
        }
        var shape = [1, 1, -1, -1, -1]
        if case .slidingWindow(let window) = package.manifest.inference {
            shape.replaceSubrange(2..., with: window.roi)
        }
        // An open dimension of ours fits whatever the graph says there, or the run says which does not.
        guard
            input.shape.map({ $0.count == 5 && zip($0, shape).allSatisfy { $0 == -1 || $1 == -1 || $0 == $1 } }) ?? true
        else {
            throw .mismatch(
                package: name, reason: "the network's input is \(input.shape ?? []), and the manifest gives it \(shape)"
            )
        }
        if !shape.contains(-1), input.shape != shape { try model.reshape(shape) }
        let channels = try model.output().shape.flatMap { $0.count == 5 ? $0[1] : -2 } ?? -1
        guard channels != -2 else {
            throw .mismatch(
                package: name, reason: "the network's output is \(output.shape ?? []), and must be [1, C, D, H, W]")
        }
        if channels >= 0, channels < package.manifest.minimumChannels {
            throw .mismatch(
                package: name,
                reason:
                    "the network gives \(channels) channels, and an output needs channel \(package.manifest.minimumChannels - 1)"
            )
        }
        var properties = [
            ("PERFORMANCE_HINT", "LATENCY"), ("INFERENCE_PRECISION_HINT", package.manifest.network.precision.rawValue),
        ]
        if threads > 0 { properties.append(("INFERENCE_NUM_THREADS", String(threads))) }
        let compiled = try core.compile(model, properties: properties)
        return Network(
            request: try compiled.request(), compiled: compiled, package: name, channels: channels >= 0 ? channels : nil
        )
    }
}

/// A compiled network with the one request that runs it.
final class Network {
    // Freed in this order: the request before the model that it belongs to.
    private let request: OpenVINO.Request
    private let compiled: OpenVINO.CompiledModel
    let package: String
    /// nil where the graph leaves it open until it ran.
    let channels: Int?

    init(
        request: consuming OpenVINO.Request, compiled: consuming OpenVINO.CompiledModel, package: String, channels: Int?
    ) {
        self.request = request
        self.compiled = compiled
        self.package = package
        self.channels = channels
    }

    /// One pass over a [1, 1, D, H, W] tensor. The output, [C, D, H, W], is lent while `body` runs.
    /// - Returns: what `body` returns, and the seconds that the engine took.
    func run<Result>(
        _ input: UnsafeMutablePointer<Float>, shape: [Int], minimumChannels: Int,
        _ body: (UnsafeMutableBufferPointer<Float>, _ channels: Int) throws(InferenceError) -> Result
    ) throws(InferenceError) -> (Result, seconds: Double) {
        let start = ContinuousClock.now
        var seconds = 0.0
        let package = package
        let result = try request.infer(input, shape: [1, 1] + shape) {
            (output, given) throws(InferenceError) -> Result in
            seconds = start.duration(to: .now).seconds
            guard given.count == 5, given[0] == 1, given[1] >= minimumChannels, Array(given[2...]) == shape else {
                throw .mismatch(
                    package: package,
                    reason:
                        "the network made \(given) of \([1, 1] + shape), and must give [1, C, D, H, W] of the same size with at least \(minimumChannels) channels"
                )
            }
            guard isFinite(output) else { throw .notFinite(package: package) }
            return try body(output, given[1])
        }
        return (result, seconds)
    }
}

/// x − x is 0 for every finite x, and NaN for all others; the sum keeps a NaN.
private func isFinite(_ values: UnsafeMutableBufferPointer<Float>) -> Bool {
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

extension Duration {
    var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Models
import Testing

@testable import Inference

@Suite struct NetworkRunnerTests {
    private func network(_ file: String, shapes: [Int: [Int]] = [:]) throws -> any NetworkRunner {
        try Engine(threads: 1).network(of: Fixtures.package(network: file), shapes: shapes)
    }
    private func failure(_ body: () throws -> Void) -> InferenceError? {
        do {
            try body()
            return nil
        } catch { return error as? InferenceError }
    }

    @Test("Ports are known by name, element and dimensions, an open one as -1")
    func ports() throws {
        let network = try network("elements.onnx")
        #expect(
            network.inputs == [
                Port(name: "half", shape: [-1, 3], element: .f16), Port(name: "index", shape: [-1], element: .i64),
                Port(name: "byte", shape: [-1, 3], element: .u8), Port(name: "flag", shape: [1], element: .boolean),
            ])
        #expect(network.outputs.map(\.name) == ["sum", "taken"])
        #expect(network.outputs.map(\.element) == [.f32, .i32])
        #expect(network.outputs[0].isFloat && !network.outputs[1].isFloat)
    }

    @Test("Inputs of any rank and element are bound by name or by position, and outputs come as floats")
    func elements() throws {
        let network = try network("elements.onnx")
        let half = TensorInput(port: "half", shape: [2, 3], values: [0.5, 1, 1.5, 2, 2.5, 3])
        let index = TensorInput(port: "index", shape: [2], values: [1, 0])
        let byte = TensorInput(port: "byte", shape: [2, 3], values: [10, 20, 30, 300, -5, 60.4])
        let flag = TensorInput(port: "flag", shape: [1], values: [1])
        for inputs in [[flag, byte, index, half], [half, index, byte, flag]] {
            let outputs = try network.outputs(of: inputs).tensors
            // half + byte where the flag is set; rows of byte taken by index.
            #expect(outputs.map(\.port) == ["sum", "taken"])
            #expect(outputs[0].shape == [2, 3] && outputs[0].values == [10.5, 21, 31.5, 257, 2.5, 63])
            #expect(outputs[1].shape == [2, 3] && outputs[1].values == [255, 0, 60, 10, 20, 30])
        }
        var unnamed = [half, index, byte, flag]
        for i in unnamed.indices { unnamed[i].port = nil }
        #expect(try network.outputs(of: unnamed).tensors[0].values == [10.5, 21, 31.5, 257, 2.5, 63])
        // Another size of the open dimension, on the same requests.
        let one = try network.outputs(of: [
            TensorInput(shape: [1, 3], values: [1, 2, 3]), TensorInput(shape: [1], values: [0]),
            TensorInput(shape: [1, 3], values: [1, 1, 1]), TensorInput(shape: [1], values: [0]),
        ]).tensors
        #expect(one[0].shape == [1, 3] && one[0].values == [1, 2, 3])
    }

    @Test("A network of slices takes windows of one slice, and no deeper ones")
    func planar() throws {
        func package(_ roi: String) throws -> ModelPackage {
            try Fixtures.package(
                network: "threshold-2d.onnx", folder: Fixtures.standIns, inference: "{slidingWindow: {roi: \(roi)}}")
        }
        let engine = try Engine(threads: 1)
        let network = try engine.volumetricNetworks(of: try package("[1, 2, 3]"))[0]
        #expect(network.inputs[0].shape == [1, 1, 1, 2, 3] && network.outputs[0].shape == [1, 2, 1, 2, 3])
        let window = TensorInput(shape: [1, 1, 1, 2, 3], values: [0, 0.5, 0.8, 0.9, 1, 2])
        let output = try network.outputs(of: [window]).tensors[0]
        #expect(output.shape == [1, 2, 1, 2, 3])
        #expect(zip(output.values[6...], [-18, -8, -2, 0, 2, 22]).allSatisfy { abs($0 - $1) < 1e-4 })
        let error = failure { _ = try engine.volumetricNetworks(of: try package("[2, 2, 3]")) }
        #expect(error?.description.contains("and the manifest gives it [1, 1, 2, 2, 3]") == true)
    }

    @Test("Inputs that the graph does not have are told by name")
    func misfits() throws {
        let network = try network("two-kernels.onnx", shapes: [0: [1, 1, 4, 4, 4]])
        let values = [Float](repeating: 0, count: 64)
        func reason(_ inputs: [TensorInput]) -> String? {
            guard case .mismatch(_, let reason)? = failure({ _ = try network.outputs(of: inputs) }) else { return nil }
            return reason
        }
        #expect(
            reason([TensorInput(port: "y", shape: [1, 1, 4, 4, 4], values: values)])
                == "the network has no input `y`; it has `x`")
        #expect(
            reason([TensorInput(shape: [1, 1, 4, 16], values: values)])
                == "the network's input is [1, 1, 4, 4, 4], and the manifest gives it [1, 1, 4, 16]")
        #expect(reason([]) == "the network has 1 inputs, and is given 0")
        #expect(network.outputs[0].shape == [1, 2, 4, 4, 4])
    }

    @Test("Passes overlap: the next is filled before the last is taken, and each gives its own outputs in order")
    func overlap() throws {
        let network = try network("logarithm.onnx", shapes: [0: [1, 1, 2, 2, 2]])
        var order: [String] = []
        var taken: [Float] = []
        let seconds = try network.run(count: 4) { pass in
            order.append("fill \(pass)")
            return [TensorInput(shape: [1, 1, 2, 2, 2], values: [Float](repeating: Float(pass + 1), count: 8))]
        } take: { pass, outputs in
            order.append("take \(pass)")
            taken.append(outputs[0].values[7])
        }
        #expect(
            order == ["fill 0", "fill 1", "take 0", "fill 2", "take 1", "fill 3", "take 2", "take 3"])
        for (pass, value) in taken.enumerated() { #expect(abs(value - Float(log(Double(pass + 1)))) < 1e-6) }
        #expect(seconds > 0)
        #expect(try network.run(count: 0, fill: { _ in [] }, take: { _, _ in }) == 0)
    }

    @Test("A run that is given up in the middle leaves the network ready for the next")
    func givenUp() throws {
        let network = try network("logarithm.onnx", shapes: [0: [1, 1, 2, 2, 2]])
        func input(_ value: Float) -> [TensorInput] {
            [TensorInput(shape: [1, 1, 2, 2, 2], values: [Float](repeating: value, count: 8))]
        }
        #expect(
            failure {
                try network.run(count: 3) { _ in
                    input(1)
                } take: { _, _ throws(InferenceError) in
                    throw .cancelled
                }
            } == .cancelled)
        #expect(
            failure {
                try network.run(count: 3) { _ in
                    input(-1)
                } take: { _, _ in
                }
            } == .notFinite(package: "test"))
        #expect(abs(try network.outputs(of: input(1)).tensors[0].values[0]) < 1e-6)
    }

    @Test("Time that several passes share counts once")
    func busy() {
        var busy = BusyTime()
        busy.add(from: 1, to: 3)
        busy.add(from: 2, to: 5)
        busy.add(from: 7, to: 8)
        #expect(busy.seconds == 5)
    }

    struct Conversion: Sendable, CustomTestStringConvertible {
        var element: Port.Element
        var values: [Float]
        var expected: [Float]
        var testDescription: String { element.rawValue }
    }
    static let conversions = [
        Conversion(element: .f32, values: [0.1, -3.5, 1e20], expected: [0.1, -3.5, 1e20]),
        Conversion(element: .f64, values: [0.1, -3.5], expected: [0.1, -3.5]),
        // 11 bits of fraction, then 8.
        Conversion(element: .f16, values: [1.000_488_3, 65504], expected: [1, 65504]),
        Conversion(
            element: .bf16, values: [1.003_906_25, 1.011_718_75, -2.5], expected: [1, 1.015_625, -2.5]),
        Conversion(element: .i64, values: [2.5, 3.5, -1e30], expected: [2, 4, -0x1p63]),
        Conversion(element: .i32, values: [1e30, -0.4], expected: [0x1p31, 0]),
        Conversion(element: .i16, values: [40000, -7], expected: [32767, -7]),
        Conversion(element: .i8, values: [200, -200, .nan], expected: [127, -128, 0]),
        Conversion(element: .u8, values: [-1, 254.6], expected: [0, 255]),
        Conversion(element: .boolean, values: [0, 0.2], expected: [0, 1]),
    ]

    @Test(
        "Floats become a graph's elements by rounding half to even, within range, and come back",
        arguments: conversions)
    func conversion(_ conversion: Conversion) throws {
        let (element, values, expected) = (conversion.element, conversion.values, conversion.expected)
        let size = try #require(element.size)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: size * values.count, alignment: 8)
        defer { memory.deallocate() }
        values.withUnsafeBufferPointer { element.encode($0, into: memory) }
        var back = [Float](repeating: -1, count: values.count)
        back.withUnsafeMutableBufferPointer { element.decode(memory, into: $0) }
        #expect(back == expected)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRPCCore
import SwiftProtobuf
import Testing

@testable import OpenInference

@Suite(.serialized) struct ServerConnectionTests {
    typealias Script = ScriptedServer.Script
    private static let model = ServedModel(name: "net", version: "1")

    private static func pass(_ values: [Float], _ type: TensorType = .fp32) -> [WireTensor] {
        [
            WireTensor(
                name: "image", type: type, shape: [1, 1, 1, 1, values.count], bytes: values.withUnsafeBytes { Data($0) }
            )
        ]
    }

    /// Every pass holds its own number; gives the numbers that came back.
    private static func run(_ entry: InferenceServer, passes count: Int) throws(ServerError) -> [Float] {
        let queue = try ServerConnection(entry).passes(through: model, outputs: ["logits"])
        var sent = 0
        var got: [Float] = []
        while got.count < count {
            while sent < count, queue.hasRoom {
                try queue.send(pass([Float(sent)]))
                sent += 1
            }
            let answer = try queue.next()
            got.append(answer[0].bytes.withUnsafeBytes { $0.loadUnaligned(as: Float.self) })
        }
        return got
    }

    private func serve(
        _ script: Script, _ body: (ScriptedServer) async throws -> Void
    ) async throws {
        let server = try await ScriptedServer(script)
        do { try await body(server) } catch {
            await server.stop()
            throw error
        }
        await server.stop()
    }

    @Test("Answers are taken in the order of the passes, whatever the server's, with no more under way than allowed")
    func order() async throws {
        var script = Script()
        script.infer = { request, before in
            // The first of three is answered last.
            try await Task.sleep(for: .milliseconds(before % 3 == 0 ? 60 : 5))
            return ScriptedServer.echo(request)
        }
        try await serve(script) { server in
            let entry = server.entry()
            let got = try await blocking { try Self.run(entry, passes: 10) }
            #expect(got == (0..<10).map(Float.init))
            #expect(server.mostAtOnce == 3)
            #expect(Set(server.requests.map(\.id)) == Set((0..<10).map(String.init)))
            #expect(server.requests.allSatisfy { $0.modelVersion == "1" && $0.outputs.map(\.name) == ["logits"] })
            #expect(server.requests.allSatisfy { $0.rawInputContents.count == 1 && !$0.inputs[0].hasContents })
        }
    }

    @Test("What a model takes and gives is read whatever the server has in field 6 of its metadata")
    func interface() async throws {
        try await serve(Script()) { server in
            let entry = server.entry()
            let (greeting, interface) = try await blocking {
                let connection = ServerConnection(entry)
                return (try connection.greet(), try connection.interface(of: Self.model))
            }
            #expect(greeting == "scripted 1")
            #expect(interface.inputs == [.init(name: "image", type: .fp32, shape: [-1, 1, -1, -1, -1])])
            #expect(interface.outputs == [.init(name: "logits", type: .fp32, shape: [-1, 1, -1, -1, -1])])
        }
    }

    @Test(
        "A server that is not live or not ready, and a model that is loading, may come later; one that is unknown will not"
    )
    func readiness() async throws {
        var dead = Script()
        dead.isLive = false
        var starting = Script()
        starting.isReady = false
        for script in [dead, starting] {
            try await serve(script) { server in
                let entry = server.entry()
                let error = try await failure(as: ServerError.self) { _ = try ServerConnection(entry).greet() }
                #expect(error?.kind == .notReady && error?.isTransient == true)
            }
        }
        var loading = Script()
        loading.isModelReady = false
        try await serve(loading) { server in
            let entry = server.entry()
            let error = try await failure(as: ServerError.self) {
                _ = try ServerConnection(entry).interface(of: Self.model)
            }
            #expect(error?.kind == .notReady && error?.reason.contains("net") == true)
            let unknown = try await failure(as: ServerError.self) {
                _ = try ServerConnection(entry).interface(of: ServedModel(name: "other"))
            }
            #expect(unknown?.kind == .notFound && unknown?.isTransient == false)
        }
    }

    @Test("UNAVAILABLE is tried again within bounds, and nothing else is")
    func retry() async throws {
        var script = Script()
        script.infer = { request, before in
            if before < 2 { throw RPCError(code: .unavailable, message: "warming up") }
            return ScriptedServer.echo(request)
        }
        try await serve(script) { server in
            let entry = server.entry()
            let got = try await blocking { try Self.run(entry, passes: 1) }
            #expect(got == [0] && server.requests.count == 3)
        }
        script.infer = { _, _ in throw RPCError(code: .unavailable, message: "going down") }
        try await serve(script) { server in
            let entry = server.entry(deadline: 1)
            let error = try await failure(as: ServerError.self) { _ = try Self.run(entry, passes: 1) }
            #expect(error?.kind == .unavailable && error?.reason.contains("going down") == true)
            #expect((2...4).contains(server.requests.count))
        }
        for code in [RPCError.Code.invalidArgument, .internalError, .unknown, .notFound, .permissionDenied] {
            script.infer = { _, _ in throw RPCError(code: code, message: "no such thing") }
            try await serve(script) { server in
                let entry = server.entry()
                let error = try await failure(as: ServerError.self) { _ = try Self.run(entry, passes: 1) }
                #expect(error?.reason.contains("no such thing") == true)
                #expect(error?.isTransient == (code == .permissionDenied))
                #expect(server.requests.count == 1)
            }
        }
    }

    @Test("A server that never answers costs the deadline and no more")
    func silence() async throws {
        var script = Script()
        script.infer = { _, _ in
            try await Task.sleep(for: .seconds(60))
            throw CancellationError()
        }
        try await serve(script) { server in
            let entry = server.entry(deadline: 0.5)
            let start = ContinuousClock.now
            let error = try await failure(as: ServerError.self) { _ = try Self.run(entry, passes: 5) }
            #expect(error?.kind == .deadline && error?.isTransient == true)
            #expect(error?.reason.contains("0.5 s") == true)
            #expect(start.duration(to: .now) < .seconds(10))
        }
    }

    @Test("A server that goes away in the middle, or was never there, is unavailable")
    func loss() async throws {
        var script = Script()
        script.infer = { request, before in
            if before >= 2 { try await Task.sleep(for: .seconds(60)) }
            return ScriptedServer.echo(request)
        }
        let server = try await ScriptedServer(script)
        let entry = server.entry(deadline: 2)
        async let outcome = failure(as: ServerError.self) { _ = try Self.run(entry, passes: 6) }
        while server.requests.count < 3 { try await Task.sleep(for: .milliseconds(10)) }
        await server.stop()
        let error = try await outcome
        #expect(error?.kind == .unavailable && error?.isTransient == true, "\(error?.reason ?? "")")
        let never = try await failure(as: ServerError.self) { _ = try ServerConnection(entry).greet() }
        #expect(never?.kind == .unavailable && never?.reason.contains("127.0.0.1:\(entry.port)") == true)
        let unknown = InferenceServer(name: "x", host: "no-such-host.invalid", port: 1, deadline: 2)
        let nameless = try await failure(as: ServerError.self) { _ = try ServerConnection(unknown).greet() }
        #expect(nameless?.kind == .unavailable || nameless?.kind == .deadline, "\(nameless?.reason ?? "")")
    }

    @Test("A connection serves again once its server is back")
    func comeback() async throws {
        let first = try await ScriptedServer()
        let entry = first.entry()
        let connection = Unshared(ServerConnection(entry))
        _ = try await blocking { try connection.value.greet() }
        await first.stop()
        let second = try await ScriptedServer(port: entry.port)
        let greeting = try await blocking { try connection.value.greet() }
        #expect(greeting == "scripted 1")
        await second.stop()
    }

    @Test("An answer of the wrong size, name, pass, version or number of contents is not used")
    func unusable() async throws {
        let wrong: [@Sendable (inout ScriptedServer.Response) -> Void] = [
            { $0.rawOutputContents[0].append(0) },
            { $0.rawOutputContents[0].removeAll() },
            { $0.rawOutputContents.append(Data()) },
            { $0.outputs[0].shape = [1, 1, 1, 1, -1] },
            { $0.outputs[0].shape = [1 << 31, 1 << 31, 1 << 31] },
            { $0.outputs[0].datatype = "BYTES" },
            { $0.outputs[0].name = "other" },
            { $0.id = "7" },
            { $0.modelVersion = "2" },
            { $0.outputs = [] },
        ]
        for change in wrong {
            var script = Script()
            script.infer = { request, _ in
                var response = ScriptedServer.echo(request)
                change(&response)
                return response
            }
            try await serve(script) { server in
                let entry = server.entry()
                let error = try await failure(as: ServerError.self) { _ = try Self.run(entry, passes: 1) }
                #expect(error?.kind == .unusable && error?.isTransient == false, "\(error?.description ?? "taken")")
            }
        }
    }

    @Test("Contents are taken where a server gives them in place of raw bytes")
    func contents() async throws {
        var script = Script()
        script.infer = { request, _ in
            var response = ScriptedServer.echo(request)
            let value = request.rawInputContents[0].withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
            response.rawOutputContents = []
            response.outputs[0].contents.fp32Contents = [value]
            return response
        }
        try await serve(script) { server in
            let entry = server.entry()
            let got = try await blocking { try Self.run(entry, passes: 3) }
            #expect(got == [0, 1, 2])
        }
    }

    @Test("A message that is too long says whose limit it meets")
    func messageLimits() async throws {
        var script = Script()
        script.limit = 1 << 20
        script.infer = { request, _ in
            ScriptedServer.echo(request, Data(count: 3 << 20), shape: [3 << 20], type: "UINT8")
        }
        try await serve(script) { server in
            let limited = server.entry(maximumMessage: 2 << 20)
            let answer = try await failure(as: ServerError.self) { _ = try Self.run(limited, passes: 1) }
            #expect(answer?.kind == .messageLimit && answer?.reason.contains("this node's `maximumMessage`") == true)
            #expect(answer?.reason.contains("2 MiB") == true)
            let request = try await failure(as: ServerError.self) {
                let queue = try ServerConnection(limited).passes(through: Self.model, outputs: [])
                try queue.send(Self.pass([Float](repeating: 0, count: 1 << 20)))
            }
            #expect(request?.kind == .messageLimit && request?.reason.contains("a request of 4 MiB") == true)
            // This server says no more than that it will not have it; RealServerTests has one that says why.
            let entry = server.entry(deadline: 1)
            let theirs = try await failure(as: ServerError.self) {
                let queue = try ServerConnection(entry).passes(through: Self.model, outputs: [])
                try queue.send(Self.pass([Float](repeating: 0, count: 1 << 20)))
                _ = try queue.next()
            }
            #expect(theirs?.reason.contains("this node's") == false)
        }
    }
}

/// For one thread after another.
final class Unshared<Value>: @unchecked Sendable {
    // The tests that use it wait for each call.
    let value: Value
    init(_ value: Value) { self.value = value }
}

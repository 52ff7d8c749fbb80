// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import SwiftProtobuf
import Synchronization

@testable import OpenInference

/// A server of the protocol that does what a test tells it. Lives until `stop`, on a port of its own.
final class ScriptedServer: Sendable {
    typealias Request = Inference_ModelInferRequest
    typealias Response = Inference_ModelInferResponse
    typealias Tensor = Inference_ModelMetadataResponse.TensorMetadata

    struct Script: Sendable {
        var isLive = true
        var isReady = true
        var isModelReady = true
        var inputs = [ScriptedServer.tensor("image", [-1, 1, -1, -1, -1])]
        var outputs = [ScriptedServer.tensor("logits", [-1, 1, -1, -1, -1])]
        var versions: [String] = []
        var platform = ""
        /// Bytes of one request.
        var limit = 64 << 20
        /// Gets the request and how many came before it.
        var infer: @Sendable (Request, Int) async throws -> Response = { request, _ in ScriptedServer.echo(request) }
    }

    let host: String
    let port: Int
    private let server: GRPCServer<HTTP2ServerTransport.Posix>
    private let serving: Task<Void, Never>
    private let service: Service

    init(
        _ script: Script = Script(), security: HTTP2ServerTransport.Posix.TransportSecurity = .plaintext,
        host: String = "127.0.0.1", port: Int = 0
    ) async throws {
        let service = Service(script: script)
        let server = GRPCServer(
            transport: .http2NIOPosix(
                address: .ipv4(host: host, port: port), transportSecurity: security,
                config: .defaults { $0.rpc = .init(maxRequestPayloadSize: script.limit) }), services: [service],
            interceptors: [Doorkeeper(service: service)])
        self.service = service
        self.host = host
        self.server = server
        serving = Task { try? await server.serve() }
        guard let bound = try await server.listeningAddress?.ipv4?.port else { throw CancellationError() }
        self.port = bound
    }

    /// At once, with whatever is under way. No stream may begin meanwhile: NIO stops the process over one that nobody takes.
    func stop() async {
        server.beginGracefulShutdown()
        try? await Task.sleep(for: .milliseconds(100))
        serving.cancel()
        _ = await serving.value
    }

    var requests: [Request] { service.seen.withLock { $0.requests } }
    /// The most that were under way at once.
    var mostAtOnce: Int { service.seen.withLock { $0.most } }
    var authorization: [String] { service.seen.withLock { $0.authorization } }

    func entry(
        tls: InferenceServer.TLS? = nil, tokenFile: String? = nil,
        maximumMessage: Int = 64 << 20, inFlight: Int = 3, deadline: Double = 20
    ) -> InferenceServer {
        InferenceServer(
            name: "gpu1", host: host, port: port, tls: tls, tokenFile: tokenFile, maximumMessage: maximumMessage,
            inFlight: inFlight, deadline: deadline)
    }

    static func tensor(_ name: String, _ shape: [Int64], _ type: String = "FP32") -> Tensor {
        .with {
            $0.name = name
            $0.datatype = type
            $0.shape = shape
        }
    }

    /// The first input under the name of the output.
    static func echo(_ request: Request, _ bytes: Data? = nil, shape: [Int64]? = nil, type: String? = nil) -> Response {
        .with {
            $0.modelName = request.modelName
            $0.id = request.id
            $0.outputs = [
                .with {
                    $0.name = "logits"
                    $0.datatype = type ?? request.inputs[0].datatype
                    $0.shape = shape ?? request.inputs[0].shape
                }
            ]
            $0.rawOutputContents = [bytes ?? request.rawInputContents[0]]
        }
    }
}

private final class Service: Inference_GRPCInferenceService.SimpleServiceProtocol {
    struct Seen {
        var requests: [ScriptedServer.Request] = []
        var underWay = 0
        var most = 0
        var authorization: [String] = []
    }
    let script: ScriptedServer.Script
    let seen = Mutex(Seen())

    init(script: ScriptedServer.Script) { self.script = script }

    func serverLive(
        request: Inference_ServerLiveRequest, context: ServerContext
    ) async throws -> Inference_ServerLiveResponse { .with { $0.live = script.isLive } }

    func serverReady(
        request: Inference_ServerReadyRequest, context: ServerContext
    ) async throws -> Inference_ServerReadyResponse { .with { $0.ready = script.isReady } }

    func modelReady(
        request: Inference_ModelReadyRequest, context: ServerContext
    ) async throws -> Inference_ModelReadyResponse {
        guard request.name == "net" else { throw RPCError(code: .notFound, message: "no model \(request.name)") }
        return .with { $0.ready = script.isModelReady }
    }

    func serverMetadata(
        request: Inference_ServerMetadataRequest, context: ServerContext
    ) async throws -> Inference_ServerMetadataResponse {
        .with {
            $0.name = "scripted"
            $0.version = "1"
        }
    }

    func modelMetadata(
        request: Inference_ModelMetadataRequest, context: ServerContext
    ) async throws -> Inference_ModelMetadataResponse {
        var answer = Inference_ModelMetadataResponse.with {
            $0.name = request.name
            $0.inputs = script.inputs
            $0.outputs = script.outputs
            $0.versions = script.versions
            $0.platform = script.platform
        }
        // A map entry in field 6, as MLServer and the specification have it, each with other types.
        try answer.merge(serializedBytes: [0x32, 0x05, 0x0A, 0x01, 0x61, 0x12, 0x00] as [UInt8])
        return answer
    }

    func modelInfer(
        request: Inference_ModelInferRequest, context: ServerContext
    ) async throws -> Inference_ModelInferResponse {
        let before = seen.withLock { seen in
            seen.requests.append(request)
            seen.underWay += 1
            seen.most = max(seen.most, seen.underWay)
            return seen.requests.count - 1
        }
        defer { seen.withLock { $0.underWay -= 1 } }
        return try await script.infer(request, before)
    }
}

/// Notes the `authorization` of every call.
private struct Doorkeeper: ServerInterceptor {
    let service: Service

    func intercept<Input: Sendable, Output: Sendable>(
        request: StreamingServerRequest<Input>, context: ServerContext,
        next: @Sendable (StreamingServerRequest<Input>, ServerContext) async throws -> StreamingServerResponse<Output>
    ) async throws -> StreamingServerResponse<Output> {
        let given = request.metadata[stringValues: "authorization"].map { $0 }
        service.seen.withLock { $0.authorization += given }
        return try await next(request, context)
    }
}

/// Runs what blocks away from the threads that Swift's tasks share, which would otherwise wait for themselves.
func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        Thread { continuation.resume(with: Result { try body() }) }.start()
    }
}

/// The error of what blocks; nil where it has none.
func failure<Failure: Error>(
    as _: Failure.Type = Failure.self, _ body: @escaping @Sendable () throws -> Void
) async throws -> Failure? {
    do {
        try await blocking(body)
        return nil
    } catch let error as Failure {
        return error
    }
}

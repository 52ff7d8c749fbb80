// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
internal import GRPCCore
internal import SwiftProtobuf
import Synchronization

/// What a node asks of a server. Every call blocks; for one thread at a time, and never one of Swift's cooperative pool.
package final class ServerConnection {
    package let server: InferenceServer
    private var channel: Channel?

    /// Seconds that an answer about the server or a model may take.
    private static let patience = 10.0

    package init(_ server: InferenceServer) { self.server = server }

    /// Forgets the connection: one that a machine left without a word would hold every later call up to its deadline.
    /// The next call makes another, with certificates and token as they are then.
    package func drop() { channel = nil }

    /// Name and version of the server's program. Throws unless it lives and is ready.
    package func greet() throws(ServerError) -> String {
        let live = try ask("ServerLive") { client, metadata, options in
            try await client.serverLive(.init(), metadata: metadata, options: options).live
        }
        guard live else { throw ServerError(server: server.name, .notReady, "it says that it does not live") }
        let ready = try ask("ServerReady") { client, metadata, options in
            try await client.serverReady(.init(), metadata: metadata, options: options).ready
        }
        guard ready else { throw ServerError(server: server.name, .notReady, "it is not ready") }
        return try ask("ServerMetadata") { client, metadata, options in
            let answer = try await client.serverMetadata(.init(), metadata: metadata, options: options)
            return [answer.name, answer.version].filter { !$0.isEmpty }.joined(separator: " ")
        }
    }

    /// What the model takes and gives. Throws unless it is ready.
    package func interface(of model: ServedModel) throws(ServerError) -> ModelInterface {
        let ready = try ask("ModelReady") { client, metadata, options in
            try await client.modelReady(
                .with {
                    $0.name = model.name
                    $0.version = model.version
                }, metadata: metadata, options: options
            ).ready
        }
        guard ready else { throw ServerError(server: server.name, .notReady, "model \(model.name) is not ready") }
        let answer = try ask("ModelMetadata") { client, metadata, options in
            try await client.modelMetadata(
                .with {
                    $0.name = model.name
                    $0.version = model.version
                }, metadata: metadata, options: options)
        }
        return ModelInterface(
            name: answer.name, versions: answer.versions, platform: answer.platform,
            inputs: answer.inputs.map(\.tensor), outputs: answer.outputs.map(\.tensor))
    }

    /// Passes through the model, with `server.inFlight` of them under way. `outputs` are those that are wanted; the server
    /// need not send others.
    package func passes(through model: ServedModel, outputs: [String]) throws(ServerError) -> PassQueue {
        PassQueue(channel: try opened(), model: model, outputs: outputs)
    }

    private func opened() throws(ServerError) -> Channel {
        if let channel { return channel }
        let made = try Channel(server)
        channel = made
        return made
    }

    private func ask<Answer: Sendable>(
        _ operation: String,
        _ body: @escaping @Sendable (Client, Metadata, CallOptions) async throws -> Answer
    ) throws(ServerError) -> Answer {
        let channel = try opened()
        let patience = min(Self.patience, server.deadline)
        let flight = Flight<Answer>(operation) { () async throws(ServerError) -> Answer in
            try await channel.call(operation, within: patience, body)
        }
        return try flight.wait(seconds: patience, on: server) { false }
    }
}

extension Inference_ModelMetadataResponse.TensorMetadata {
    fileprivate var tensor: ModelInterface.Tensor {
        .init(name: name, type: TensorType(rawValue: datatype), shape: shape.map { Int(clamping: $0) })
    }
}

/// A call under way, whose answer a blocking thread waits for.
final class Flight<Answer: Sendable>: Sendable {
    private let operation: String
    private let outcome = Mutex<Result<Answer, ServerError>?>(nil)
    private let done = DispatchSemaphore(value: 0)
    private let task = Mutex<Task<Void, Never>?>(nil)

    init(_ operation: String, _ body: @escaping @Sendable () async throws(ServerError) -> Answer) {
        self.operation = operation
        let started = Task { [self] in
            let result: Result<Answer, ServerError>
            do throws(ServerError) { result = .success(try await body()) } catch { result = .failure(error) }
            outcome.withLock { $0 = result }
            done.signal()
        }
        task.withLock { $0 = started }
    }

    func cancel() { task.withLock { $0 }?.cancel() }

    /// The call keeps its own deadline; this one is for a transport that does not. `shouldStop` is asked five times a second.
    func wait(seconds: Double, on server: InferenceServer, shouldStop: () -> Bool) throws(ServerError) -> Answer {
        let end = DispatchTime.now() + seconds + 5
        while done.wait(timeout: min(end, .now() + 0.2)) == .timedOut {
            if shouldStop() {
                cancel()
                throw ServerError(server: server.name, .cancelled, "\(operation) was stopped")
            }
            if DispatchTime.now() >= end {
                cancel()
                throw ServerError(
                    server: server.name, .deadline, "\(operation): no answer within \(seconds.formatted()) s")
            }
        }
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("signalled without an outcome") }
        return try result.get()
    }
}

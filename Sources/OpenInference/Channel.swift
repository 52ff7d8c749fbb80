// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
internal import GRPCCore
internal import GRPCNIOTransportHTTP2Posix

typealias Client = Inference_GRPCInferenceService.Client<HTTP2ClientTransport.Posix>

/// One HTTP/2 connection to a server, which connects itself when it is needed, and again after a loss.
/// Closed when the last of those who use it goes.
final class Channel: Sendable {
    let server: InferenceServer
    private let grpc: GRPCClient<HTTP2ClientTransport.Posix>
    private let connections: Task<Void, Never>
    /// `authorization` of every call.
    private let metadata: Metadata

    /// Tries of one call that meets UNAVAILABLE, 6.2 s of pauses in all: enough for a server that is started again.
    static let tries = 6
    static let firstPause = Duration.milliseconds(200)

    init(_ server: InferenceServer) throws(ServerError) {
        self.server = server
        var metadata = Metadata()
        if let token = try server.token() { metadata.addString("Bearer \(token)", forKey: "authorization") }
        self.metadata = metadata
        do {
            let transport = try HTTP2ClientTransport.Posix(
                target: server.target, transportSecurity: server.security,
                config: .defaults {
                    // The pauses between attempts are the calls' own.
                    $0.backoff = .init(initial: Channel.firstPause, max: .seconds(2), multiplier: 1.6, jitter: 0.2)
                    // Tensors of some MB: fewer frames, and no wait for the window within one of them.
                    $0.http2 = .init(
                        maxFrameSize: 1 << 20, targetWindowSize: 64 << 20, authority: server.tls?.certificateName)
                })
            let client = GRPCClient(transport: transport)
            grpc = client
            connections = Task { try? await client.runConnections() }
        } catch {
            throw ServerError(
                server: server.name, .credentials, "its TLS files cannot be used: \(Self.words(error))")
        }
    }

    deinit {
        grpc.beginGracefulShutdown()
        connections.cancel()
    }

    /// One call, within `seconds` with all its attempts. What is sent is pure: asking twice does no harm.
    func call<Answer: Sendable>(
        _ operation: String, within seconds: Double,
        _ body: @Sendable (Client, Metadata, CallOptions) async throws -> Answer
    ) async throws(ServerError) -> Answer {
        let client = Client(wrapping: grpc)
        let clock = ContinuousClock()
        let end = clock.now + .seconds(seconds)
        var options = CallOptions.defaults
        // The transport takes its limit on answers from the one for requests; both are named, for the day it does not.
        options.maxRequestMessageBytes = server.maximumMessage
        options.maxResponseMessageBytes = server.maximumMessage
        var pause = Self.firstPause
        var attempt = 1
        while true {
            options.timeout = clock.now.duration(to: end)
            do {
                return try await body(client, metadata, options)
            } catch {
                if Task.isCancelled { throw ServerError(server: server.name, .cancelled, "\(operation) was stopped") }
                let failure = self.failure(error, operation, seconds)
                guard failure.kind == .unavailable, attempt < Self.tries, clock.now + pause < end else { throw failure }
            }
            try? await clock.sleep(for: pause)
            pause *= 2
            attempt += 1
        }
    }

    private func failure(_ error: any Error, _ operation: String, _ seconds: Double) -> ServerError {
        func made(_ kind: ServerError.Kind, _ reason: String) -> ServerError {
            ServerError(server: server.name, kind, reason)
        }
        if let unusable = error as? Unusable { return made(.unusable, unusable.reason) }
        guard let error = error as? RPCError else { return made(.unavailable, Self.words(error)) }
        let words = Self.words(error)
        switch error.code {
        case .unavailable:
            return made(.unavailable, "\(operation): not available at \(server.host):\(server.port): \(words)")
        case .deadlineExceeded: return made(.deadline, "\(operation): no answer within \(seconds.formatted()) s")
        case .unauthenticated, .permissionDenied: return made(.denied, "\(operation): it refuses this node: \(words)")
        case .notFound: return made(.notFound, "\(operation): \(words)")
        case .resourceExhausted where words.contains("larger than max"):
            return made(.messageLimit, "\(operation): a message is longer than the server's own limit: \(words)")
        case .resourceExhausted: return made(.exhausted, "\(operation): \(words)")
        // What grpc-swift makes of an answer beyond its limit.
        case .internalError where words.hasPrefix("Failed to decode message"):
            return made(
                .messageLimit,
                "\(operation): its answer is longer than this node's `maximumMessage`, \(server.maximumMessage >> 20) MiB: \(words)"
            )
        case .internalError where words.contains("resolve address"):
            return made(.unavailable, "\(operation): the name \(server.host) is not known")
        default: return made(.rejected, "\(operation): \(error.code): \(words)")
        }
    }

    /// One line, with what is below: the message of a lost connection alone says nothing.
    static func words(_ error: any Error) -> String {
        let text: String
        switch error {
        case let error as RPCError:
            text = error.message + (error.cause.map { ": \(words($0))" } ?? "")
        case let error as RuntimeError:
            text = error.message + (error.cause.map { ": \(words($0))" } ?? "")
        default: text = "\(error)"
        }
        let line = text.split(whereSeparator: \.isNewline).map { $0.trimmingCharacters(in: .whitespaces) }
            .joined(separator: " ")
        return line.count > 500 ? line.prefix(500) + "…" : line
    }
}

extension InferenceServer {
    /// The first line of `tokenFile`.
    func token() throws(ServerError) -> String? {
        guard let tokenFile else { return nil }
        guard let data = FileManager.default.contents(atPath: tokenFile), let text = String(data: data, encoding: .utf8)
        else { throw ServerError(server: name, .credentials, "\(tokenFile) cannot be read") }
        let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !token.isEmpty, token.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ServerError(server: name, .credentials, "\(tokenFile) holds no token of printable characters")
        }
        return token
    }

    fileprivate var target: any ResolvableTarget {
        // An address must not become a name for the TLS handshake.
        if host.contains(":") { return .ipv6(address: host, port: port) }
        if host.split(separator: ".").count == 4, host.allSatisfy({ $0 == "." || $0.isNumber }) {
            return .ipv4(address: host, port: port)
        }
        return .dns(host: host, port: port)
    }

    fileprivate var security: HTTP2ClientTransport.Posix.TransportSecurity {
        guard let tls else { return .plaintext }
        return .tls {
            if let trusted = tls.trusted { $0.trustRoots = .certificates([.file(path: trusted, format: .pem)]) }
            if let certificate = tls.certificate, let key = tls.key {
                $0.certificateChain = [.file(path: certificate, format: .pem)]
                $0.privateKey = .file(path: key, format: .pem)
            }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import ServiceLifecycle

/// Serves the worklist until it is told to stop. Stopping lets requests in progress end, which takes at most a poll's two
/// seconds.
package struct WebServer: Service {
    package struct Configuration: Sendable, Equatable {
        /// A loopback address, or "localhost".
        package var host: String
        /// 0 takes a free one.
        package var port: Int
        /// Names under which a reverse proxy passes requests on, as they appear in `Host`, without port.
        package var names: [String]

        package init(host: String = "127.0.0.1", port: Int = 8104, names: [String] = []) {
            self.host = host
            self.port = port
            self.names = names
        }
    }

    /// Connections beyond this wait until one closes; a page holds one or two.
    static let maximumConnections = 512

    private let application: Application<WebResponder>
    private let feed: WorklistFeed
    private let host: String
    private let port: Int

    /// `onListening` gets the port once connections are accepted.
    package init(
        configuration: Configuration, needs: WebNeeds, logger: Logger,
        onListening: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) throws(WebError) {
        guard let address = Loopback.address(configuration.host) else { throw .notLoopback(host: configuration.host) }
        guard (0...65535).contains(configuration.port) else { throw .portOutOfRange(configuration.port) }
        host = address
        port = configuration.port
        let feed = WorklistFeed(needs: needs, logger: logger)
        self.feed = feed
        application = Application(
            responder: WebResponder(
                needs: needs, feed: feed, guardian: RequestGuard(names: configuration.names), logger: logger),
            server: HTTPServerBuilder { responder in
                KeptConnections(
                    HTTP1Channel(
                        responder: responder,
                        configuration: .init(
                            idleTimeout: .seconds(30),
                            httpDecoderConfiguration: .init(
                                maxHeaderFieldSize: 16 << 10, maxHeaderListSize: 32 << 10, maxHeaderFieldCount: 100))))
            },
            configuration: ApplicationConfiguration(
                address: .hostname(address, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(Self.maximumConnections, logger: logger)),
            onServerRunning: { channel in await onListening(channel.localAddress?.port ?? configuration.port) },
            logger: logger)
    }

    package func run() async throws {
        let feed = feed
        try await withThrowingTaskGroup { group in
            group.addTask { await feed.follow() }
            do {
                try await application.run()
            } catch let error as IOError {
                throw WebError.cannotListen(host: host, port: port, reason: error.description)
            }
            group.cancelAll()
        }
    }
}

enum Loopback {
    /// The numeric address to bind, or nil where `host` is not loopback. Names other than localhost are not resolved: what
    /// they mean may change.
    static func address(_ host: String) -> String? {
        if host == "localhost" { return "127.0.0.1" }
        if host == "::1" { return host }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0] == "127" else { return nil }
        let isNumeric = parts.allSatisfy { part in
            (1...3).contains(part.utf8.count) && part.utf8.allSatisfy { (0x30...0x39).contains($0) }
                && UInt8(part) != nil && (part == "0" || part.utf8.first != 0x30)
        }
        return isNumeric ? host : nil
    }
}

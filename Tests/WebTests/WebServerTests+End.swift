// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Testing

@testable import Web

/// How the server ends.
extension WebServerTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func started() async throws -> (group: ServiceGroup, task: Task<Void, any Error>, port: Int) {
        let (ports, continuation) = AsyncStream<Int>.makeStream()
        let server = try WebServer(
            configuration: .init(port: 0), needs: FixtureNode().needs, logger: Self.logger,
            onListening: { continuation.yield($0) })
        let group = ServiceGroup(services: [server], logger: Self.logger)
        let task = Task { try await group.run() }
        var iterator = ports.makeAsyncIterator()
        return (group, task, try #require(await iterator.next()))
    }

    @Test("told to stop, it lets a waiting reader finish and ends")
    func shutdown() async throws {
        let (group, task, port) = try await started()
        let probe = HTTPProbe(port: port)
        let revision = try #require(try await probe.get("/api/worklist").json["revision"] as? String)
        async let waiting = probe.get("/api/worklist?since=\(revision)")
        try await Task.sleep(for: .milliseconds(200))
        await group.triggerGracefulShutdown()
        #expect(try await waiting.status == 204)
        try await task.value
        await #expect(throws: HTTPProbe.Failure.self) { try await probe.get("/healthz") }
    }

    @Test("connections that come while it is cancelled do not bring it down", .timeLimit(.minutes(1)))
    func connectionsAtTheEnd() async throws {
        for _ in 0..<100 {
            let (_, task, port) = try await started()
            let callers = (0..<3).map { _ in Callers(to: port) }
            // A busy machine may start a thread late.
            while callers.contains(where: { $0.connections == 0 }) { try await Task.sleep(for: .milliseconds(1)) }
            task.cancel()
            _ = await task.result
            for caller in callers { caller.stop() }
        }
    }
}

/// Connects and hangs up, one time after the other, on a thread of its own.
private final class Callers: Sendable {
    private let isStopped = Atomic<Bool>(false)
    private let count = Atomic<Int>(0)

    init(to port: Int) {
        Thread { [self] in while !isStopped.load(ordering: .relaxed) { call(port) } }.start()
    }

    var connections: Int { count.load(ordering: .relaxed) }
    func stop() { isStopped.store(true, ordering: .relaxed) }

    private func call(_ port: Int) {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue), 0)
        let outcome = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        if outcome == 0 || errno == EINPROGRESS { count.add(1, ordering: .relaxed) }
        usleep(20)
        close(descriptor)
    }
}

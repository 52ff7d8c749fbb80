// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Logging
import Triage

@testable import Web

/// A node that is only a list, to be changed by the test.
actor FixtureNode {
    enum Trouble: Error { case broken }

    var items: [WorklistItem]
    private(set) var acknowledgements: [(study: UID, by: String, runSequence: Int?)] = []
    private var isBroken = false
    private var isStuck = false
    var checks = [ReadinessCheck(name: "index", isReady: true)]
    private var listeners: [AsyncStream<Void>.Continuation] = []

    init(_ items: [WorklistItem] = []) { self.items = items }

    func set(_ items: [WorklistItem]) {
        self.items = items
        for listener in listeners { listener.yield() }
    }
    func setBroken(_ isBroken: Bool) { self.isBroken = isBroken }
    func setStuck(_ isStuck: Bool) { self.isStuck = isStuck }
    func setChecks(_ checks: [ReadinessCheck]) { self.checks = checks }

    private func read() async throws -> [WorklistItem] {
        while isStuck { try await Task.sleep(for: .milliseconds(20)) }
        if isBroken { throw Trouble.broken }
        return items
    }

    /// Found by more than the list, as old studies are.
    private(set) var searches: [String] = []
    private var old: [WorklistItem] = []
    func setOld(_ old: [WorklistItem]) { self.old = old }

    private func search(_ text: String) throws -> (items: [WorklistItem], isTruncated: Bool) {
        if isBroken { throw Trouble.broken }
        searches.append(text)
        let words = SearchWords(text)
        let found = (items + old).filter {
            (!text.isEmpty && $0.patientID.hasPrefix(text)) || SearchKey(personName: $0.patientName).isFound(by: words)
        }
        return (found, text == "many")
    }

    private func acknowledge(_ study: UID, _ by: String, _ runSequence: Int?) throws -> Acknowledged? {
        if isBroken { throw Trouble.broken }
        guard let index = items.firstIndex(where: { $0.studyInstanceUID == study }) else { return nil }
        let acknowledged = Acknowledged(by: by, at: Date(timeIntervalSince1970: 1_795_000_000))
        acknowledgements.append((study, by, runSequence))
        var changed = items.remove(at: index)
        changed.acknowledged = acknowledged
        set(items + [changed])
        return acknowledged
    }

    private(set) var asked: [String] = []
    private func rerun(_ study: UID) -> Asked {
        asked.append("rerun \(study)")
        return .begun(series: 1)
    }
    private func deliver(_ study: UID?) -> Int? {
        asked.append("deliver \(study.map { "\($0)" } ?? "all")")
        return items.contains { $0.studyInstanceUID == study } ? 1 : nil
    }

    private func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        listeners.append(continuation)
        return stream
    }

    nonisolated var needs: WebNeeds {
        WebNeeds(
            worklist: { try await self.read() }, search: { try await self.search($0) },
            acknowledge: { try await self.acknowledge($0, $1, $2) },
            rerun: { await self.rerun($0) }, deliver: { await self.deliver($0) },
            changes: { await self.changes() }, readiness: { await self.checks },
            metrics: {
                var metrics = NodeMetrics()
                metrics.version = "1.0 \"quoted\""
                return metrics
            },
            refusals: { Fixtures.refusals },
            receiving: "TRIAGED on port 11112")
    }
}

/// Runs a server on a free port of loopback (or on `port`) while `body` runs, and stops it.
func withServer<Value: Sendable>(
    _ node: FixtureNode, port: Int = 0, names: [String] = [], _ body: @escaping @Sendable (Int) async throws -> Value
) async throws -> Value {
    let (ports, continuation) = AsyncStream<Int>.makeStream()
    let server = try WebServer(
        configuration: .init(port: port, names: names), needs: node.needs,
        logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
        onListening: { continuation.yield($0) })
    let task = Task {
        defer { continuation.finish() }
        try await server.run()
    }
    var iterator = ports.makeAsyncIterator()
    guard let bound = await iterator.next() else {
        try await task.value
        throw FixtureNode.Trouble.broken
    }
    let result: Result<Value, any Error>
    do { result = .success(try await body(bound)) } catch { result = .failure(error) }
    task.cancel()
    _ = await task.result
    return try result.get()
}

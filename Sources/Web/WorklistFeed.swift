// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Logging

/// Reads the worklist for everybody who asks, tells whether it changed, and lets pages wait until it does.
actor WorklistFeed {
    struct Snapshot: Sendable {
        var revision: String
        /// The items as JSON.
        var items: Data
        var notice = ""
    }

    /// A wait ends after this long in any case, so that each answer proves that the node lives and could read its list.
    static let patience = Duration.seconds(2)
    /// Changes come in bursts; this long are they gathered.
    static let gathering = Duration.milliseconds(50)

    private let needs: WebNeeds
    private let logger: Logger
    private let start = String(UInt64.random(in: .min ... .max), radix: 36)
    private var count = 0
    private var items: [WorklistItem]?
    private var snapshot = Snapshot(revision: "", items: Data())
    private var isFailing = false

    private var running: Task<Snapshot, any Error>?
    private var queued: Task<Snapshot, any Error>?
    private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    private var nextWaiter = 0

    init(needs: WebNeeds, logger: Logger) {
        self.needs = needs
        self.logger = logger
    }

    /// Wakes those who wait whenever the list may have changed; ends with the stream, or when cancelled.
    func follow() async {
        for await _ in await needs.changes() { wakeAll() }
    }

    func wakeAll() {
        let waiting = waiters
        waiters = [:]
        for waiter in waiting.values { waiter.resume() }
    }

    /// The list as it is now: the read began after the call. Calls that come while a read runs share the next one.
    func read() async throws -> Snapshot {
        if let queued { return try await queued.value }
        let before = running
        let task = Task {
            _ = await before?.result
            return try await self.load()
        }
        queued = task
        return try await task.value
    }

    /// The list as soon as its revision is another than `revision`, or nil after `patience`.
    func change(from revision: String) async throws -> Snapshot? {
        let deadline = ContinuousClock.now + Self.patience
        while true {
            let snapshot = try await read()
            if snapshot.revision != revision { return snapshot }
            guard ContinuousClock.now < deadline, !Task.isCancelled else { return nil }
            await waitForChange(until: deadline)
            try? await Task.sleep(for: Self.gathering)
        }
    }

    private func load() async throws -> Snapshot {
        running = queued
        queued = nil
        do {
            let items = try await needs.worklist()
            let notice = needs.notice()
            if items != self.items || notice != snapshot.notice {
                let encoder = JSONEncoder()
                encoder.dateEncodingStrategy = Timestamp.encoding
                encoder.outputFormatting = [.withoutEscapingSlashes]
                let data = try encoder.encode(items)
                count += 1
                self.items = items
                snapshot = Snapshot(revision: "\(start).\(count)", items: data, notice: notice)
            }
            if isFailing { logger.notice("the worklist can be read again") }
            isFailing = false
            return snapshot
        } catch {
            if !isFailing { logger.error("the worklist cannot be read", metadata: ["error": "\(error)"]) }
            isFailing = true
            throw error
        }
    }

    private func waitForChange(until deadline: ContinuousClock.Instant) async {
        let waiter = nextWaiter
        nextWaiter += 1
        let timer = Task {
            try? await Task.sleep(until: deadline)
            self.wake(waiter)
        }
        await withCheckedContinuation { waiters[waiter] = $0 }
        timer.cancel()
    }

    private func wake(_ waiter: Int) { waiters.removeValue(forKey: waiter)?.resume() }
}

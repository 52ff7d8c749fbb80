// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Synchronization

/// The connections that are open, their number bounded, so that they can be counted, waited for and cut.
final class Connections: Sendable {
    private struct Entry {
        var descriptor: Int32
        var isEstablished = false
        var isStopped = false
    }

    private struct State {
        /// Keys ascend with time.
        var entries: [UInt64: Entry] = [:]
        /// Threads that have not ended, whether their connection is still entered or not.
        var threads = 0
        var isClosing = false
    }

    private let state = Monitor(State())
    private let maximumAssociations: Int
    private let maximumHalfOpen: Int
    private static let lastID = Atomic<UInt64>(0)

    init(maximumAssociations: Int, maximumHalfOpen: Int) {
        self.maximumAssociations = maximumAssociations
        self.maximumHalfOpen = maximumHalfOpen
    }

    /// Enters a connection whose thread is about to start; nil where there are too many threads. Where too many are half-open,
    /// the one that has waited longest is cut: a request arrives at once from a peer that means it.
    func enter(_ descriptor: Int32) -> UInt64? {
        let id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        return state.withLock { state -> UInt64? in
            // Those that were cut need a moment to end.
            guard !state.isClosing, state.threads < maximumAssociations + 2 * maximumHalfOpen else { return nil }
            let halfOpen = state.entries.filter { !$0.value.isEstablished }
            if halfOpen.count >= maximumHalfOpen, let oldest = halfOpen.keys.min() {
                shutdown(halfOpen[oldest]!.descriptor, Int32(SHUT_RDWR))
                state.entries[oldest] = nil
            }
            state.entries[id] = Entry(descriptor: descriptor)
            state.threads += 1
            return id
        }
    }

    /// Takes one of the places for associations; false where there is none.
    func establish(_ id: UInt64) -> Bool {
        state.withLock { state in
            guard !state.isClosing, state.entries[id] != nil,
                state.entries.values.count(where: \.isEstablished) < maximumAssociations
            else { return false }
            state.entries[id]!.isEstablished = true
            return true
        }
    }

    /// Gives the place back, before the descriptor is closed: from here on it is not touched.
    func leave(_ id: UInt64) { state.withLock { $0.entries[id] = nil } }

    /// The last thing that a connection's thread does.
    func threadEnded() { state.withLock { $0.threads -= 1 } }

    func isStopped(_ id: UInt64) -> Bool { state.withLock { $0.entries[id]?.isStopped ?? false } }

    var associationCount: Int { state.withLock { $0.entries.values.count(where: \.isEstablished) } }

    /// Also lets no more in.
    func closeHalfOpen() {
        state.withLock { state in
            state.isClosing = true
            for entry in state.entries.values where !entry.isEstablished {
                shutdown(entry.descriptor, Int32(SHUT_RDWR))
            }
        }
    }

    /// Wakes all; each sees that it is stopped before its next PDU, and aborts. Gives their number.
    func stopAll() -> Int {
        state.withLock { state in
            for id in state.entries.keys {
                state.entries[id]!.isStopped = true
                shutdown(state.entries[id]!.descriptor, Int32(SHUT_RD))
            }
            return state.entries.values.count(where: \.isEstablished)
        }
    }

    /// For those that hang in a write.
    func disconnectAll() {
        state.withLock { state in
            for entry in state.entries.values { shutdown(entry.descriptor, Int32(SHUT_RDWR)) }
        }
    }

    func waitUntilEmpty(until deadline: ContinuousClock.Instant) -> Bool {
        state.wait(until: deadline) { $0.threads == 0 }
    }
}

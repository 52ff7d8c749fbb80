// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Glibc
import Synchronization

/// A directory that several threads put files into: one fsync serves all whose rename came before it began.
final class SharedDirectory: Sendable {
    // Written by the leader before it signals `done`, read by the owner after.
    private final class Ticket: @unchecked Sendable {
        let done = DispatchSemaphore(value: 0)
        var result: Result<Void, StorageError>?
    }
    private struct State {
        var queue: [Ticket] = []
        var isLed = false
    }
    private let descriptor: Descriptor
    private let state = Mutex(State())

    init(_ path: String, shown: String) throws(StorageError) {
        descriptor = try Descriptor(path, O_RDONLY | O_DIRECTORY, shown: shown)
    }

    /// Entries made before this call are on disk when it returns.
    func sync() throws(StorageError) {
        let ticket = Ticket()
        let leads = state.withLock { state in
            state.queue.append(ticket)
            defer { state.isLed = true }
            return !state.isLed
        }
        if !leads {
            ticket.done.wait()
            if let result = ticket.result { return try result.get() }
            // The last leader has made this caller the next one.
        }
        let batch = state.withLock { state in
            defer { state.queue.removeAll() }
            return state.queue
        }
        var result: Result<Void, StorageError> = .success(())
        do throws(StorageError) { try descriptor.syncEntries() } catch { result = .failure(error) }
        let next = state.withLock { state in
            state.isLed = !state.queue.isEmpty
            return state.queue.first
        }
        next?.done.signal()
        for other in batch {
            other.result = result
            if other !== ticket { other.done.signal() }
        }
        try result.get()
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Concurrent callers share one transaction: whoever comes first commits for all who have come by then.
///
/// Callers block. The next leader is one of those who wait, so that no caller works for others after its own answer.
final class GroupCommit<Request: Sendable, Response: Sendable>: Sendable {
    // Written by the leader before it signals `done`, read by the owner after: the semaphore orders the two.
    private final class Ticket: @unchecked Sendable {
        let request: Request
        let done = DispatchSemaphore(value: 0)
        var result: Result<Response, IndexError>?
        init(_ request: Request) { self.request = request }
    }
    private struct State {
        var queue: [Ticket] = []
        var isLed = false
    }
    private let state = Mutex(State())
    /// A bound on the time that one transaction takes.
    private let limit = 256

    /// `commit` answers each request of the batch, in order.
    func submit(
        _ request: Request, commit: ([Request]) -> [Result<Response, IndexError>]
    ) throws(IndexError) -> Response {
        let ticket = Ticket(request)
        let leads = state.withLock { state in
            state.queue.append(ticket)
            defer { state.isLed = true }
            return !state.isLed
        }
        if !leads {
            ticket.done.wait()
            if let result = ticket.result { return try result.get() }
        }
        // The leader's own ticket is the first of the queue.
        let batch = state.withLock { state in
            let batch = Array(state.queue.prefix(limit))
            state.queue.removeFirst(batch.count)
            return batch
        }
        let results = commit(batch.map(\.request))
        precondition(results.count == batch.count)
        let next = state.withLock { state in
            state.isLed = !state.queue.isEmpty
            return state.queue.first
        }
        next?.done.signal()
        for (ticket, result) in zip(batch, results) { ticket.result = result }
        for other in batch where other !== ticket { other.done.signal() }
        guard let result = ticket.result else { preconditionFailure("the leader answers itself too") }
        return try result.get()
    }
}

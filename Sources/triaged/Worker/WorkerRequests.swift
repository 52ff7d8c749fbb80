// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Foundation
import Glibc
import Synchronization

/// What the daemon asks, read on a thread of its own, so that a job under way hears that it is to stop.
final class WorkerRequests: Sendable {
    private struct State {
        var waiting: [WorkerRequest] = []
        var hasEnded = false
        var stopped: Int?
    }

    private let state = Mutex(State())
    private let arrived = DispatchSemaphore(value: 0)

    init() {
        let thread = Thread { [self] in
            while let line = readLine(strippingNewline: true) {
                guard let request = try? JSONDecoder().decode(WorkerRequest.self, from: Data(line.utf8)) else {
                    exit(65)
                }
                if case .stop(let id) = request.job {
                    state.withLock { $0.stopped = id }
                } else {
                    state.withLock { $0.waiting.append(request) }
                    arrived.signal()
                }
            }
            state.withLock { $0.hasEnded = true }
            arrived.signal()
        }
        // A job with thousands of paths is decoded here.
        thread.stackSize = 8 << 20
        thread.start()
    }

    /// Waits for the next one; nil once there are no more.
    func next() -> WorkerRequest? {
        arrived.wait()
        return state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
    }

    /// Whether the request was taken back.
    func isStopped(_ id: Int) -> Bool { state.withLock { $0.stopped == id } }
}

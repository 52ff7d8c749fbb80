// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Writes rows behind the answers: many in a transaction, and never in a peer's way. An instance whose row is still to come
/// is safe because the next start reads the files of every epoch that this object has not given up: docs/decisions/01.
final class Recorder: Sendable {
    struct Item: Sendable {
        var epoch: Int64
        /// May wait for the file's digests.
        var make: @Sendable () -> Recording
        var done: @Sendable (Result<RecordOutcome, IndexError>) -> Void
    }
    private struct State {
        var queue: [Item] = []
        var isScheduled = false
        var isWriting = false
        var isFailing = false
        /// Rows to come, by the epoch of their files.
        var owed: [Int64: Int] = [:]
        /// The next start looks at no file of this epoch or an earlier one.
        var givenUp: Int64 = 0
    }
    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "index.record")
    /// How long a row may wait for others to share its transaction with.
    private let delay = DispatchTimeInterval.milliseconds(20)
    private let limit = 64
    /// Between two tries of a database that fails.
    private let pause = DispatchTimeInterval.seconds(1)

    /// False where the row must be on disk before the answer, as the next start would not look at its file.
    func owe(_ epoch: Int64) -> Bool {
        state.withLock { state in
            guard epoch > state.givenUp else { return false }
            state.owed[epoch, default: 0] += 1
            return true
        }
    }

    /// Up to which epoch, `epoch` at most, every file has its row. To be written down in the transaction that asks.
    func giveUp(_ epoch: Int64) -> Int64 {
        state.withLock { state in
            let complete = min(epoch, (state.owed.keys.min() ?? .max) - 1)
            state.givenUp = max(state.givenUp, complete)
            return complete
        }
    }

    /// After a failure nothing more is to be acknowledged until the rows that are owed have been written.
    var isFailing: Bool { state.withLock { $0.isFailing } }

    func submit(_ item: Item, commit: @escaping @Sendable ([Recording]) -> [Result<RecordOutcome, IndexError>]) {
        let (isFirst, isFull) = state.withLock { state in
            state.queue.append(item)
            let isFirst = !state.isScheduled
            state.isScheduled = true
            return (isFirst, state.queue.count >= limit)
        }
        if isFull {
            queue.sync { write(commit) }
        } else if isFirst {
            queue.asyncAfter(deadline: .now() + delay) { self.write(commit) }
        }
    }

    /// Every row that was submitted before this call is in the database when it returns, unless the database fails.
    func settle(commit: @escaping @Sendable ([Recording]) -> [Result<RecordOutcome, IndexError>]) {
        let isSettled = state.withLock { $0.isFailing || ($0.queue.isEmpty && !$0.isWriting) }
        if !isSettled { queue.sync { write(commit) } }
    }

    private func write(_ commit: @escaping @Sendable ([Recording]) -> [Result<RecordOutcome, IndexError>]) {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.queue.prefix(limit))
                state.queue.removeFirst(batch.count)
                state.isScheduled = false
                state.isWriting = !batch.isEmpty
                return batch
            }
            guard !batch.isEmpty else { return }
            // The digests are waited for outside of any lock.
            let results = commit(batch.map { $0.make() })
            var left: [Item] = []
            var written: [Int64] = []
            for (item, result) in zip(batch, results) {
                switch result {
                case .success: written.append(item.epoch)
                // The peer has its success: tried again for as long as it takes.
                case .failure(let error) where error.isTransient: left.append(item)
                // What can never be written stays owed, so that the next start looks at the file again.
                case .failure: break
                }
                item.done(result)
            }
            let mustWait = state.withLock { state in
                for epoch in written {
                    let owed = (state.owed[epoch] ?? 1) - 1
                    state.owed[epoch] = owed > 0 ? owed : nil
                }
                state.queue.insert(contentsOf: left, at: 0)
                state.isWriting = false
                state.isFailing = !left.isEmpty
                if state.isFailing { state.isScheduled = true }
                return state.isFailing
            }
            guard mustWait else { continue }
            queue.asyncAfter(deadline: .now() + pause) { self.write(commit) }
            return
        }
    }
}

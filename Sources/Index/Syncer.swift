// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import GRDB
import Synchronization

/// Brings recorded rows to disk a moment after they were committed, and moves the point from which a start must look at
/// files without rows: see docs/decisions/01.
final class Syncer: Sendable {
    private let pool: DatabasePool
    private let memory: WriterMemory
    private let recorder: Recorder
    private let queue = DispatchQueue(label: "index.sync", qos: .utility)
    private struct State {
        var isScheduled = false
        var isStopped = false
    }
    private let state = Mutex(State())
    /// How long a row may be in the log without being on disk, while all goes well.
    private let delay = DispatchTimeInterval.milliseconds(1000)

    init(pool: DatabasePool, memory: WriterMemory, recorder: Recorder) {
        self.pool = pool
        self.recorder = recorder
        self.memory = memory
    }

    /// Called after a commit that was not synced.
    func schedule() {
        let isFirst = state.withLock { state in
            defer { state.isScheduled = true }
            return !state.isScheduled && !state.isStopped
        }
        guard isFirst else { return }
        queue.asyncAfter(deadline: .now() + delay) { [weak self] in
            guard let self else { return }
            let goesOn = state.withLock { state in
                state.isScheduled = false
                return !state.isStopped
            }
            // A failure changes nothing: the rows' files stay in an epoch that the next start looks at.
            if goesOn { try? sync() }
        }
    }

    func stop() { state.withLock { $0.isStopped = true } }

    /// Every row committed so far is on disk when this returns.
    func sync() throws {
        try pool.writeWithoutTransaction { db in
            try StudyIndex.inDurableTransaction(db, memory: memory) { db in
                // Files of the latest epoch may still be on their way to their rows, and so may those of earlier ones for
                // which the recorder owes; all others come in a durable transaction (`StudyIndex.commit`).
                let latest = try Int64.fetchOne(db, sql: "SELECT max(epoch) FROM instance") ?? 0
                let epoch = recorder.giveUp(latest - 1)
                try db.execute(
                    sql: "UPDATE node SET syncedEpoch = max(syncedEpoch, ?)", arguments: [epoch])
            }
            // Only now: before the commit a failure would leave it ahead of what is on disk.
            memory.syncedEpoch = nil
        }
    }
}

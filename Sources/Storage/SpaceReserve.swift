// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Dispatch
import Synchronization

/// Keeps part of the file system free: for results and the index, without which nothing that was received is of use, and
/// for what urgent peers send. The file system is asked every 100 ms at most; in between, what arrives is counted.
package final class SpaceReserve: Sendable {
    private struct State {
        var free: Int64 = 0
        /// Monotonic nanoseconds; nil before the first look.
        var lookedAt: UInt64?
        /// Bytes that came after the look.
        var arrived: Int64 = 0
        /// Instances under way: a part of each is in memory only, and free space does not tell of it.
        var open: Int64 = 0
    }

    static let interval: UInt64 = 100_000_000

    /// 0: none is kept.
    package let bytes: Int64
    private let free: @Sendable () throws(StorageError) -> Int64
    private let clock: @Sendable () -> UInt64
    private let state = Mutex(State())

    package init(
        bytes: Int64, clock: @escaping @Sendable () -> UInt64 = { DispatchTime.now().uptimeNanoseconds },
        free: @escaping @Sendable () throws(StorageError) -> Int64
    ) {
        self.bytes = bytes
        self.clock = clock
        self.free = free
    }

    /// What an instance may still use of the file system; nil where the next one must wait for space. Where the file system does
    /// not tell, the write itself will.
    package func claim(isUrgent: Bool) -> Claim? {
        let isOpen = state.withLock { state in
            guard left(&state) - Int64(BufferPool.size) >= floor(isUrgent: isUrgent) else { return false }
            state.open += 1
            return true
        }
        return isOpen ? Claim(self, isUrgent: isUrgent) : nil
    }

    /// Whether the next instance of a peer that is not urgent is refused; by the last look, or a new one.
    package var isUsed: Bool { state.withLock { left(&$0) - Int64(BufferPool.size) < floor(isUrgent: false) } }

    /// The urgent may use half of the reserve.
    private func floor(isUrgent: Bool) -> Int64 { isUrgent ? bytes / 2 : bytes }

    /// Free bytes, less those that are on their way to the disk.
    private func left(_ state: inout State) -> Int64 {
        guard bytes > 0 else { return .max }
        let now = clock()
        if state.lookedAt.map({ now - $0 >= Self.interval }) ?? true {
            guard let free = try? free() else { return .max }
            state.free = free
            state.lookedAt = now
            state.arrived = 0
        }
        return state.free - state.arrived - state.open * Int64(BufferPool.size)
    }

    /// One instance that is being received. Given back when it goes.
    package final class Claim: Sendable {
        private let reserve: SpaceReserve
        private let isUrgent: Bool

        fileprivate init(_ reserve: SpaceReserve, isUrgent: Bool) {
            self.reserve = reserve
            self.isUrgent = isUrgent
        }

        deinit { reserve.state.withLock { $0.open -= 1 } }

        /// Nobody knows the size of an instance before its end: one that was begun may go half as deep as where none is begun
        /// any more. False where it would go deeper.
        package func mayGrow(by count: Int) -> Bool {
            reserve.state.withLock { state in
                guard reserve.left(&state) - Int64(count) >= reserve.floor(isUrgent: isUrgent) / 2 else { return false }
                state.arrived += Int64(count)
                return true
            }
        }
    }
}

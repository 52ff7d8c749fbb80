// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Index
import Logging
import Storage
import Synchronization

/// Says how full the store is and when it will be, in the log when that changes, and to whoever asks.
final class DiskWatch: Sendable {
    struct Status: Sendable, Equatable {
        /// Nil where the file system does not tell.
        var freeBytes: Int64?
        var reserveBytes: Int64
        /// Instances of peers that are not urgent are refused.
        var isReserveUsed: Bool
        /// Until the reserve is reached at the rate of the last week; nil where there is no rate.
        var daysLeft: Double?
        /// Studies expire before the reserve is reached, so that days left are no alarm.
        var mayExpire = false

        /// For the page; empty where there is nothing to say.
        var notice: String {
            if isReserveUsed {
                return "The store is full: new studies are refused. \(words). Work from the PACS until space is free."
            }
            guard !mayExpire, let daysLeft, daysLeft < DiskWatch.warning else { return "" }
            let days = Int(daysLeft)
            return switch days {
            case 0: "The store is full in less than a day at the present rate."
            case 1: "The store is full in 1 day at the present rate."
            default: "The store is full in \(days) days at the present rate."
            }
        }

        /// What is wrong and what to do; empty where space is left.
        var reason: String {
            guard isReserveUsed else { return "" }
            return "\(words): C-STORE is refused with A700, from urgent peers below half of the reserve;"
                + " free space or enlarge the file system of the store"
        }

        private var words: String {
            let free = freeBytes.map { Self.gigabytes($0) } ?? "unknown"
            return "\(free) free, reserve \(Self.gigabytes(reserveBytes))"
        }

        /// GB of 10⁹ bytes.
        private static func gigabytes(_ bytes: Int64) -> String { String(format: "%.1f GB", Double(bytes) / 1e9) }
    }

    /// Days left from which on the page says so.
    static let warning = 7.0
    /// Between two readings of what was received, seconds.
    private static let period = 600.0

    private struct State {
        var rate = ReceptionRate()
        var lastRow: Int64 = 0
        var readAt = -Double.infinity
        var bytesPerDay: Double?
        var notice = ""
        var wasUsed = false
    }
    private let state = Mutex(State())
    private let index: StudyIndex
    private let store: InstanceStore
    private let reserve: SpaceReserve
    private let mayExpire: Bool
    private let logger: Logger
    private let breathe: @Sendable () -> Void
    private let changed: @Sendable () -> Void

    /// - Parameter changed: what the page says has changed.
    init(
        index: StudyIndex, store: InstanceStore, reserve: SpaceReserve, mayExpire: Bool, logger: Logger,
        breathe: @escaping @Sendable () -> Void, changed: @escaping @Sendable () -> Void
    ) {
        self.index = index
        self.store = store
        self.reserve = reserve
        self.mayExpire = mayExpire
        self.logger = logger
        self.breathe = breathe
        self.changed = changed
    }

    var status: Status { status(state.withLock { $0.bytesPerDay }) }

    private func status(_ bytesPerDay: Double?) -> Status {
        let free = try? store.freeBytes()
        var daysLeft: Double?
        if let free, let bytesPerDay, bytesPerDay > 0 { daysLeft = Double(max(0, free - reserve.bytes)) / bytesPerDay }
        return Status(
            freeBytes: free, reserveBytes: reserve.bytes, isReserveUsed: reserve.isUsed, daysLeft: daysLeft,
            mayExpire: mayExpire)
    }

    /// What the page says, as of the last turn.
    var notice: String { state.withLock { $0.notice } }

    /// One look; gives the seconds to the next.
    func turn() throws -> Double {
        try readRate()
        let status = status
        let (isNew, turned) = state.withLock { state in
            defer {
                state.notice = status.notice
                state.wasUsed = status.isReserveUsed
            }
            return (state.notice != status.notice, state.wasUsed != status.isReserveUsed)
        }
        if turned, status.isReserveUsed { logger.error("\(status.reason)") }
        if turned, !status.isReserveUsed { logger.notice("there is space again: C-STORE is accepted") }
        if isNew { changed() }
        return 1
    }

    private func readRate() throws {
        let time = MonotonicTime.now.seconds
        var (rate, last, readAt) = state.withLock { ($0.rate, $0.lastRow, $0.readAt) }
        guard time - readAt >= Self.period else { return }
        let now = Int64(Date().timeIntervalSince1970 * 1000)
        last = try index.addReceptions(to: &rate, after: last, now: now, breathe: breathe)
        let bytesPerDay = rate.bytesPerDay(now: now)
        state.withLock {
            ($0.rate, $0.lastRow, $0.readAt, $0.bytesPerDay) = (rate, last, time, bytesPerDay)
        }
    }
}

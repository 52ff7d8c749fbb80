// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc
import Synchronization

/// The connections that are open, their number bounded, so that they can be counted, waited for and cut.
///
/// Two floods are kept apart from whoever matters. Of half-open connections one address may hold a part, and those of urgent
/// peers' addresses are the last to be cut; of associations the last places are for urgent peers.
final class Connections: Sendable {
    struct Bounds: Sendable {
        var associations: Int
        /// Of `associations`, for urgent peers only.
        var urgentReserve: Int
        var halfOpen: Int
        var halfOpenPerAddress: Int
    }

    private struct Entry {
        var descriptor: Int32
        var address: String
        var isUrgent: Bool
        var peer: AETitle?
        var isEstablished = false
        var isStopped = false
    }

    private struct State {
        /// Keys ascend with time.
        var entries: [UInt64: Entry] = [:]
        /// Threads that have not ended, whether their connection is still entered or not, with the peer's address.
        var threads: [UInt64: String] = [:]
        var isClosing = false

        var established: some Collection<Entry> { entries.values.lazy.filter(\.isEstablished) }
    }

    private let state = Monitor(State())
    private let limits: Bounds
    private static let lastID = Atomic<UInt64>(0)

    init(_ limits: Bounds) { self.limits = limits }

    /// Enters a connection whose thread is about to start; nil where there are too many. Where too many are half-open, the one
    /// that has waited longest is cut: a request arrives at once from a peer that means it.
    func enter(_ descriptor: Int32, from address: String, isUrgent: Bool) -> UInt64? {
        let id = Self.lastID.wrappingAdd(1, ordering: .relaxed).newValue
        return state.withLock { state -> UInt64? in
            // Those that were cut or refused need a moment to end.
            let ceiling = limits.associations + limits.halfOpen * (isUrgent ? 3 : 2)
            let unestablished = state.threads.count { other, itsAddress in
                itsAddress == address && state.entries[other]?.isEstablished != true
            }
            guard !state.isClosing, state.threads.count < ceiling, unestablished < 2 * limits.halfOpenPerAddress else {
                return nil
            }
            let halfOpen = state.entries.filter { !$0.value.isEstablished }
            let ofAddress = halfOpen.filter { $0.value.address == address }
            if ofAddress.count >= limits.halfOpenPerAddress {
                Self.cut(ofAddress.keys.min(), &state)
            } else if halfOpen.count >= limits.halfOpen {
                let routine = halfOpen.filter { !$0.value.isUrgent }
                guard isUrgent || !routine.isEmpty else { return nil }
                Self.cut(routine.keys.min() ?? halfOpen.keys.min(), &state)
            }
            state.entries[id] = Entry(descriptor: descriptor, address: address, isUrgent: isUrgent)
            state.threads[id] = address
            return id
        }
    }

    private static func cut(_ id: UInt64?, _ state: inout State) {
        guard let id, let entry = state.entries.removeValue(forKey: id) else { return }
        shutdown(entry.descriptor, Int32(SHUT_RDWR))
    }

    /// False once the connection was cut.
    func isEntered(_ id: UInt64) -> Bool { state.withLock { $0.entries[id] != nil } }

    /// Why there is no place for one more association.
    enum Denial: Error, Equatable {
        case cut
        case ofPeer(Int)
        case full(Int)
        case reserved(open: Int, reserve: Int)

        var words: String {
            switch self {
            case .cut: "the node stops, or more peers than it can serve came at once"
            case .ofPeer(let limit): "\(limit) associations of this peer are open already"
            case .full(let limit): "\(limit) associations are open already"
            case .reserved(let open, let reserve):
                "\(open) associations are open already, and the last \(reserve) places are for urgent peers"
            }
        }
    }

    /// Takes one of the places for associations.
    func establish(_ id: UInt64, for peer: KnownPeer?) throws(Denial) {
        let limits = limits
        let result = state.withLock { state -> Result<Void, Denial> in
            guard !state.isClosing, state.entries[id] != nil else { return .failure(.cut) }
            let open = state.established.count
            if let peer, let limit = peer.maximumAssociations,
                state.established.count(where: { $0.peer == peer.aeTitle }) >= limit
            {
                return .failure(.ofPeer(limit))
            }
            guard open < limits.associations else { return .failure(.full(limits.associations)) }
            guard peer?.isUrgent == true || open < limits.associations - limits.urgentReserve else {
                return .failure(.reserved(open: open, reserve: limits.urgentReserve))
            }
            state.entries[id]!.isEstablished = true
            state.entries[id]!.peer = peer?.aeTitle
            return .success(())
        }
        try result.get()
    }

    /// Gives the place back, before the descriptor is closed: from here on it is not touched.
    func leave(_ id: UInt64) { state.withLock { $0.entries[id] = nil } }

    /// The last thing that a connection's thread does.
    func threadEnded(_ id: UInt64) { state.withLock { $0.threads[id] = nil } }

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
        state.wait(until: deadline) { $0.threads.isEmpty }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Synchronization

/// Which reports may still go over the association that they were asked for on. In memory: a restart ends all associations, and
/// then, as where a peer has released, the report takes an association of its own.
final class CommitmentDesk: Sendable {
    struct Key: Hashable, Sendable {
        var callingAETitle: AETitle
        var transactionUID: UID
    }

    private enum Place {
        /// The peer waits, or may wait, on this association.
        case expected(UInt64)
        case offered(UInt64, CommitmentReport, since: Double)
        /// The association's thread has it, and tells what came of it.
        case taken(UInt64, since: Double)
    }

    private let places = Mutex<[Key: Place]>([:])

    /// Seconds within which the association must have been silent for long enough to take a report, and have its response.
    static let patience = 15.0

    func expect(_ key: Key, on association: UInt64) { places.withLock { $0[key] = .expected(association) } }
    func forget(_ key: Key) { places.withLock { $0[key] = nil } }

    func isAwaited(on association: UInt64) -> Bool {
        places.withLock { $0.values.contains { Self.association(of: $0) == association } }
    }

    /// For the loop, with a report that is due: the seconds for which it is to be left to its association; nil where the report
    /// needs one of its own.
    func offer(_ report: CommitmentReport, _ key: Key, at now: Double) -> Double? {
        places.withLock { places in
            switch places[key] {
            case nil: return nil
            case .expected(let association):
                places[key] = .offered(association, report, since: now)
                return Self.patience
            case .offered(_, _, let since), .taken(_, let since):
                guard now - since < Self.patience else {
                    places[key] = nil
                    return nil
                }
                return since + Self.patience - now
            }
        }
    }

    /// For the association's thread.
    func take(on association: UInt64, at now: Double) -> CommitmentReport? {
        places.withLock { places in
            for (key, place) in places {
                guard case .offered(association, let report, _) = place else { continue }
                places[key] = .taken(association, since: now)
                return report
            }
            return nil
        }
    }

    /// The association is over: what waited for it is due at once.
    func close(_ association: UInt64) {
        places.withLock { places in places = places.filter { Self.association(of: $0.value) != association } }
    }

    private static func association(of place: Place) -> UInt64 {
        switch place {
        case .expected(let association), .offered(let association, _, _), .taken(let association, _): association
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// Delivery: what to do next with one object for one destination.
// Takes the outcome of the last attempt, how many there were and a monotonic time; gives the next step and the time for it.
// Keeps nothing.  Never gives up on an object because a destination is away, never calls an object delivered without
// naming the proof, and never reads a clock.

import DICOM

/// What is done with an object on an association to its destination. Stored by its name.
package enum Attempt: String, Sendable, Codable, CaseIterable {
    /// C-STORE of the stored bytes, unchanged.
    case send
    /// C-FIND for the SOP instance, because the response to the C-STORE was not seen.
    case lookUp
    /// C-FIND for the SOP instance, as the proof that the destination holds it.
    case confirm
    /// N-ACTION with a new Transaction UID, and waiting for its N-EVENT-REPORT.
    case commit
}

/// What came of one attempt. Strings are for the operator and hold no patient data.
package enum Outcome: Sendable, Equatable {
    case notConnected(String)
    /// A-ASSOCIATE-RJ (PS3.8 9.3.4).
    case rejected(isPermanent: Bool, words: String)
    /// The destination accepted the association and no presentation context for the attempt.
    case contextNotAccepted(String)
    /// The status of the response to a C-STORE, a C-FIND that failed, or an N-ACTION, with its Error Comment (0000,0902).
    case status(Status, comment: String)
    /// Something was sent and no answer came back.
    case responseUnseen(String)
    /// The destination agreed to report on a commitment, and has not in time.
    case reportUnseen(String)
    case found
    case notFound
    case committed
    /// Failure Reason (0008,1197) for this object.
    case notCommitted(Status)

    /// What the destination remarked on an object that it stored; to be kept with the delivery.
    package var warning: String? {
        guard case .status(let status, let comment) = self, case .warning(let words) = StoreStatus(status) else {
            return nil
        }
        return comment.isEmpty ? words : "\(words): \(comment)"
    }
}

/// What shows that a destination holds an object, from the strongest to the weakest.
package enum Proof: String, Sendable, Codable, CaseIterable {
    case commitment, query, status
}

/// Of one object to one destination. Stored and shown by its name.
package enum DeliveryState: String, Sendable, Codable, CaseIterable {
    case pending
    /// The destination answered with a success or a warning; nothing stronger is known.
    case sent
    /// The destination showed that it holds the object.
    case committed
    case failed
}

package enum Step: Sendable, Equatable {
    case attempt(Attempt, at: Double, reason: String)
    /// The destination owes an N-EVENT-REPORT; without one by then the outcome is `.reportUnseen` of `.commit`.
    case awaitCommitment(until: Double)
    case delivered(Proof)
    /// Nothing more happens until a person sends it again.
    case parked(reason: String)

    package var state: DeliveryState {
        switch self {
        case .attempt(.send, _, _), .attempt(.lookUp, _, _): .pending
        case .attempt(.confirm, _, _), .attempt(.commit, _, _), .awaitCommitment, .delivered(.status): .sent
        case .delivered(.commitment), .delivered(.query): .committed
        case .parked: .failed
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// How one destination is served.
package struct DeliveryPolicy: Sendable, Equatable {
    /// The strongest proof to ask for; where the peer does not offer it, the next weaker one is taken.
    package var proof: Proof
    /// Seconds before the second attempt; doubles each time up to `longestDelay`.
    package var firstDelay: Double
    package var longestDelay: Double
    /// Seconds to wait for an N-EVENT-REPORT.
    package var commitmentPatience: Double
    /// Attempts after which another way is tried: archives index what they took with some delay, and some promise an
    /// N-EVENT-REPORT that they cannot deliver.
    package var patience: Int

    package init(
        proof: Proof, firstDelay: Double = 15, longestDelay: Double = 900, commitmentPatience: Double = 300,
        patience: Int = 6
    ) {
        self.proof = proof
        self.firstDelay = firstDelay
        self.longestDelay = longestDelay
        self.commitmentPatience = commitmentPatience
        self.patience = patience
    }

    /// Seconds to wait after attempt number `attempts` (from 1). `jitter`, 0 to 1, spreads the second half of the delay, so
    /// that a destination that comes back is not met by everything at once.
    package func delay(attempts: Int, jitter: Double) -> Double {
        let doublings = min(max(attempts - 1, 0), 30)
        let full = min(firstDelay * Double(1 << doublings), longestDelay)
        return full * (0.5 + 0.5 * min(max(jitter, 0), 1))
    }

    /// What to do after `outcome` of `attempt`, which was number `attempts` (from 1, of all kinds) for this object and ended
    /// at the monotonic time `now`.
    package func next(
        after outcome: Outcome, of attempt: Attempt, attempts: Int, at now: Double, jitter: Double
    ) -> Step {
        let later = now + delay(attempts: attempts, jitter: jitter)
        switch outcome {
        case .notConnected(let words), .rejected(isPermanent: false, let words):
            return .attempt(attempt, at: later, reason: words)
        case .rejected(isPermanent: true, let words):
            // It concerns the association and not this object: an administrator mends it, and nothing waits for ever.
            return .attempt(attempt, at: now + delay(attempts: .max, jitter: jitter), reason: words)
        case .contextNotAccepted(let words):
            return notOffered(attempt, words: words, at: now, later: later)
        case .status(let status, let comment):
            let remark = comment.isEmpty ? "" : ": \(comment)"
            return after(status, remark: remark, of: attempt, at: now, later: later, isWorn: isWorn(attempts))
        case .responseUnseen(let words):
            switch attempt {
            case .send, .lookUp: return .attempt(.lookUp, at: later, reason: words)
            case .confirm: return .attempt(.confirm, at: later, reason: words)
            // Orthanc aborts at the N-ACTION of somebody whom it does not know. What it holds can be asked.
            case .commit: return .attempt(.confirm, at: now, reason: words)
            }
        case .reportUnseen(let words):
            return .attempt(isWorn(attempts) ? .confirm : .commit, at: later, reason: words)
        case .found:
            let asksMore = proof == .commitment && (attempt == .send || attempt == .lookUp)
            return asksMore ? .attempt(.commit, at: now, reason: "found") : .delivered(.query)
        case .notFound:
            if attempt == .confirm, !isWorn(attempts) {
                return .attempt(.confirm, at: later, reason: "stored, and not to be found yet")
            }
            return .attempt(.send, at: later, reason: "the destination does not have it")
        case .committed:
            return .delivered(.commitment)
        case .notCommitted(let reason):
            return afterFailureReason(reason, attempts: attempts, later: later)
        }
    }

    private func isWorn(_ attempts: Int) -> Bool { attempts.isMultiple(of: max(patience, 2)) }

    private func after(
        _ status: Status, remark: String, of attempt: Attempt, at now: Double, later: Double, isWorn: Bool
    ) -> Step {
        let answer = StoreStatus(status)
        let words = StoreStatus.words(for: status) + remark
        switch (attempt, answer) {
        case (.send, .success), (.send, .warning):
            switch proof {
            case .commitment: return .attempt(.commit, at: now, reason: "stored, \(words)")
            case .query: return .attempt(.confirm, at: now, reason: "stored, \(words)")
            case .status: return .delivered(.status)
            }
        case (.send, .alreadyThere): return .attempt(.lookUp, at: now, reason: words)
        case (.send, .transient): return .attempt(.send, at: later, reason: words)
        case (.send, .permanent): return .parked(reason: words)

        // A C-FIND that ended well without a match; callers say `.notFound`.
        case (.lookUp, .success), (.lookUp, .warning), (.confirm, .success), (.confirm, .warning):
            return .attempt(attempt == .confirm && !isWorn ? .confirm : .send, at: later, reason: "not found, \(words)")
        case (.lookUp, .transient), (.confirm, .transient):
            return isWorn
                ? notOffered(attempt, words: words, at: now, later: later) : .attempt(attempt, at: later, reason: words)
        case (.lookUp, _), (.confirm, _): return notOffered(attempt, words: words, at: now, later: later)

        case (.commit, .success), (.commit, .warning): return .awaitCommitment(until: now + commitmentPatience)
        case (.commit, .transient), (.commit, .alreadyThere):
            return .attempt(isWorn ? .confirm : .commit, at: later, reason: words)
        case (.commit, .permanent): return notOffered(attempt, words: words, at: now, later: later)
        }
    }

    /// The destination cannot do what was attempted: what is the next best?
    private func notOffered(_ attempt: Attempt, words: String, at now: Double, later: Double) -> Step {
        switch attempt {
        case .send: .parked(reason: words)
        case .lookUp: .attempt(.send, at: later, reason: "\(words); sending the same bytes again")
        case .confirm: .delivered(.status)
        case .commit: .attempt(.confirm, at: now, reason: words)
        }
    }

    /// Failure Reason (0008,1197), PS3.3 C.14: 0110, 0112, 0119, 0122, 0131, 0213.
    private func afterFailureReason(_ reason: Status, attempts: Int, later: Double) -> Step {
        let words = "not committed, \(StoreStatus.words(for: reason))"
        switch reason.rawValue {
        // It took it and lost it. Where it does so again and again, sending on would only load it.
        case 0x0112:
            return attempts < patience
                ? .attempt(.send, at: later, reason: words)
                : .parked(reason: "accepted and not kept, again and again: \(words)")
        case 0x0119: return .parked(reason: words)
        // It commits to no objects of this class; it may hold them all the same.
        case 0x0122: return .attempt(.confirm, at: later, reason: words)
        default: return .attempt(attempts < patience ? .commit : .confirm, at: later, reason: words)
        }
    }
}

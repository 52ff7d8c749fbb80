// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Delivery

private let policy = DeliveryPolicy(proof: .commitment)

private func next(
    _ outcome: Outcome, of attempt: Attempt = .send, attempts: Int = 1, proof: Proof = .commitment
) -> Step {
    DeliveryPolicy(proof: proof).next(after: outcome, of: attempt, attempts: attempts, at: 1000, jitter: 1)
}

private func status(_ code: UInt16, _ comment: String = "") -> Outcome {
    .status(Status(rawValue: code), comment: comment)
}

@Suite struct BackOffTests {
    @Test(
        "the delay doubles from 15 seconds to 15 minutes and no further",
        arguments: [(1, 15.0), (2, 30), (3, 60), (6, 480), (7, 900), (8, 900), (1_000_000, 900), (0, 15)])
    func delay(attempts: Int, seconds: Double) {
        #expect(policy.delay(attempts: attempts, jitter: 1) == seconds)
        #expect(policy.delay(attempts: attempts, jitter: 0) == seconds / 2)
    }

    @Test("a destination that is away is tried for ever", arguments: [1, 10, 100_000])
    func away(attempts: Int) {
        for outcome in [
            Outcome.notConnected("refused"), .rejected(isPermanent: false, words: "limit"), status(0xA700),
            status(0x0110), status(0x0213),
        ] {
            guard case .attempt(.send, at: let time, _) = next(outcome, attempts: attempts) else {
                Issue.record("gave up after \(outcome)")
                continue
            }
            #expect(time == 1000 + policy.delay(attempts: attempts, jitter: 1))
        }
    }

    @Test("an association that is rejected for good waits the longest time, and waits for ever")
    func rejected() {
        #expect(
            next(.rejected(isPermanent: true, words: "calling AE title not recognized"))
                == .attempt(.send, at: 1900, reason: "calling AE title not recognized"))
    }
}

@Suite struct StoreOutcomeTests {
    static let statuses: [(UInt16, StoreStatus)] = [
        (0x0000, .success), (0xB000, .warning("B000 coercion of data elements")),
        (0xB006, .warning("B006 elements discarded")),
        (0xB007, .warning("B007 data set does not match SOP class, stored nevertheless")), (0x0111, .alreadyThere),
        (0xA700, .transient("A700 out of resources")), (0xA702, .transient("A702 out of resources")),
        (0x0110, .transient("0110 processing failure")), (0xA900, .permanent("A900 data set does not match SOP class")),
        (0xC000, .permanent("C000 cannot understand")), (0xCFFF, .permanent("CFFF cannot understand")),
        (0x0122, .permanent("0122 SOP class not supported")), (0x0124, .permanent("0124 not authorized")),
        (0xFF00, .transient("FF00 status outside the standard")),
        (0x1234, .transient("1234 status outside the standard")),
    ]

    @Test("each status of a C-STORE response has its meaning", arguments: statuses)
    func meaning(code: UInt16, expected: StoreStatus) {
        #expect(StoreStatus(Status(rawValue: code)) == expected)
    }

    @Test("no status of the 65,536 throws an object away silently")
    func every() {
        for code in UInt16.min...UInt16.max {
            switch next(status(code), proof: .status) {
            case .delivered(let proof):
                #expect(proof == .status)
                #expect([.success, .warning].contains(Status(rawValue: code).category))
            case .parked(let reason): #expect(!reason.isEmpty)
            case .attempt, .awaitCommitment: break
            }
        }
    }

    @Test("a refusal of the object parks it with the reason and the destination's comment")
    func parked() {
        #expect(next(status(0xC000, "bad group length")) == .parked(reason: "C000 cannot understand: bad group length"))
        #expect(
            next(.contextNotAccepted("no context for Segmentation")) == .parked(reason: "no context for Segmentation"))
    }

    @Test("a warning is a delivery, and the warning is kept")
    func warning() {
        #expect(next(status(0xB000), proof: .status) == .delivered(.status))
        #expect(status(0xB000, "patient ID").warning == "B000 coercion of data elements: patient ID")
        #expect(status(0x0000).warning == nil)
    }

    @Test("a success asks for the strongest proof that the destination gives")
    func proof() {
        #expect(next(status(0), proof: .status) == .delivered(.status))
        #expect(next(status(0), proof: .query) == .attempt(.confirm, at: 1000, reason: "stored, 0000 success"))
        #expect(next(status(0), proof: .commitment) == .attempt(.commit, at: 1000, reason: "stored, 0000 success"))
    }

    @Test("a response that was not seen is looked up before anything is sent again")
    func unseen() {
        #expect(next(.responseUnseen("timeout")) == .attempt(.lookUp, at: 1015, reason: "timeout"))
        #expect(next(.notFound, of: .lookUp) == .attempt(.send, at: 1015, reason: "the destination does not have it"))
        #expect(next(.found, of: .lookUp) == .attempt(.commit, at: 1000, reason: "found"))
        #expect(next(.found, of: .lookUp, proof: .query) == .delivered(.query))
        #expect(
            next(.contextNotAccepted("no query"), of: .lookUp)
                == .attempt(.send, at: 1015, reason: "no query; sending the same bytes again"))
    }
}

@Suite struct ProofTests {
    @Test("a destination that cannot be reached is asked the same again", arguments: Attempt.allCases)
    func same(attempt: Attempt) {
        #expect(next(.notConnected("refused"), of: attempt) == .attempt(attempt, at: 1015, reason: "refused"))
    }

    @Test("without storage commitment it is looked up, and without that the status counts")
    func fallback() {
        #expect(
            next(.contextNotAccepted("no commitment"), of: .commit)
                == .attempt(.confirm, at: 1000, reason: "no commitment"))
        #expect(next(.found, of: .confirm) == .delivered(.query))
        #expect(next(.contextNotAccepted("no query"), of: .confirm) == .delivered(.status))
    }

    @Test("an accepted request waits for the event report, and asks again without one")
    func waits() {
        #expect(next(status(0), of: .commit) == .awaitCommitment(until: 1300))
        #expect(
            next(.reportUnseen("no event report"), of: .commit)
                == .attempt(.commit, at: 1015, reason: "no event report"))
        #expect(
            next(.reportUnseen("no event report"), of: .commit, attempts: 6)
                == .attempt(.confirm, at: 1480, reason: "no event report"))
        // The N-ACTION itself went unanswered.
        #expect(next(.responseUnseen("aborted"), of: .commit) == .attempt(.confirm, at: 1000, reason: "aborted"))
    }

    @Test("an event report counts whenever it comes", arguments: Attempt.allCases)
    func committed(attempt: Attempt) {
        #expect(next(.committed, of: attempt) == .delivered(.commitment))
    }

    @Test("an object that the destination says it does not have is sent again")
    func notCommitted() {
        #expect(
            next(.notCommitted(Status(rawValue: 0x0112)), of: .commit)
                == .attempt(.send, at: 1015, reason: "not committed, 0112 no such object instance"))
        #expect(
            next(.notCommitted(Status(rawValue: 0x0110)), of: .commit)
                == .attempt(.commit, at: 1015, reason: "not committed, 0110 processing failure"))
    }

    @Test("one that loses it again and again is not sent it for ever; one that cannot say is asked by a query")
    func losesAgain() {
        guard case .parked(let reason) = next(.notCommitted(Status(rawValue: 0x0112)), of: .commit, attempts: 6) else {
            Issue.record("sent again")
            return
        }
        #expect(reason.contains("0112"))
        #expect(
            next(.notCommitted(Status(rawValue: 0x0110)), of: .commit, attempts: 6)
                == .attempt(.confirm, at: 1480, reason: "not committed, 0110 processing failure"))
    }

    @Test("what was stored and is not found at once is not sent again at once")
    func slowIndex() {
        #expect(
            next(.notFound, of: .confirm, attempts: 2)
                == .attempt(.confirm, at: 1030, reason: "stored, and not to be found yet"))
        #expect(
            next(.notFound, of: .confirm, attempts: 6)
                == .attempt(.send, at: 1480, reason: "the destination does not have it"))
    }

    @Test(
        "whatever a destination answers, it never spins and comes to an end or to a later time",
        arguments: Proof.allCases)
    func neverSpins(proof: Proof) {
        let answers: [Outcome] = [
            .found, .notFound, .contextNotAccepted("x"), status(0), status(0x0122), status(0x0111), status(0xA700),
            .responseUnseen("x"), .reportUnseen("x"), .notCommitted(Status(rawValue: 0x0122)),
        ]
        for store in answers {
            for query in answers {
                for commit in answers {
                    var attempt = Attempt.send
                    var now = 0.0
                    var atOnce = 0
                    for attempts in 1...50 {
                        let outcome = attempt == .send ? store : attempt == .commit ? commit : query
                        switch DeliveryPolicy(proof: proof).next(
                            after: outcome, of: attempt, attempts: attempts, at: now, jitter: 0)
                        {
                        case .attempt(let next, at: let time, _):
                            atOnce = time > now ? 0 : atOnce + 1
                            (attempt, now) = (next, time)
                        case .awaitCommitment(let until): (attempt, now, atOnce) = (.commit, until, 0)
                        case .delivered, .parked:
                            attempt = .send
                            atOnce = 0
                        }
                        #expect(atOnce < 4, "\(store) \(query) \(commit)")
                    }
                }
            }
        }
    }

    @Test("the worklist calls committed only what the destination showed to hold")
    func states() {
        #expect(Step.delivered(.commitment).state == .committed)
        #expect(Step.delivered(.query).state == .committed)
        #expect(Step.delivered(.status).state == .sent)
        #expect(Step.attempt(.send, at: 0, reason: "").state == .pending)
        #expect(Step.attempt(.lookUp, at: 0, reason: "").state == .pending)
        #expect(Step.attempt(.commit, at: 0, reason: "").state == .sent)
        #expect(Step.parked(reason: "").state == .failed)
    }
}

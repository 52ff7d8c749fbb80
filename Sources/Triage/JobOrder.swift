// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Which waiting job a free worker takes: the most urgent, and among equals who has waited longest.
///
/// Nobody starves: a job that has waited for `maximumWait` goes before more urgent ones, the longest wait first. Where more are
/// so late than a node can do, these would shut out whoever is urgent in turn; so after one that was let past somebody
/// more urgent, the next turn goes by urgency. A job is then begun, once it is late, after at most two turns for each job that
/// has waited longer, and one of its own.
package struct JobOrder: Sendable, Equatable {
    /// A job as the order sees it.
    package struct Candidate: Sendable, Equatable {
        /// Counts jobs in the order in which they were queued.
        package var number: Int64
        package var urgency: Urgency
        /// Seconds in the queue.
        package var waited: Double
        /// Bytes that the run may take.
        package var memory: Int
        /// Its package rests after a failure, or another run of the same package on the same series is under way.
        package var mayNotBegin: Bool

        package init(number: Int64, urgency: Urgency, waited: Double, memory: Int, mayNotBegin: Bool = false) {
            self.number = number
            self.urgency = urgency
            self.waited = waited
            self.memory = memory
            self.mayNotBegin = mayNotBegin
        }
    }

    /// Ordered: the greatest goes first.
    package struct Urgency: Sendable, Hashable, Comparable {
        /// What is known: the study's priority by what was found in it, or of the peer that sent it.
        package var known: Priority
        /// What may come of it: the highest priority that the package gives a finding.
        package var possible: Priority
        /// A provisional run only raises priorities, and nothing waits for a final one but the archive.
        package var isProvisional: Bool

        package init(known: Priority, possible: Priority, isProvisional: Bool) {
            self.known = known
            self.possible = possible
            self.isProvisional = isProvisional
        }

        package static func < (a: Urgency, b: Urgency) -> Bool {
            if a.known != b.known { return a.known < b.known }
            if a.possible != b.possible { return a.possible < b.possible }
            return !a.isProvisional && b.isProvisional
        }
    }

    package enum Choice: Sendable, Equatable {
        case begin(Candidate)
        /// It is this one's turn, and it needs more memory than is free now. What is behind it waits as well, or something
        /// smaller would always be there first.
        case waitForMemory(Candidate)
        case nothing
    }

    /// Seconds.
    package var maximumWait: Double
    /// The job begun last went before a more urgent one because it was late.
    package private(set) var hasLetLateOneBy = false

    package init(maximumWait: Double) { self.maximumWait = maximumWait }

    /// What to do with a free worker.
    ///
    /// - Parameter freeMemory: bytes. A job that needs more than the node has at all must not be among the candidates.
    package func choice(among candidates: [Candidate], freeMemory: Int) -> Choice {
        let ready = candidates.filter { !$0.mayNotBegin }
        guard let mostUrgent = ready.min(by: isBefore) else { return .nothing }
        var next = mostUrgent
        if !hasLetLateOneBy, let latest = latest(among: ready) { next = latest }
        return next.memory <= freeMemory ? .begin(next) : .waitForMemory(next)
    }

    /// To be told which job was begun, and among which.
    package mutating func began(_ job: Candidate, among candidates: [Candidate]) {
        let isPassed = candidates.contains { !$0.mayNotBegin && $0.urgency > job.urgency }
        hasLetLateOneBy = isPassed
    }

    private func latest(among ready: [Candidate]) -> Candidate? {
        ready.filter { $0.waited >= maximumWait }.min { ($1.waited, $0.number) < ($0.waited, $1.number) }
    }

    private func isBefore(_ a: Candidate, _ b: Candidate) -> Bool {
        if a.urgency != b.urgency { return a.urgency > b.urgency }
        if a.waited != b.waited { return a.waited > b.waited }
        return a.number < b.number
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Triage

private func job(
    _ number: Int64, _ known: Priority = .routine, possible: Priority = .routine, provisional: Bool = false,
    waited: Double = 0, memory: Int = 1, mayNotBegin: Bool = false
) -> JobOrder.Candidate {
    JobOrder.Candidate(
        number: number, urgency: .init(known: known, possible: possible, isProvisional: provisional), waited: waited,
        memory: memory, mayNotBegin: mayNotBegin)
}

@Suite("Which job goes first") struct JobOrderTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var jobs: [JobOrder.Candidate]
        /// Number of the job that is begun; nil where none is.
        var begun: Int64?
        var freeMemory = 10
    }

    static let table = [
        Case(testDescription: "nobody waits", jobs: [], begun: nil),
        Case(
            testDescription: "what is known goes before what is possible",
            jobs: [job(1, possible: .critical), job(2, .urgent)], begun: 2),
        Case(
            testDescription: "a study that is known to be critical goes before an urgent one",
            jobs: [job(1, .urgent, waited: 500), job(2, .critical)], begun: 2),
        Case(
            testDescription: "a package that may find something critical goes before one that cannot",
            jobs: [job(1, waited: 500), job(2, possible: .critical)], begun: 2),
        Case(
            testDescription: "a provisional run goes before a final one",
            jobs: [job(1, waited: 9), job(2, provisional: true)], begun: 2),
        Case(
            testDescription: "among equals the longest wait goes first", jobs: [job(1, waited: 3), job(2, waited: 4)],
            begun: 2),
        Case(testDescription: "among equal waits the first in the queue", jobs: [job(2), job(1)], begun: 1),
        Case(
            testDescription: "whoever is late goes before a critical one",
            jobs: [job(1, .critical), job(2, waited: 900)], begun: 2),
        Case(
            testDescription: "of those that are late the longest wait goes first, whatever its urgency",
            jobs: [job(1, .critical, waited: 1000), job(2, waited: 1001)], begun: 2),
        Case(
            testDescription: "a package that rests stands in nobody's way",
            jobs: [job(1, .critical, waited: 2000, mayNotBegin: true), job(2)], begun: 2),
        Case(
            testDescription: "what does not fit waits, and so does what is behind it",
            jobs: [job(1, .urgent, memory: 11), job(2, memory: 1)], begun: nil),
        Case(testDescription: "what just fits begins", jobs: [job(1, memory: 10)], begun: 1),
    ]

    @Test("The order by urgency, wait and memory", arguments: table)
    func order(_ row: Case) {
        let choice = JobOrder(maximumWait: 900).choice(among: row.jobs, freeMemory: row.freeMemory)
        if case .begin(let chosen) = choice {
            #expect(chosen.number == row.begun)
        } else {
            #expect(row.begun == nil)
        }
    }

    @Test("Late jobs take turns with more urgent ones")
    func turns() {
        var order = JobOrder(maximumWait: 900)
        var jobs = [
            job(1, waited: 1000), job(2, waited: 999), job(3, .critical), job(4, .critical), job(5, .critical),
        ]
        var begun: [Int64] = []
        while case .begin(let chosen) = order.choice(among: jobs, freeMemory: 10) {
            order.began(chosen, among: jobs)
            jobs.removeAll { $0 == chosen }
            begun.append(chosen.number)
        }
        #expect(begun == [1, 3, 2, 4, 5])
    }

    @Test("A late job that nobody more urgent waits behind costs no turn")
    func freeTurn() {
        var order = JobOrder(maximumWait: 900)
        let first = job(1, waited: 1000)
        order.began(first, among: [first])
        #expect(
            order.choice(among: [job(2, waited: 950), job(3, .critical)], freeMemory: 1) == .begin(job(2, waited: 950)))
    }
}

@Suite("How long a package rests") struct RestTests {
    @Test("Longer with every failure, a minute at most, and not at all after a success")
    func doubling() {
        var rest = Rest()
        #expect(!rest.isResting(at: 0))
        var pauses: [Double] = []
        for _ in 0..<40 {
            rest.failed(at: 100)
            pauses.append(rest.until - 100)
        }
        #expect(pauses.prefix(7) == [2, 4, 8, 16, 32, 60, 60] && pauses.last == 60)
        #expect(rest.isResting(at: 159) && !rest.isResting(at: 160))
        rest.succeeded()
        #expect(!rest.isResting(at: 100))
    }
}

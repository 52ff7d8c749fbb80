// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Triage

/// One worker, arrivals and services drawn from a seed; no clock is read.
private struct Simulation {
    struct Arrival {
        var at: Double
        var priority: Priority
        var service: Double
    }
    struct Begun {
        var priority: Priority
        var waited: Double
        /// Jobs that were late when this one became late.
        var lateBefore: Int
    }

    /// xorshift64*: the same on every machine.
    struct Random {
        var state: UInt64
        mutating func unit() -> Double {
            state ^= state >> 12
            state ^= state << 25
            state ^= state >> 27
            return (Double((state &* 2_685_821_657_736_338_717) >> 11) + 0.5) / 9_007_199_254_740_992
        }
        mutating func exponential(mean: Double) -> Double { -mean * Foundation.log(unit()) }
    }

    static func arrivals(
        _ count: Int, seed: UInt64, load: Double, urgentPart: Double, service: (inout Random) -> Double, mean: Double
    ) -> [Arrival] {
        var random = Random(state: seed)
        var now = 0.0
        return (0..<count).map { _ in
            now += random.exponential(mean: mean / load)
            return Arrival(
                at: now, priority: random.unit() < urgentPart ? .critical : .routine, service: service(&random))
        }
    }

    static func run(_ arrivals: [Arrival], _ order: JobOrder) -> [Begun] {
        var order = order
        var waiting: [(number: Int, lateBefore: Int?)] = []
        var next = 0
        var now = 0.0
        var begun: [Begun] = []
        /// Longest waits first: who is late is late in the order of arrival.
        func note() {
            var late = waiting.filter { $0.lateBefore != nil }.count
            for index in waiting.indices where waiting[index].lateBefore == nil {
                guard now - arrivals[waiting[index].number].at >= order.maximumWait else { continue }
                waiting[index].lateBefore = late
                late += 1
            }
        }
        while begun.count < arrivals.count {
            while next < arrivals.count, arrivals[next].at <= now {
                waiting.append((next, nil))
                next += 1
            }
            guard !waiting.isEmpty else {
                now = arrivals[next].at
                continue
            }
            note()
            let candidates = waiting.map {
                JobOrder.Candidate(
                    number: Int64($0.number),
                    urgency: .init(known: arrivals[$0.number].priority, possible: .routine, isProvisional: false),
                    waited: now - arrivals[$0.number].at, memory: 0)
            }
            guard case .begin(let chosen) = order.choice(among: candidates, freeMemory: 0) else { break }
            order.began(chosen, among: candidates)
            let place = waiting.firstIndex { $0.number == Int(chosen.number) }!
            begun.append(
                Begun(
                    priority: chosen.urgency.known, waited: chosen.waited, lateBefore: waiting[place].lateBefore ?? 0))
            waiting.remove(at: place)
            now += arrivals[Int(chosen.number)].service
        }
        return begun
    }

    static func mean(_ begun: [Begun], _ priority: Priority) -> Double {
        let waits = begun.filter { $0.priority == priority }.map(\.waited)
        return waits.reduce(0, +) / Double(waits.count)
    }
}

@Suite("The order over a long time") struct JobSimulationTests {
    static let service = 30.0

    @Test("No routine job waits beyond the bound, however many urgent ones come", arguments: 1...8)
    func bound(seed: Int) {
        // More than the node can do, nearly all of it urgent.
        let arrivals = Simulation.arrivals(
            3000, seed: UInt64(seed), load: 1.05, urgentPart: 0.9, service: { _ in Self.service }, mean: Self.service)
        let bounded = Simulation.run(arrivals, JobOrder(maximumWait: 900))
        #expect(bounded.count == arrivals.count)
        for job in bounded where job.priority == .routine && job.waited >= 900 {
            // The service under way, and two turns for each that is late before it, and one that was not its own.
            let bound = 900 + Self.service * Double(2 * job.lateBefore + 2)
            #expect(job.waited <= bound, "\(job)")
        }
        // Without the bound they starve, or the test shows nothing.
        let unbounded = Simulation.run(arrivals, JobOrder(maximumWait: .infinity))
        func longest(_ begun: [Simulation.Begun]) -> Double {
            begun.filter { $0.priority == .routine }.map(\.waited).max() ?? 0
        }
        #expect(longest(unbounded) > 2 * longest(bounded), "\(longest(unbounded)) s, bounded \(longest(bounded)) s")
    }

    @Test("In a node that keeps up, urgent jobs overtake and routine ones keep to the bound")
    func overtaking() {
        let arrivals = Simulation.arrivals(
            20_000, seed: 5, load: 0.8, urgentPart: 0.1, service: { _ in Self.service }, mean: Self.service)
        let begun = Simulation.run(arrivals, JobOrder(maximumWait: 900))
        let urgent = Simulation.mean(begun, .critical)
        let routine = Simulation.mean(begun, .routine)
        #expect(urgent < Self.service && routine > 2 * urgent, "urgent \(urgent) s, routine \(routine) s")
        #expect(begun.filter { $0.waited > 900 + 2 * Self.service }.isEmpty)
    }

    /// A. Cobham, Priority assignment in waiting line problems, Operations Research 2 (1954): without preemption, with
    /// exponential services of mean S, W₁ = ρS/(1 − ρ₁) and W₂ = ρS/((1 − ρ₁)(1 − ρ)).
    @Test("Without a bound the waits are those of the theory of two priorities", arguments: [0.1, 0.3, 0.5])
    func cobham(urgentPart: Double) {
        let load = 0.8
        var urgent: [Double] = []
        var routine: [Double] = []
        for seed in 1...10 {
            let arrivals = Simulation.arrivals(
                20_000, seed: UInt64(seed * 7919), load: load, urgentPart: urgentPart,
                service: { $0.exponential(mean: Self.service) }, mean: Self.service)
            let begun = Simulation.run(arrivals, JobOrder(maximumWait: .infinity))
            urgent.append(Simulation.mean(begun, .critical))
            routine.append(Simulation.mean(begun, .routine))
        }
        let first = 1 - load * urgentPart
        expect(urgent, is: load * Self.service / first)
        expect(routine, is: load * Self.service / (first * (1 - load)))
    }

    /// Within three standard errors of the mean over the seeds.
    private func expect(_ means: [Double], is theory: Double) {
        let count = Double(means.count)
        let mean = means.reduce(0, +) / count
        let variance = means.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / (count - 1)
        let error = (variance / count).squareRoot()
        #expect(abs(mean - theory) <= 3 * error, "\(mean) s ± \(error), by theory \(theory) s")
        #expect(error < 0.1 * theory)
    }
}

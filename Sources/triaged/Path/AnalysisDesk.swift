// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Inference
import Models
import Storage
import Synchronization
import Triage

/// What the workers' loops share: who takes which job, how much memory is spoken for, which packages rest. Any thread may ask.
final class AnalysisDesk: Sendable {
    enum Turn {
        /// The attempt is begun; to be given back with `ended`.
        case job(Job, package: ModelPackage)
        /// The attempt is begun, and ends at once: the job cannot run.
        case impossible(Job, JobOutcome)
        /// Nothing may begin for so many seconds, unless something happens.
        case pause(Double)
    }

    private struct State {
        var order: JobOrder
        var freeMemory: Int
        /// By the job that has it.
        var running: [JobID: (key: RunKey, memory: Int, server: String?)] = [:]
        var rests: [ModelIdentity: Rest] = [:]
        var comparisons: Set<Int64> = []
        /// Comparisons under which a worker has died once.
        var lostComparisons: Set<Int64> = []
    }

    /// One run of a package on a series at a time: the final run may take over what the provisional one finds.
    private struct RunKey: Hashable {
        var series: SeriesID
        var model: ModelIdentity
    }

    private let index: StudyIndex
    private let packages: [ModelIdentity: ModelPackage]
    private let configuration: Configuration
    private let state: Mutex<State>
    /// Where workers write.
    let workDirectory: String
    let provisional = ProvisionalOutcomes()

    /// - Parameter packages: those that may run.
    init(index: StudyIndex, store: InstanceStore, packages: [ModelPackage], configuration: Configuration) throws {
        self.index = index
        self.packages = Dictionary(packages.map { ($0.identity, $0) }, uniquingKeysWith: { first, _ in first })
        self.configuration = configuration
        state = Mutex(
            State(order: JobOrder(maximumWait: configuration.maximumWait), freeMemory: configuration.inferenceMemory))
        // What an interrupted run left is made again. Its workers may outlive it by a moment and go on writing: into a folder
        // that is gone, not into that of the job's next attempt.
        try? FileManager.default.removeItem(atPath: store.directory + "/work")
        workDirectory = "\(store.directory)/work/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: workDirectory, withIntermediateDirectories: true)
    }

    /// Why the package can never run here; nil where it can.
    static func refusal(of package: ModelPackage, memory: Int) -> String? {
        guard package.memory > memory else { return nil }
        return
            "the package may need \(package.memory >> 20) MiB, and models.memory is \(memory >> 20) MiB"
    }

    func next() throws -> Turn {
        try state.withLock { state throws in
            let now = MonotonicTime.now.seconds
            let waiting = try index.queue()
            // A job that never can run must not stand in anybody's way.
            for job in waiting {
                guard let outcome = impossibility(job) else { continue }
                guard try index.beginAttempt(job.id), let begun = try index.job(job.id) else { continue }
                return .impossible(begun, outcome)
            }
            let keys = Set(state.running.values.map(\.key))
            let candidates = waiting.map { job in
                JobOrder.Candidate(
                    number: job.id.rawValue, urgency: urgency(job), waited: job.waited,
                    memory: packages[job.model]?.memory ?? 0,
                    mayNotBegin: keys.contains(RunKey(series: job.series, model: job.model))
                        || state.rests[job.model]?.isResting(at: now) == true
                        || hasNoWorker(job.model, state))
            }
            // Alone it may always run: what does not fit at all has ended above.
            guard case .begin(let chosen) = state.order.choice(among: candidates, freeMemory: state.freeMemory) else {
                let rest = waiting.compactMap { state.rests[$0.model] }.filter { $0.isResting(at: now) }.map(\.until)
                    .min()
                return .pause(min(2, rest.map { $0 - now } ?? 2))
            }
            let id = JobID(rawValue: chosen.number)
            guard try index.beginAttempt(id), let job = try index.job(id), let package = packages[job.model] else {
                return .pause(0)
            }
            state.order.began(chosen, among: candidates)
            state.running[id] = (
                RunKey(series: job.series, model: job.model), chosen.memory,
                configuration.route(of: job.model.name)?.server.name
            )
            state.freeMemory -= chosen.memory
            return .job(job, package: package)
        }
    }

    /// The server that runs the package; nil where this node does.
    func route(of package: ModelPackage) -> ServerRoute? { configuration.route(of: package.identity.name) }

    /// The job no longer runs.
    func ended(_ job: JobID) {
        state.withLock { state in
            guard let memory = state.running.removeValue(forKey: job)?.memory else { return }
            state.freeMemory += memory
        }
    }

    /// The package's jobs wait for a while. Gives the seconds.
    func rest(_ model: ModelIdentity) -> Double {
        state.withLock { state in
            let now = MonotonicTime.now.seconds
            state.rests[model, default: Rest()].failed(at: now)
            return (state.rests[model]?.until ?? now) - now
        }
    }

    /// A run came to an outcome, if not a good one: nothing was wanting.
    func answered(_ model: ModelIdentity) { state.withLock { $0.rests[model] = nil } }

    /// Comparisons that no other loop has in hand. To be given back with `compared`.
    func comparisons() throws -> [PendingComparison] {
        try state.withLock { state throws in
            try index.pendingComparisons(limit: 16).filter { state.comparisons.insert($0.id).inserted }
        }
    }

    func compared(_ comparison: Int64) { state.withLock { _ = $0.comparisons.remove(comparison) } }

    /// A worker died under it for the first time.
    func isFirstLoss(_ comparison: Int64) -> Bool { state.withLock { $0.lostComparisons.insert(comparison).inserted } }

    /// Jobs that compute here and those of each server have workers of their own: whoever waits for a server that is slow or
    /// gone keeps nobody else waiting.
    private func hasNoWorker(_ model: ModelIdentity, _ state: State) -> Bool {
        let route = configuration.route(of: model.name)
        let underWay = state.running.values.count { $0.server == route?.server.name }
        return underWay >= route?.workers ?? configuration.workers
    }

    private func impossibility(_ job: WaitingJob) -> JobOutcome? {
        guard let package = packages[job.model] else {
            return .failed(reason: "package \(job.model.name) \(job.model.version) is no longer installed")
        }
        return Self.refusal(of: package, memory: configuration.inferenceMemory).map { .refused(reason: $0) }
    }

    private func urgency(_ job: WaitingJob) -> JobOrder.Urgency {
        let peer = job.callingAETitle.flatMap(AETitle.init).flatMap(configuration.peer(calling:))
        return JobOrder.Urgency(
            known: max(job.priority, peer?.isUrgent == true ? .urgent : .routine),
            possible: packages[job.model]?.highestPriority ?? .routine, isProvisional: job.run == .provisional)
    }
}

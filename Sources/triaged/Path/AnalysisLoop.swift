// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Index
import Logging
import Models
import Results
import Storage

/// Takes jobs from the desk to one worker, and what comes of them back to the index. Runs on one thread; there is one for each
/// worker.
final class AnalysisLoop {
    let index: StudyIndex
    let store: InstanceStore
    let desk: AnalysisDesk
    let worker: Worker
    let packages: [ModelPackage]
    let destinations: [Configuration.Destination]
    let equipment: Equipment
    let logger: Logger
    let counters: Counters
    /// Told after a job has ended: deliveries may be due, the series may need another look, and memory is free.
    let jobEnded: @Sendable () -> Void
    /// Gets the whole outcome of each final run that counts, with what the index does not keep.
    let analysed: (Job, AnalysisOutcome) -> Void
    let breathe: @Sendable () -> Void
    let shouldStop: @Sendable () -> Bool
    /// What the index said to the findings of the provisional run under way, once they are written down.
    var raised: FinishAnswer?
    /// When the last instance of the series under analysis came, on the clock of `MonotonicTime`; nil once it was counted.
    var lastInstance: Double?
    /// The job whose end is not written down yet: nobody else would ever take it up again.
    private var unsettled: JobID?

    /// How long a shutdown waits for a job under way, seconds; then it runs after the next start.
    static let patience = 20.0
    /// Added to a package's own time budget for reading, decoding and encoding, seconds.
    private static let overhead: Double = {
        #if DEBUG
            // For the test of a worker that hangs.
            if let seconds = ProcessInfo.processInfo.environment["TRIAGED_JOB_OVERHEAD"].flatMap(Double.init) {
                return seconds
            }
        #endif
        return 60
    }()

    init(
        index: StudyIndex, store: InstanceStore, desk: AnalysisDesk, worker: Worker, packages: [ModelPackage],
        configuration: Configuration, equipment: Equipment, logger: Logger, counters: Counters,
        breathe: @escaping @Sendable () -> Void, shouldStop: @escaping @Sendable () -> Bool = { false },
        analysed: @escaping (Job, AnalysisOutcome) -> Void = { _, _ in }, jobEnded: @escaping @Sendable () -> Void
    ) {
        self.index = index
        self.store = store
        self.desk = desk
        self.worker = worker
        self.packages = packages
        destinations = configuration.destinations
        self.equipment = equipment
        self.logger = logger
        self.counters = counters
        self.breathe = breathe
        self.shouldStop = shouldStop
        self.jobEnded = jobEnded
        self.analysed = analysed
    }

    /// Starts the worker with its models loaded, so that the first study does not wait for it.
    func warm() {
        do throws(WorkerError) {
            let runnable = packages.map(\.folder)
            try worker.warm(runnable)
            counters.worker(worker.number, isAlive: true, started: true)
        } catch {
            logger.error("\(error)")
            // A package that brings the worker down costs its own jobs their attempts, and nobody else's.
            var isAlive = false
            if case .died = error { isAlive = (try? worker.warm()) != nil }
            counters.worker(worker.number, isAlive: isAlive, started: isAlive)
        }
    }

    /// Does one piece of work; gives the seconds to wait when there is none.
    func turn() throws -> Double {
        if let end = worker.endedWhileIdle() {
            counters.worker(worker.number, isAlive: false)
            logger.error("the worker ended while it had nothing to do: \(end)")
        }
        if let job = unsettled {
            try index.returnToQueue(job)
            unsettled = nil
        }
        if worker.processID == nil { warm() }
        // Without a worker nothing is begun, and nothing blamed.
        guard worker.processID != nil else { return 5 }
        for comparison in try desk.comparisons() {
            defer { desk.compared(comparison.id) }
            try compare(comparison)
        }
        switch try desk.next() {
        case .pause(let seconds): return seconds
        case .impossible(let job, let outcome):
            unsettled = job.id
            _ = try index.finish(job.id, outcome)
            unsettled = nil
            logger.error("not analysed: \(outcome)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"])
            jobEnded()
            return 0
        case .job(let job, let package):
            unsettled = job.id
            defer { desk.ended(job.id) }
            return try perform(job, package)
        }
    }

    private func perform(_ job: Job, _ package: ModelPackage) throws -> Double {
        CrashPoint.reach(.jobStarted)
        do {
            let (outcome, directory) = try run(job, package)
            CrashPoint.reach(.outcomeReceived)
            try settle(job, outcome, in: directory)
        } catch let error as WorkerError {
            counters.worker(worker.number, isAlive: false)
            switch error {
            case .cannotStart(let reason):
                // Nobody's fault but the node's: no attempt is spent on the job.
                logger.error("the worker cannot be started: \(reason)")
                try index.returnToQueue(job.id)
                unsettled = nil
                return 5
            case .stopped:
                try index.returnToQueue(job.id)
                unsettled = nil
                return 0
            case .died(let reason): try lose(job, reason)
            }
        }
        unsettled = nil
        jobEnded()
        return 0
    }

    func stop() { worker.stop(within: 5) }

    /// One attempt is spent, and other packages' jobs go first for a while.
    func lose(_ job: Job, _ reason: String) throws {
        _ = desk.rest(job.model)
        let outcome = try index.attemptDied(job.id, reason: reason)
        logger.error(
            "analysis attempt lost: \(reason)",
            metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)", "outcome": "\(outcome)"])
    }

    // MARK: One job

    private func run(_ job: Job, _ package: ModelPackage) throws(WorkerError) -> (WorkerOutcome, directory: String) {
        raised = nil
        lastInstance = nil
        if job.run == .final, let kept = desk.provisional.take(for: job) { return (kept.outcome, kept.directory) }
        let directory = "\(desk.workDirectory)/\(job.id.rawValue)"
        let request: AnalysisJob
        do {
            if let refusal = try expired(job) { return (.refused(refusal), directory) }
            ProvisionalOutcomes.remove(directory)
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            request = try self.request(for: job, package: package, output: directory)
        } catch let error as IndexError where error.isTransient {
            throw .cannotStart("\(error)")
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw .cannotStart("no space for its results in \(desk.workDirectory)")
        } catch {
            return (.failed("the job cannot be prepared: \(error)"), directory)
        }
        let wasRunning = worker.processID
        let outcome = try worker.run(
            .analyse(request), budget: package.time + Self.overhead, breathe: breathe, shouldStop: shouldStop,
            // What it found may be written down already, and then its objects are still wanted. An index that cannot be asked
            // is no reason to stop.
            isWanted: { self.raised != nil || (try? self.index.isWanted(job.id)) ?? true },
            found: { if job.run == .provisional { raise(job, $0) } },
            progress: { self.logger.debug("\($0)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"]) })
        // A worker that did not stop in time is gone.
        let isAlive = worker.processID != nil
        counters.worker(worker.number, isAlive: isAlive, started: isAlive && wasRunning != worker.processID)
        return (outcome, directory)
    }

    // MARK: Copies in another transfer syntax

    private func compare(_ comparison: PendingComparison) throws {
        let verdict: ComparisonVerdict
        do {
            let a = try store.absolutePath(of: comparison.first)
            let b = try store.absolutePath(of: comparison.copy)
            switch try worker.run(.compare(a: a, b: b), budget: 120, breathe: breathe, progress: { _ in }) {
            case .compared(let same): verdict = same ? .samePixels : .otherPixels
            case .failed(let reason), .refused(let reason, _), .retry(let reason), .unavailable(let reason):
                verdict = .undecided(reason: reason)
            case .warmed, .analysed, .stopped: verdict = .undecided(reason: "the worker answered another question")
            }
        } catch let error as WorkerError {
            counters.worker(worker.number, isAlive: false)
            if case .died = error {} else { return }
            // As for a job: one more attempt, by a fresh worker, before a person has to look.
            if desk.isFirstLoss(comparison.id) { return }
            verdict = .undecided(reason: "\(error)")
        } catch {
            verdict = .undecided(reason: "\(error)")
        }
        try index.resolve(comparison, as: verdict)
        jobEnded()
    }
}

/// Lower-case hex.
func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation
import Index
import Logging
import Models
import Results
import Storage

/// Takes jobs from the index to the worker, and what comes of them back. Runs on one thread.
final class AnalysisLoop {
    private let index: StudyIndex
    private let store: InstanceStore
    private let worker: Worker
    private let packages: [ModelPackage]
    private let destinations: [Configuration.Destination]
    private let equipment: Equipment
    private let workDirectory: String
    private let logger: Logger
    private let counters: Counters
    /// Told after a job has ended: deliveries may be due, and the series may need another look.
    private let jobEnded: @Sendable () -> Void
    private let breathe: @Sendable () -> Void
    private let shouldStop: @Sendable () -> Bool
    /// Outcomes of provisional runs, which a final run over the same instances takes over (decision 8).
    private var provisional: [ProvisionalKey: Provisional] = [:]
    private var provisionalCount = 0
    /// What the index said to the findings of the provisional run under way, once they are written down.
    private var raised: FinishAnswer?
    /// When the last instance of the series under analysis came, on the clock of `MonotonicTime`; nil once it was counted.
    private var lastInstance: Double?
    /// The job whose end is not written down yet: nobody else would ever take it up again.
    private var unsettled: JobID?
    /// Comparisons under which a worker has died once.
    private var lostComparisons: Set<Int64> = []

    private struct ProvisionalKey: Hashable {
        var series: SeriesID
        var model: ModelIdentity
    }

    private struct Provisional {
        /// In the order of their outcomes.
        var number: Int
        var revision: Int64
        var directory: String
        var outcome: WorkerOutcome
    }

    /// How long a shutdown waits for a job under way, seconds; then it runs after the next start.
    static let patience = 20.0
    /// Provisional outcomes kept for final runs to come.
    private static let provisionalLimit = 64
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
        index: StudyIndex, store: InstanceStore, worker: Worker, packages: [ModelPackage], configuration: Configuration,
        equipment: Equipment, logger: Logger, counters: Counters, breathe: @escaping @Sendable () -> Void,
        shouldStop: @escaping @Sendable () -> Bool = { false }, jobEnded: @escaping @Sendable () -> Void
    ) throws {
        self.index = index
        self.store = store
        self.worker = worker
        self.packages = packages
        destinations = configuration.destinations
        self.equipment = equipment
        self.logger = logger
        self.counters = counters
        self.breathe = breathe
        self.shouldStop = shouldStop
        self.jobEnded = jobEnded
        // What an interrupted run left is made again. Its worker may outlive it by a moment and go on writing: into a folder
        // that is gone, not into that of the job's next attempt.
        try? FileManager.default.removeItem(atPath: store.directory + "/work")
        workDirectory = "\(store.directory)/work/\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: workDirectory, withIntermediateDirectories: true)
    }

    /// Starts the worker with its models loaded, so that the first study does not wait for it.
    func warm() {
        do throws(WorkerError) {
            let runnable = packages.map(\.folder)
            try worker.warm(runnable)
            counters.worker(isAlive: true, started: true)
        } catch {
            logger.error("\(error)")
            // A package that brings the worker down costs its own jobs their attempts, and nobody else's.
            var isAlive = false
            if case .died = error { isAlive = (try? worker.warm()) != nil }
            counters.worker(isAlive: isAlive, started: isAlive)
        }
    }

    /// Does one piece of work; gives the seconds to wait when there is none.
    func turn() throws -> Double {
        if let end = worker.endedWhileIdle() {
            counters.worker(isAlive: false)
            logger.error("the worker ended while it had nothing to do: \(end)")
        }
        if let job = unsettled {
            try index.returnToQueue(job)
            unsettled = nil
        }
        if worker.processID == nil { warm() }
        // Without a worker nothing is begun, and nothing blamed.
        guard worker.processID != nil else { return 5 }
        for comparison in try index.pendingComparisons(limit: 16) { try compare(comparison) }
        guard let job = try index.nextJob() else { return 2 }
        guard try index.beginAttempt(job.id) else { return 0 }
        unsettled = job.id
        CrashPoint.reach(.jobStarted)
        do {
            let (outcome, directory) = try run(job)
            CrashPoint.reach(.outcomeReceived)
            try settle(job, outcome, in: directory)
        } catch let error as WorkerError {
            counters.worker(isAlive: false)
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
            case .died(let reason):
                let outcome = try index.attemptDied(job.id, reason: reason)
                logger.error(
                    "analysis attempt lost: \(reason)",
                    metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)", "outcome": "\(outcome)"])
            }
        }
        unsettled = nil
        jobEnded()
        return 0
    }

    func stop() { worker.stop(within: 5) }

    // MARK: One job

    private func run(_ job: Job) throws(WorkerError) -> (WorkerOutcome, directory: String) {
        raised = nil
        lastInstance = nil
        let key = ProvisionalKey(series: job.series, model: job.model)
        if job.run == .final, let kept = provisional.removeValue(forKey: key) {
            if kept.revision == job.revision { return (kept.outcome, kept.directory) }
            remove(kept.directory)
        }
        let directory = "\(workDirectory)/\(job.id.rawValue)"
        guard let package = packages.first(where: { $0.identity == job.model }) else {
            return (.failed("package \(job.model.name) \(job.model.version) is no longer installed"), directory)
        }
        let request: AnalysisJob
        do {
            let expired = try index.expired(in: job.series)
            if !expired.isEmpty {
                let words = expired.map { "\($0.instances) in \($0.archive)" }.joined(separator: ", ")
                return (.refused("instances of the series have expired here: \(words)"), directory)
            }
            remove(directory)
            try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
            request = try self.request(for: job, package: package, output: directory)
        } catch let error as IndexError where error.isTransient {
            throw .cannotStart("\(error)")
        } catch let error as CocoaError where error.code == .fileWriteOutOfSpace {
            throw .cannotStart("no space for its results in \(workDirectory)")
        } catch {
            return (.failed("the job cannot be prepared: \(error)"), directory)
        }
        let wasRunning = worker.processID
        let outcome = try worker.run(
            .analyse(request), budget: package.manifest.budget.time + Self.overhead, breathe: breathe,
            shouldStop: shouldStop, found: { if job.run == .provisional { raise(job, $0) } },
            progress: { self.logger.debug("\($0)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"]) })
        counters.worker(isAlive: true, started: wasRunning != worker.processID)
        return (outcome, directory)
    }

    private func request(for job: Job, package: ModelPackage, output: String) throws -> AnalysisJob {
        guard let evidence = try index.evidence(for: job.series), evidence.revision == job.revision else {
            throw IndexError.noSuchRow(table: "series", id: job.series.rawValue)
        }
        lastInstance = Double(evidence.lastInstance.monotonic) / 1e9
        let queuedAt = Date(timeIntervalSince1970: Double(job.queuedAt) / 1000)
        return AnalysisJob(
            studyInstanceUID: job.studyInstanceUID, seriesInstanceUID: job.seriesInstanceUID,
            frameOfReferenceUID: evidence.instances.compactMap(\.header.frameOfReferenceUID).first,
            instances: try evidence.instances.map { instance in
                SourceInstance(
                    sopClassUID: instance.header.sopClassUID, sopInstanceUID: instance.header.sopInstanceUID,
                    path: try store.absolutePath(of: instance.path),
                    digest: hexadecimal(Array(SHA256.hash(data: instance.headerDigest + (instance.pixelDigest ?? [])))))
            },
            package: package.folder, packageDigest: package.identity.digest, output: output,
            negativeReport: destinations.contains(where: \.negativeReports), equipment: equipment,
            // The time of queueing: an attempt that is made again must not make other objects (decision 9).
            contentTime: ContentTime(
                secondsSince1970: job.queuedAt / 1000, microseconds: Int(job.queuedAt % 1000) * 1000,
                offsetMinutes: TimeZone.current.secondsFromGMT(for: queuedAt) / 60),
            configurationDigest: Version.configurationDigest(destinations))
    }

    /// A job never stays running because its outcome cannot be written: it fails with the reason, or runs again once the
    /// index can be written (`unsettled`).
    private func settle(_ job: Job, _ outcome: WorkerOutcome, in directory: String) throws {
        do {
            try finish(job, outcome, in: directory)
        } catch {
            let isTransient = (error as? StorageError)?.isOutOfSpace ?? (error as? IndexError)?.isTransient ?? false
            if !isTransient {
                _ = try index.finish(job.id, .failed(reason: "the outcome cannot be kept: \(error)"))
            }
            throw error
        }
    }

    private func finish(_ job: Job, _ outcome: WorkerOutcome, in directory: String) throws {
        let answer: FinishAnswer
        switch outcome {
        case .analysed(let analysed):
            let files = job.run == .final ? try kept(analysed) : []
            CrashPoint.reach(.resultsStored)
            answer = try raised ?? index.finish(job.id, Self.outcome(analysed, results: files))
            raised = nil
            countNotification()
            counters.engine(seconds: analysed.engineSeconds)
            logger.info(
                "analysed",
                metadata: [
                    "seriesInstanceUID": "\(job.seriesInstanceUID)", "model": "\(job.model.name)", "run": "\(job.run)",
                    "findings": "\(analysed.findings.count)", "engineSeconds": "\(analysed.engineSeconds)",
                    "totalSeconds": "\(analysed.totalSeconds)",
                ])
        case .refused(let reason):
            answer = try index.finish(job.id, .refused(reason: reason))
            logger.notice("not analysed: \(reason)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"])
        case .failed(let reason):
            answer = try index.finish(job.id, .failed(reason: reason))
            logger.error("analysis failed: \(reason)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"])
        case .retry(let reason):
            let outcome = try index.attemptDied(job.id, reason: reason)
            logger.error(
                "analysis attempt lost: \(reason)",
                metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)", "outcome": "\(outcome)"])
            remove(directory)
            return
        case .warmed, .compared:
            answer = try index.finish(job.id, .failed(reason: "the worker answered another question"))
        }
        CrashPoint.reach(.jobFinished)
        if job.run == .provisional, answer == .recorded, case .analysed = outcome {
            keep(job, outcome, directory)
        } else {
            remove(directory)
        }
    }

    /// The findings of a provisional run go to the worklist while its objects are still being encoded, for a final run that
    /// may take them over. Where this fails, the run's end does it.
    private func raise(_ job: Job, _ outcome: AnalysisOutcome) {
        do {
            raised = try index.finish(job.id, Self.outcome(outcome, results: []))
            countNotification()
        } catch {
            logger.error(
                "findings not raised yet: \(error)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"])
        }
    }

    private func countNotification() {
        if let lastInstance { counters.notification(seconds: MonotonicTime.now.seconds - lastInstance) }
        lastInstance = nil
    }

    private static func outcome(_ analysed: AnalysisOutcome, results: [ResultFile]) -> JobOutcome {
        .analysed(
            findings: analysed.findings, results: results, notes: analysed.notes, engineSeconds: analysed.engineSeconds)
    }

    private func kept(_ outcome: AnalysisOutcome) throws -> [ResultFile] {
        try outcome.results.map { result in
            let stored = try store.keepResult(result.path, sopInstanceUID: result.sopInstanceUID)
            return ResultFile(
                sopClassUID: result.sopClassUID, sopInstanceUID: result.sopInstanceUID,
                seriesInstanceUID: result.seriesInstanceUID, transferSyntaxUID: result.transferSyntaxUID,
                path: stored.relativePath, size: stored.size,
                digest: stored.digest,
                destinations: destinations.filter { !result.isNegativeReport || $0.negativeReports }.map(\.name),
                header: try? FileScan.admit(store.absolutePath(of: stored.relativePath)))
        }
    }

    private func keep(_ job: Job, _ outcome: WorkerOutcome, _ directory: String) {
        let key = ProvisionalKey(series: job.series, model: job.model)
        if let before = provisional.removeValue(forKey: key), before.directory != directory { remove(before.directory) }
        if provisional.count >= Self.provisionalLimit,
            let oldest = provisional.min(by: { $0.value.number < $1.value.number })
        {
            provisional[oldest.key] = nil
            remove(oldest.value.directory)
        }
        provisionalCount += 1
        provisional[key] = Provisional(
            number: provisionalCount, revision: job.revision, directory: directory, outcome: outcome)
    }

    private func remove(_ directory: String) { try? FileManager.default.removeItem(atPath: directory) }

    // MARK: Copies in another transfer syntax

    private func compare(_ comparison: PendingComparison) throws {
        let verdict: ComparisonVerdict
        do {
            let a = try store.absolutePath(of: comparison.first)
            let b = try store.absolutePath(of: comparison.copy)
            switch try worker.run(.compare(a: a, b: b), budget: 120, breathe: breathe, progress: { _ in }) {
            case .compared(let same): verdict = same ? .samePixels : .otherPixels
            case .failed(let reason), .refused(let reason), .retry(let reason): verdict = .undecided(reason: reason)
            case .warmed, .analysed: verdict = .undecided(reason: "the worker answered another question")
            }
        } catch let error as WorkerError {
            counters.worker(isAlive: false)
            if case .died = error {} else { return }
            // As for a job: one more attempt, by a fresh worker, before a person has to look.
            if lostComparisons.insert(comparison.id).inserted { return }
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

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Inference
import Logging

/// A warm worker process: started when first needed, replaced when it dies, hangs or speaks nonsense.
///
/// Used by one thread at a time, except `stop`.
final class Worker {
    /// From 0, among the node's workers.
    let number: Int
    private let executable: String
    private let threads: Int
    private let servers: [ServerRoute]
    private let embeddings: Embeddings?
    private let environment: [String: String]
    private let logger: Logger
    private var process: ChildProcess?
    private var nextID = 1

    /// How long a job may go on after it was asked to stop, seconds; then its process goes.
    private static let grace = 10.0

    /// - Parameters:
    ///   - threads: for the engine.
    ///   - servers: what does not run in the process.
    ///   - embeddings: where embeddings of images are kept from one process to the next.
    init(
        number: Int, executable: String, threads: Int, servers: [ServerRoute] = [], embeddings: Embeddings? = nil,
        environment: [String: String], logger: Logger
    ) {
        self.number = number
        self.executable = executable
        self.threads = threads
        self.servers = servers
        self.embeddings = embeddings
        self.environment = environment
        self.logger = logger
    }

    struct Embeddings {
        /// Workers share it.
        var directory: String
        /// Bytes.
        var limit: Int
    }

    var processID: pid_t? { process?.processID }

    /// Starts the process if none runs and waits until it answers. Fails without costing any job an attempt.
    func warm(_ packages: [String] = [], budget: Double = 120) throws(WorkerError) {
        if process == nil { try start() }
        if !packages.isEmpty { _ = try exchange(.warm(packages: packages), budget: budget) { _ in } }
    }

    /// Runs one job. Throws `died` when the process was lost or spent its budget (seconds); it is then gone.
    /// `found` gets the findings of an analysis before its objects are encoded.
    /// `breathe`, `shouldStop` and `isWanted` are called about once a second while the answer is awaited. A job that is not
    /// wanted is taken back, and its outcome is `stopped`, which may cost the process.
    func run(
        _ job: WorkerJob, budget: Double, breathe: () -> Void = {}, shouldStop: () -> Bool = { false },
        isWanted: () -> Bool = { true }, found: (AnalysisOutcome) -> Void = { _ in }, progress: (String) -> Void
    ) throws(WorkerError) -> WorkerOutcome {
        if process == nil { try start() }
        return try exchange(
            job, budget: budget, breathe: breathe, shouldStop: shouldStop, isWanted: isWanted, found: found,
            progress: progress)
    }

    /// How the process ended, where it did so between two jobs; nil while it lives. Such a death is no job's fault.
    func endedWhileIdle() -> String? {
        guard let process, let end = process.ended() else { return nil }
        self.process = nil
        return end
    }

    func stop(within seconds: Double) {
        process?.end(within: seconds)
        process = nil
    }

    private func start() throws(WorkerError) {
        let started = try ChildProcess(
            executable: executable,
            arguments: ["worker", "--threads", "\(threads)", "--servers", WorkerServers.argument(servers)]
                + (embeddings.map { ["--embeddings", $0.directory, "--embedding-limit", "\($0.limit)"] } ?? []),
            environment: environment)
        guard case .line(let line) = started.nextLine(until: .now + 60),
            case .ready? = WorkerMessage(line: line)?.body
        else {
            throw .cannotStart(started.kill())
        }
        logger.info("worker started", metadata: ["pid": "\(started.processID)"])
        process = started
    }

    private func exchange(
        _ job: WorkerJob, budget: Double, breathe: () -> Void = {}, shouldStop: () -> Bool = { false },
        isWanted: () -> Bool = { true }, found: (AnalysisOutcome) -> Void = { _ in }, progress: (String) -> Void
    ) throws(WorkerError) -> WorkerOutcome {
        guard let process else { preconditionFailure("no process") }
        let id = nextID
        nextID += 1
        let deadline = MonotonicTime.now + budget
        guard process.send(line: WorkerRequest(id: id, job: job).line, until: .now + 30) else { throw lost(process) }
        var asked = MonotonicTime.now
        var stopsBy: MonotonicTime?
        while true {
            breathe()
            if stopsBy == nil, MonotonicTime.now - asked >= 1 {
                asked = .now
                if !isWanted() {
                    stopsBy = .now + Self.grace
                    nextID += 1
                    guard process.send(line: WorkerRequest(id: nextID, job: .stop(request: id)).line, until: .now + 5)
                    else { throw lost(process) }
                }
            }
            if let stopsBy, stopsBy < .now {
                logger.notice("a worker is ended, as its job does not stop", metadata: ["pid": "\(process.processID)"])
                stop(within: 1)
                return .stopped
            }
            switch process.nextLine(until: min(deadline, .now + 1)) {
            case .line(let line):
                guard let message = WorkerMessage(line: line), message.id == id else {
                    throw lost(process, because: "it answered what was not asked")
                }
                switch message.body {
                case .ready: throw lost(process, because: "it answered what was not asked")
                case .progress(let text): progress(text)
                case .found(let outcome): found(outcome)
                case .outcome(let outcome): return outcome
                }
            case .end: throw lost(process)
            case .timedOut where shouldStop():
                stop(within: 1)
                throw .stopped
            case .timedOut where MonotonicTime.now < deadline: continue
            case .timedOut: throw lost(process, because: "no result within \(Int(budget)) s")
            case .tooLong: throw lost(process, because: "its answer is too long")
            }
        }
    }

    private func lost(_ process: ChildProcess, because reason: String? = nil) -> WorkerError {
        let end = process.kill()
        self.process = nil
        let words = reason.map { "\($0), \(end)" } ?? end
        logger.error("worker lost", metadata: ["pid": "\(process.processID)", "reason": "\(words)"])
        return .died(words)
    }
}

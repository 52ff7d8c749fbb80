// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DCMTK
import DICOM
import Foundation
import Index
import Logging
import Models
import Results
import ServiceLifecycle
import Storage
import Web

/// The daemon: every stage of the path with its thread, and what they share.
final class Node {
    /// In the order of their start. Shutdown goes the other way: the listener first, the worklist last.
    private(set) var services: [any Service] = []
    private let index: StudyIndex
    private let logger: Logger
    private let notify = Notify(environment: ProcessInfo.processInfo.environment)

    init(configuration: Configuration, logger: Logger) throws {
        self.logger = logger
        let packages = try Self.packages(configuration, logger)
        let store = try InstanceStore(directory: configuration.storageDirectory)
        let changes = ChangeSignal()
        let index = try StudyIndex(
            path: StudyIndex.path(in: store.directory), holds: { store.holds($0, size: $1) },
            onWorklistChange: { _ in changes.raise() })
        self.index = index
        let allowed = packages.filter { $0.mayRun(configuration) && $0.hindrance == nil }
        try Recovery(store: store, index: index, packages: allowed, logger: logger).run()

        let credentials = try configuration.tls.map { try TLSCredentials($0, logger: logger) }
        let counters = Counters()
        let reserve = SpaceReserve(bytes: configuration.reserve) { () throws(StorageError) in try store.freeBytes() }
        let diskPulse = Pulse()
        let disk = DiskWatch(
            index: index, store: store, reserve: reserve, mayExpire: !configuration.archives.isEmpty, logger: logger,
            breathe: { diskPulse.beat() },
            changed: { changes.raise() })
        let diskService = LoopService(name: "disk", pulse: diskPulse, logger: logger) { try disk.turn() }
        let refusals = RefusalMemory(logger: logger)
        let equipment = Equipment(
            deviceSerialNumber: try Self.serialNumber(in: store.directory), softwareVersions: Version.text,
            stationName: configuration.aeTitle.string)
        let outboxes = Outboxes(
            configuration: configuration, credentials: credentials, equipment: equipment, index: index, store: store,
            logger: logger)
        let deliveries = outboxes.services

        let completenessSignal = Signal()
        let analysisSignals = (0..<configuration.workerCount).map { _ in Signal() }
        let completeness = CompletenessLoop(
            index: index, configuration: configuration, packages: packages, logger: logger,
            jobsQueued: { for signal in analysisSignals { signal.raise() } })
        let completenessService = LoopService(name: "completeness", signal: completenessSignal, logger: logger) {
            try completeness.turn()
        }

        let desk = try AnalysisDesk(index: index, store: store, packages: allowed, configuration: configuration)
        let executable = try Self.executable()
        let analyses = zip(0..., analysisSignals).map { number, signal in
            let pulse = Pulse()
            let stop = StopFlag()
            let worker = Worker(
                number: number, executable: executable, threads: configuration.threads,
                servers: configuration.servers,
                embeddings: configuration.embeddingLimit == 0
                    ? nil : .init(directory: store.directory + "/embeddings", limit: configuration.embeddingLimit),
                environment: ProcessInfo.processInfo.environment, logger: logger)
            let loop = Confined(
                AnalysisLoop(
                    index: index, store: store, desk: desk, worker: worker, packages: allowed,
                    configuration: configuration, equipment: equipment, logger: logger, counters: counters,
                    breathe: { pulse.beat() }, shouldStop: { stop.secondsSinceRaised > AnalysisLoop.patience },
                    jobEnded: {
                        for delivery in deliveries { delivery.signal.raise() }
                        for signal in analysisSignals { signal.raise() }
                        completenessSignal.raise()
                    }))
            return LoopService(
                name: configuration.workerCount == 1 ? "analysis" : "analysis \(number + 1)", signal: signal,
                pulse: pulse,
                stopFlag: stop, logger: logger, ended: { loop.value.stop() }, turn: { try loop.value.turn() })
        }

        let expiryPulse = Pulse()
        let expiryStop = StopFlag()
        let expiry = Confined(
            ExpiryLoop(
                archives: configuration.destinations.filter { configuration.archives.contains($0.name) },
                from: configuration.aeTitle, credentials: credentials, index: index, store: store,
                reserve: configuration.reserve, logger: logger, counters: counters, breathe: { expiryPulse.beat() },
                shouldStop: { expiryStop.isRaised }))
        let expiryService = LoopService(name: "expiry", pulse: expiryPulse, stopFlag: expiryStop, logger: logger) {
            try expiry.value.turn()
        }

        let commitmentDesk = CommitmentDesk()
        let commitment =
            configuration.isArchive
            ? Self.commitment(configuration, credentials, index, store, commitmentDesk, counters, logger) : nil
        let door = commitment.map { service in
            CommitmentDoor(index: index, desk: commitmentDesk, logger: logger, wake: { service.signal.raise() })
        }

        let loops =
            [completenessService] + analyses + [diskService, expiryService] + deliveries
            + (commitment.map { [$0] } ?? [])
        let listener = try ListenerService(
            configuration: configuration, credentials: credentials,
            reception: Reception(
                store: store, reserve: reserve, index: index, counters: counters, logger: logger,
                inflater: { Inflaters.inflater(for: $0) }),
            procedureSteps: PerformedSteps(index: index, logger: logger, listed: { completenessSignal.raise() }).needs,
            commitment: door?.needs, reports: outboxes.reports, refusals: refusals, logger: logger,
            ended: { association, end in
                completeness.ended(association, end)
                completenessSignal.raise()
            },
            // All at once: the service group would stop one after the other, and each may be waiting for a peer.
            drained: { for loop in loops { loop.stop() } })
        let worklist = WorklistSource(index: index)
        let state = NodeState(
            index: index, disk: disk, counters: counters, loops: loops, listener: listener, refusals: refusals,
            credentials: credentials)
        let web = try WebServer(
            configuration: .init(host: configuration.webHost, port: configuration.webPort),
            needs: WebNeeds(
                worklist: { try await offPool { try worklist.items() } },
                search: { text in try await offPool { try worklist.search(text) } },
                acknowledge: { study, by, sequence in
                    try await offPool { try worklist.acknowledge(study, by: by, through: sequence) }
                },
                rerun: { study in
                    try await offPool {
                        switch try index.rerun(studyInstanceUID: study) {
                        case .noSuchStudy: return nil
                        case .refused(let reason): return .refused(reason: reason)
                        case .begun(let series):
                            completenessSignal.raise()
                            return .begun(series: series)
                        }
                    }
                },
                deliver: { study in
                    try await offPool {
                        let count = try index.retry(studyInstanceUID: study)
                        if count ?? 0 > 0 { outboxes.hurry() }
                        return count
                    }
                },
                changes: { changes.stream() }, readiness: { await offPool { state.readiness() } },
                metrics: { await offPool { state.metrics() } }, refusals: { refusals.items },
                notice: { disk.notice },
                receiving: "\(configuration.aeTitle) on \(configuration.portWords)"),
            logger: logger)
        services =
            [web, ReloadService(credentials: credentials, logger: logger)] + loops + [
                Watchdog(notify: notify, loops: loops, logger: logger), listener,
            ]
    }

    func close() {
        do { try index.close() } catch { logger.error("\(error)") }
    }

    private static func commitment(
        _ configuration: Configuration, _ credentials: TLSCredentials?, _ index: StudyIndex, _ store: InstanceStore,
        _ desk: CommitmentDesk,
        _ counters: Counters, _ logger: Logger
    ) -> LoopService {
        let pulse = Pulse()
        let stop = StopFlag()
        let loop = Confined(
            CommitmentLoop(
                index: index, store: store, desk: desk, configuration: configuration, credentials: credentials,
                counters: counters, logger: logger,
                breathe: { pulse.beat() }, shouldStop: { stop.isRaised }))
        return LoopService(name: "storage commitment", pulse: pulse, stopFlag: stop, logger: logger) {
            try loop.value.turn()
        }
    }

    private static func packages(_ configuration: Configuration, _ logger: Logger) throws -> [ModelPackage] {
        let installed = try ModelPackage.installed(in: configuration.modelsDirectory)
        for package in installed {
            let name = "model package \(package.identity.name) \(package.identity.version)"
            if !package.mayRun(configuration) {
                logger.info("\(name): for demonstration, does not run")
            } else if let problem = package.hindrance
                ?? AnalysisDesk.refusal(of: package, memory: configuration.inferenceMemory)
            {
                logger.error("\(name) does not run, and what it claims is not analysed: \(problem)")
            } else {
                logger.info("\(name)")
            }
        }
        logger.info(
            "\(configuration.workers) workers, \(configuration.threads) threads each, \(configuration.inferenceMemory >> 20) MiB for models"
        )
        if installed.isEmpty {
            logger.warning("\(configuration.modelsDirectory): no model package; every study is out of scope")
        }
        return installed
    }

    static func executable() throws -> String {
        #if DEBUG
            // For tests of what the daemon does with its workers: a script that speaks in their place.
            if let script = ProcessInfo.processInfo.environment["TRIAGED_WORKER"] { return script }
        #endif
        guard let path = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe") else {
            throw Failure("/proc/self/exe: cannot be read, so that no worker can be started")
        }
        return path
    }

    /// Of this installation, made once: Device Serial Number is type 1 in enhanced objects.
    static func serialNumber(in directory: String) throws -> String {
        let path = directory + "/serial"
        if let known = try? String(contentsOfFile: path, encoding: .utf8) {
            let trimmed = known.trimmingCharacters(in: .whitespacesAndNewlines)
            if !trimmed.isEmpty { return trimmed }
        }
        let made = String(UUID().uuidString.replacingOccurrences(of: "-", with: "").prefix(16))
        try (made + "\n").write(toFile: path, atomically: true, encoding: .utf8)
        return made
    }
}

extension ModelPackage {
    /// Decision 17.
    func mayRun(_ configuration: Configuration) -> Bool {
        !identity.isDemonstration || configuration.allowDemonstration
    }
}

/// A value that one thread uses after it was made on another.
///
/// Unchecked: the only access is in the loop of one `LoopService`.
struct Confined<Value>: @unchecked Sendable {
    let value: Value
    init(_ value: Value) { self.value = value }
}

/// Runs blocking work, such as SQLite's, off Swift's cooperative pool.
func offPool<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result(catching: body)) }
    }
}

func offPool<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(returning: body()) }
    }
}

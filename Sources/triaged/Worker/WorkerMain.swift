// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Glibc
import Inference
import Models
import Results
import Volume

/// What a worker is told when it is started.
struct WorkerOptions {
    var threads: Int?
    var servers: [ServerRoute] = []
    var embeddingDirectory: String?
    /// Bytes.
    var embeddingLimit: Int?
}

/// The worker process: decodes pixels, runs models, encodes results, one job at a time, until its input ends.
struct WorkerMain {
    private let engine: Engine
    private let servers: RemoteServers
    private var packages: [String: ModelPackage] = [:]
    private let output: Int32
    private let requests = WorkerRequests()

    /// Standard output carries messages alone: whatever a library prints goes to standard error.
    private init(_ options: WorkerOptions) throws(InferenceError) {
        output = dup(1)
        dup2(2, 1)
        let servers = RemoteServers(options.servers)
        self.servers = servers
        var engineOptions = EngineOptions(threads: options.threads, remote: servers)
        engineOptions.embeddingDirectory = options.embeddingDirectory
        engineOptions.embeddingLimit = options.embeddingLimit ?? engineOptions.embeddingLimit
        engine = try Engine(engineOptions)
    }

    static func run(_ options: WorkerOptions) {
        Isolation.apply()
        var worker: WorkerMain
        do throws(InferenceError) { worker = try WorkerMain(options) } catch {
            FileHandle.standardError.write(Data("triaged worker: \(error)\n".utf8))
            exit(70)
        }
        worker.send(WorkerMessage(id: 0, body: .ready))
        while let request = worker.requests.next() {
            let outcome = worker.perform(request)
            worker.send(WorkerMessage(id: request.id, body: .outcome(outcome)))
        }
    }

    private func send(_ message: WorkerMessage) {
        let bytes = Array((message.line + "\n").utf8)
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(output, $0.baseAddress! + sent, bytes.count - sent) }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { exit(74) }
            sent += count
        }
    }

    private mutating func perform(_ request: WorkerRequest) -> WorkerOutcome {
        switch request.job {
        case .warm(let folders):
            for folder in folders {
                // A package that does not load is said by the job that needs it. A server is asked by its own jobs alone.
                if let package = try? package(folder), servers.server(of: package.identity.name) == nil {
                    try? engine.prepare(package)
                }
            }
            return .warmed
        case .compare(let a, let b):
            do {
                return .compared(
                    samePixels: try PixelComparison.samePixels(a, b, admit: { path in try FileScan.admit(path) }))
            } catch {
                return .failed("\(error)")
            }
        case .analyse(let job): return analyse(job, id: request.id)
        case .stop: return .stopped
        }
    }

    private mutating func package(_ folder: String) throws -> ModelPackage {
        if let known = packages[folder] { return known }
        let loaded = try ModelPackage.load(folder: folder)
        // A package that no longer gives what it gave is as wrong as one whose network was changed.
        let failures = try SelfTest(engine: engine).failures(of: loaded)
        guard failures.isEmpty else {
            throw InferenceError.mismatch(package: loaded.identity.name, reason: failures.joined(separator: "; "))
        }
        packages[folder] = loaded
        return loaded
    }

    private mutating func package(of job: AnalysisJob) throws -> ModelPackage {
        let package = try package(job.package)
        return try job.regionPackage.map { package.restricted(by: try self.package($0)) } ?? package
    }

    private mutating func analyse(_ job: AnalysisJob, id: Int) -> WorkerOutcome {
        let outcome = attempt(job, id: id)
        guard case .refused(let reason, _) = outcome else { return outcome }
        do { return .refused(reason, results: try notAnalysed(job, try package(of: job), reason)) } catch {
            return .refused("\(reason); there is no report of it: \(error)")
        }
    }

    private mutating func attempt(_ job: AnalysisJob, id: Int) -> WorkerOutcome {
        let start = MonotonicTime.now
        do {
            let package = try package(of: job)
            guard package.identity.digest == job.packageDigest else {
                return .failed(
                    "package \(package.identity.name) was changed after the series was selected for it; restart triaged"
                )
            }
            let requests = requests
            let shouldStop = { requests.isStopped(id) }
            servers.shouldStop = shouldStop
            let images = try PackageImages(
                ([job.instances] + job.companions.map(\.instances)).map { instances in
                    .init(sopClassUIDs: instances.map(\.sopClassUID), paths: instances.map(\.path))
                }, for: package, shouldStop: shouldStop)
            let (volumes, volume) = (images.volumes, images.listed)
            send(WorkerMessage(id: id, body: .progress("read \(volumes.map(\.frames.count).reduce(0, +)) slices")))
            let result = try images.analyse(with: package, Analysis(engine: engine), shouldStop: shouldStop)
            if shouldStop() { return .stopped }
            var outcome = AnalysisOutcome(
                findings: result.findings, results: [],
                coverage: result.coverage.words(isStack: volume.hasPatientGeometry),
                coverageAccepted: result.coverage.isNegativeAccepted, notes: result.notes, scores: result.scores,
                explanations: result.explanations.map(\.summary), gates: result.gates,
                engineSeconds: result.timing.engine, totalSeconds: MonotonicTime.now - start)
            send(WorkerMessage(id: id, body: .found(outcome)))
            // The series of the results; of images that stand alone, each.
            let sources = volume.frames.count == volumes[0].frames.count ? [volumes[0]] : volumes
            var request = results(of: result, package, volume, job)
            for order in job.orders {
                request.template = order.template
                request.predecessors = order.predecessors
                let images = request.pictureSlices(masks: result.masks).compactMap { KeyImage(slice: $0, of: sources) }
                outcome.results += try request.encode(
                    masks: result.masks, probabilities: result.probabilities, images: images, into: job.output
                ).map {
                    EncodedFile(
                        $0, for: order.recipients(of: $0.kind, after: result.findings.isEmpty ? .negative : .findings))
                }
            }
            outcome.totalSeconds = MonotonicTime.now - start
            return .analysed(outcome)
        } catch let error as VolumeRefusal {
            return .refused("\(error)")
        } catch InferenceError.cancelled where requests.isStopped(id) {
            return .stopped
        } catch let error as InferenceError {
            if error.isUnavailability { return .unavailable("\(error)") }
            if error.isRefusal { return .refused("\(error)") }
            return error.isTransient ? .retry("\(error)") : .failed("\(error)")
        } catch let error as ResultsError {
            return error.isTransient ? .retry("\(error)") : .failed("\(error)")
        } catch {
            return .failed("\(error)")
        }
    }
}

extension ModelPackage {
    /// What its findings can be.
    var soughtFindings: [Code] { manifest.outputs.filter(\.isReported).map(\.code) + manifest.scores.map(\.code) }
}

extension AnalysisResult.Coverage {
    /// - Parameter isStack: else images without a place in the patient, which have no extent.
    func words(isStack: Bool) -> String {
        isStack
            ? "\(slices) slices, \((extent * 10).rounded() / 10) mm"
            : slices == 1 ? "1 image" : "\(slices) images"
    }
}

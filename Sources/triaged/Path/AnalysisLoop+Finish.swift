// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Delivery
import Index
import Logging
import Models
import Storage

/// What comes of a job, written down.
extension AnalysisLoop {
    /// A job never stays running because its outcome cannot be written: it fails with the reason, or runs again once the
    /// index can be written (`unsettled`).
    func settle(_ job: Job, _ outcome: WorkerOutcome, in directory: String) throws {
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
            let files = try kept(analysed.results, analysed.findings, of: job)
            CrashPoint.reach(.resultsStored)
            answer = try raised ?? index.finish(job.id, Self.outcome(analysed, results: files))
            raised = nil
            if job.run == .final, answer == .recorded { self.analysed(job, analysed) }
            desk.answered(job.model)
            countNotification()
            counters.engine(seconds: analysed.engineSeconds)
            logger.info(
                "analysed",
                metadata: [
                    "seriesInstanceUID": "\(job.seriesInstanceUID)", "model": "\(job.model.name)", "run": "\(job.run)",
                    "findings": "\(analysed.findings.count)", "engineSeconds": "\(analysed.engineSeconds)",
                    "totalSeconds": "\(analysed.totalSeconds)",
                ])
        case .refused(let reason, let results):
            answer = try index.finish(job.id, .refused(reason: reason, results: try kept(results, [], of: job)))
            desk.answered(job.model)
            logger.notice("not analysed: \(reason)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"])
        case .failed(let reason):
            answer = try index.finish(job.id, .failed(reason: reason))
            desk.answered(job.model)
            logger.error("analysis failed: \(reason)", metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)"])
        case .retry(let reason):
            try lose(job, reason)
            ProvisionalOutcomes.remove(directory)
            return
        case .unavailable(let reason):
            // Nobody's fault here: no attempt is spent, however long it lasts, and the worklist says what is waited for.
            let pause = desk.rest(job.model)
            try index.returnToQueue(job.id, reason: "waits, \(reason)")
            logger.error(
                "the package rests for \(Int(pause.rounded(.up))) s: \(reason)",
                metadata: ["model": "\(job.model.name)"])
            ProvisionalOutcomes.remove(directory)
            return
        case .stopped:
            answer = try index.finish(job.id, .stopped)
            logger.notice(
                "analysis stopped, as it is no longer wanted",
                metadata: ["seriesInstanceUID": "\(job.seriesInstanceUID)", "run": "\(job.run)"])
        case .warmed, .compared:
            answer = try index.finish(job.id, .failed(reason: "the worker answered another question"))
        }
        CrashPoint.reach(.jobFinished)
        if job.run == .provisional, answer == .recorded, case .analysed = outcome {
            desk.provisional.keep(.init(revision: job.revision, directory: directory, outcome: outcome), of: job)
        } else {
            ProvisionalOutcomes.remove(directory)
        }
    }

    /// The findings of a provisional run go to the worklist while its objects are still being encoded, for a final run that
    /// may take them over. Where this fails, the run's end does it.
    func raise(_ job: Job, _ outcome: AnalysisOutcome) {
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

    /// Those of a final run.
    private func kept(_ results: [EncodedFile], _ findings: [Finding], of job: Job) throws -> [ResultFile] {
        guard job.run == .final, !results.isEmpty else { return [] }
        let run = DeliveryCondition.Run(
            modality: try index.evidence(for: job.series)?.instances.first?.header.modality ?? "",
            findings: findings,
            soughtFindings: packages.first { $0.identity == job.model }?.soughtFindings ?? [])
        let interested = Set(destinations.filter { $0.condition.isMet(by: run) }.map(\.name))
        return try results.compactMap { result -> ResultFile? in
            let takers = result.destinations.filter(interested.contains)
            // What only simpler viewers need is kept only where one gets it.
            if takers.isEmpty, result.kind.isFallback { return nil }
            let stored = try store.keepResult(result.path, sopInstanceUID: result.sopInstanceUID)
            return ResultFile(
                sopClassUID: result.sopClassUID, sopInstanceUID: result.sopInstanceUID,
                seriesInstanceUID: result.seriesInstanceUID, transferSyntaxUID: result.transferSyntaxUID,
                path: stored.relativePath, size: stored.size,
                digest: stored.digest,
                destinations: takers,
                header: try? FileScan.admit(store.absolutePath(of: stored.relativePath)))
        }
    }
}

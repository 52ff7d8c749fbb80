// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import Completeness
import DICOM
import Index
import Logging
import Models
import Synchronization

/// Asks of every open series whether it has arrived, and sends it on: to analysis, or to the worklist with the reason
/// why not. Runs on one thread, except `ended`.
final class CompletenessLoop: Sendable {
    /// What the last verdict was made from, so that a series is not read again before something changed.
    private struct Asked: Equatable {
        var revision: Int64
        var openAssociations: Int
        var isReleased: Bool
        var listed: OpenSeries.Listed?
        var until: Double
    }

    /// How often a series that others list is looked at while it arrives, seconds: nobody tells when the last one is in.
    private static let listedPause = 0.25

    private struct State {
        var asked: [SeriesID: Asked] = [:]
        /// Series whose last association was released in order.
        var released: Set<SeriesID> = []
    }

    private let index: StudyIndex
    private let policy: CompletenessPolicy
    private let packages: [ModelPackage]
    private let allowDemonstration: Bool
    private let logger: Logger
    /// Told when there is something to analyse.
    private let jobsQueued: @Sendable () -> Void
    private let state = Mutex(State())

    init(
        index: StudyIndex, configuration: Configuration, packages: [ModelPackage], logger: Logger,
        jobsQueued: @escaping @Sendable () -> Void
    ) {
        self.index = index
        policy = CompletenessPolicy(quietPeriod: configuration.quietPeriod)
        self.packages = packages
        allowDemonstration = configuration.allowDemonstration
        self.logger = logger
        self.jobsQueued = jobsQueued
    }

    /// An association has ended; called on its thread, after its last response.
    func ended(_ association: AssociationInfo, _ end: AssociationEnd) {
        let series = index.associationEnded(association.id)
        state.withLock { state in
            if end == .released { state.released.formUnion(series) } else { state.released.subtract(series) }
        }
        CrashPoint.reach(.associationEnded)
    }

    /// Gives the seconds until the next series falls due.
    func turn() throws -> Double {
        let now = MonotonicTime.now.seconds
        let open = try index.openSeries()
        var next = 60.0
        state.withLock { state in
            let ids = Set(open.map(\.id))
            state.asked = state.asked.filter { ids.contains($0.key) }
            state.released.formIntersection(ids)
        }
        for series in open {
            let (asked, isReleased) = state.withLock { ($0.asked[series.id], $0.released.contains(series.id)) }
            let facts = Asked(
                revision: series.revision, openAssociations: series.openAssociations.count, isReleased: isReleased,
                listed: series.listed, until: asked?.until ?? 0)
            if series.state == .arriving, series.listed != nil { next = min(next, Self.listedPause) }
            if let asked, asked == facts, now < asked.until {
                next = min(next, asked.until - now)
                continue
            }
            let until: Double
            do {
                until = try consider(series, isReleased: isReleased, at: now)
            } catch {
                // One series that cannot be judged must not hold the others.
                logger.error("completeness: \(error)", metadata: ["series": "\(series.id.rawValue)"])
                until = now + 5
            }
            state.withLock {
                $0.asked[series.id] = Asked(
                    revision: series.revision, openAssociations: series.openAssociations.count, isReleased: isReleased,
                    listed: series.listed, until: until)
            }
            next = min(next, max(until - now, 0.01))
        }
        return next
    }

    /// Gives the time at which to ask again, if nothing happens to the series before.
    private func consider(_ series: OpenSeries, isReleased: Bool, at now: Double) throws -> Double {
        // While a sender is at work and the series is young, there is nothing to read.
        let quiet = series.lastInstanceSeconds + policy.quietPeriod
        let mayBeWhole = series.listed.map { series.instances >= $0.instances } ?? false
        if !series.openAssociations.isEmpty, now < quiet, !mayBeWhole { return quiet }
        guard let evidence = try index.evidence(for: series.id) else { return now + 60 }
        if evidence.state != .arriving {
            _ = try sendOn(evidence, complete: true)
            // Where another series of the study changes meanwhile, it has to be looked at again soon.
            return now + 1
        }
        let verdict = policy.verdict(
            for: Completeness.SeriesEvidence(
                instances: evidence.instances.map { .init($0.header) },
                openAssociations: evidence.openAssociations.count,
                lastArrival: series.lastInstanceSeconds, isReleased: isReleased && evidence.openAssociations.isEmpty,
                listed: evidence.listing.map(Completeness.SeriesEvidence.Listed.init)),
            at: now)
        switch verdict {
        case .incomplete(let until, _): return max(until, now + 0.05)
        case .provisional(_, let until):
            _ = try sendOn(evidence, complete: false)
            return max(until, now + 0.05)
        case .complete(let words):
            CrashPoint.reach(.verdictReached)
            let answer = try index.markComplete(evidence.id, revision: evidence.revision, evidence: words)
            logger.info(
                "series complete: \(words)", metadata: ["seriesInstanceUID": "\(evidence.seriesInstanceUID)"])
            switch answer {
            case .done: return try sendOn(evidence, complete: true) ? now + 60 : now + 1
            case .stale: return now
            case .uncompared:
                jobsQueued()
                return now + 1
            case .blocked(let reason):
                _ = try refuse(evidence, reason)
                return now + 60
            }
        }
    }

    /// Chooses packages and queues their runs, or says why there are none. False where the series must be asked again soon.
    private func sendOn(_ evidence: Index.SeriesEvidence, complete: Bool) throws -> Bool {
        if let reason = try resultWords(evidence) {
            guard complete else { return true }
            let answer = try index.conclude(evidence.id, revision: evidence.revision, as: .outOfScope(reason: reason))
            return try follow(answer, evidence, complete: complete)
        }
        let facts = SeriesFacts(headers: evidence.instances.map(\.header))
        let selection = Selection.choose(for: facts, among: packages, allowDemonstration: allowDemonstration)
        let answer: SeriesAnswer
        switch selection.outcome {
        case .selected(let chosen):
            guard complete else { return try provisionally(evidence, chosen) }
            answer = try analyse(evidence, chosen)
        case .refused(let reason):
            guard complete else { return true }
            answer = try refuse(evidence, reason)
        case .notClaimed(let reason):
            guard complete else { return true }
            answer = try index.conclude(evidence.id, revision: evidence.revision, as: .outOfScope(reason: reason))
        }
        return try follow(answer, evidence, complete: complete)
    }

    /// Why a series of results is not analysed, ours and others'; nil where it is none.
    private func resultWords(_ evidence: Index.SeriesEvidence) throws -> String? {
        if try index.isReturned(evidence.id) { return "results of this node that came back" }
        let modalities = Set(evidence.instances.map(\.header.modality))
        guard !modalities.isEmpty, modalities.isSubset(of: Self.resultModalities) else { return nil }
        return "results (\(modalities.sorted().joined(separator: ", "))), which are kept and not analysed"
    }

    /// What is made of images, and no image (PS3.3 C.7.3.1.1.1).
    private static let resultModalities: Set<String> = [
        "ANN", "AU", "DOC", "FID", "KO", "PLAN", "PR", "REG", "RTPLAN", "RTRECORD", "RTSTRUCT", "RWV", "SEG", "SR",
    ]

    /// What it found may raise a priority. A package that reads other series has to wait for them.
    private func provisionally(_ evidence: Index.SeriesEvidence, _ chosen: [ModelPackage]) throws -> Bool {
        let alone = chosen.filter { $0.manifest.channels.count < 2 }
        guard !alone.isEmpty else { return true }
        let answer = try index.enqueue(
            evidence.id, revision: evidence.revision, models: alone.map(\.identity), run: .provisional)
        CrashPoint.reach(.jobQueued)
        jobsQueued()
        return try follow(answer, evidence, complete: false)
    }

    private func analyse(_ evidence: Index.SeriesEvidence, _ chosen: [ModelPackage]) throws -> SeriesAnswer {
        let selection = try StudySelection(evidence, chosen: chosen, index: index)
        if try selection.isOutdated(evidence, index: index) {
            logger.notice(
                "analysed again, as another series of the study has changed",
                metadata: ["seriesInstanceUID": "\(evidence.seriesInstanceUID)"])
            _ = try index.renew(
                evidence.id, revision: evidence.revision, reason: "another series that it reads has changed")
            // With its new revision it is looked at at once.
            return .stale
        }
        let answer: SeriesAnswer
        if !selection.ready.isEmpty {
            answer = try index.enqueue(
                evidence.id, revision: evidence.revision, models: selection.ready.map(\.identity),
                inputs: selection.inputs, run: .final, companions: selection.companions)
            CrashPoint.reach(.jobQueued)
            jobsQueued()
        } else if !selection.awaited.isEmpty {
            answer = try index.hold(
                evidence.id, revision: evidence.revision, reason: selection.awaited.joined(separator: "\n"))
        } else {
            answer = try refuse(
                evidence, selection.refused.joined(separator: "\n"), companions: selection.companions)
        }
        // What is awaited is asked for again.
        return answer == .done && !selection.awaited.isEmpty ? .stale : answer
    }

    private func follow(_ answer: SeriesAnswer, _ evidence: Index.SeriesEvidence, complete: Bool) throws -> Bool {
        switch answer {
        case .done: return true
        case .stale: return false
        case .uncompared:
            jobsQueued()
            return false
        case .blocked(let reason):
            guard complete else { return true }
            _ = try refuse(evidence, reason)
            return true
        }
    }

    /// No run is queued, and whoever sent the series expects one.
    private func refuse(
        _ evidence: Index.SeriesEvidence, _ reason: String, companions: Companions = .none
    ) throws -> SeriesAnswer {
        let answer = try index.conclude(
            evidence.id, revision: evidence.revision, as: .notAnalysed(reason: reason), companions: companions)
        if answer == .done {
            logger.notice(
                "not analysed: \(reason.replacingOccurrences(of: "\n", with: "; "))",
                metadata: ["seriesInstanceUID": "\(evidence.seriesInstanceUID)"])
        }
        return answer
    }
}

extension OpenSeries {
    /// On the clock of `MonotonicTime`.
    var lastInstanceSeconds: Double { Double(lastInstance.monotonic) / 1e9 }
}

extension Completeness.SeriesEvidence.Listed {
    init(_ listing: SeriesListing) {
        let names = listing.sources.map {
            switch $0 {
            case .performedProcedureStep: "the performed procedure step"
            case .instanceAvailability: "the availability notification"
            }
        }
        self.init(
            source: names.sorted().joined(separator: " or "), total: listing.total, missing: listing.missing,
            unlisted: listing.unlisted)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import DICOM
import Foundation
import Index
import Triage
import Web

struct ShowStatus: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Queues, destinations and last errors of the running daemon.")

    @OptionGroup var options: ConfigurationOption

    func run() throws {
        let configuration = try options.read()
        let isReady = try readiness(configuration)
        let path = StudyIndex.path(in: configuration.storageDirectory)
        do {
            let index = try StudyIndex(readingFrom: path)
            try queues(index)
            try destinations(index, configuration)
            refusals(configuration)
            try commitments(index)
            try troubles(index)
        } catch { throw Failure(error) }
        if !isReady { throw ExitCode(1) }
    }

    private func readiness(_ configuration: Configuration) throws -> Bool {
        struct Answer: Decodable { var checks: [ReadinessCheck] }
        let host = configuration.webHost
        guard let body = LoopbackRequest.get("/readyz", host: host, port: configuration.webPort),
            let answer = try? JSONDecoder().decode(Answer.self, from: body)
        else {
            print("daemon        not running, or not answering on \(host) port \(configuration.webPort)")
            return false
        }
        let unready = answer.checks.filter { !$0.isReady }
        print("daemon        \(unready.isEmpty ? "ready" : "not ready")")
        for check in answer.checks where !check.reason.isEmpty { print("              \(check.name): \(check.reason)") }
        return unready.isEmpty
    }

    private func queues(_ index: StudyIndex) throws {
        let counts = try index.counts()
        print("stored        \(counts.studies) studies, \(counts.instances) instances")
        print("series        \(line(counts.series))")
        print("jobs          \(line(counts.jobs))")
        if counts.blockedStudies > 0 {
            print("blocked       \(counts.blockedStudies) studies; see the worklist for the reasons")
        }
    }

    private func destinations(_ index: StudyIndex, _ configuration: Configuration) throws {
        let known = try index.destinations()
        for destination in configuration.destinations {
            let counts = known.first { $0.destination == destination.name }
            print("destination   \(destination.name): \(line(counts?.deliveries ?? [:]))")
            if let last = counts?.lastComment, !last.isEmpty { print("              last error: \(last)") }
        }
        for stranger in known where !configuration.destinations.contains(where: { $0.name == stranger.destination }) {
            print("destination   \(stranger.destination): \(line(stranger.deliveries)); no longer in the configuration")
        }
    }

    /// The last ones, as the daemon remembers them since its start.
    private func refusals(_ configuration: Configuration) {
        guard
            let body = LoopbackRequest.get("/api/refusals", host: configuration.webHost, port: configuration.webPort),
            let list = RefusalList.decoded(from: body)
        else { return }
        let shown = list.refusals.prefix(10)
        for refusal in shown {
            let who = refusal.callingAETitle.isEmpty ? "" : "\(refusal.callingAETitle) at "
            let times = refusal.count == 1 ? "" : ", \(refusal.count) times since \(refusal.first.formatted(.iso8601))"
            print(
                "refused       \(refusal.last.formatted(.iso8601)) \(who)\(refusal.peerAddress): \(refusal.reason)\(times)"
            )
            if !refusal.hint.isEmpty { print("              \(refusal.hint)") }
        }
        if list.refusals.count > shown.count {
            print("refused       \(list.refusals.count - shown.count) more; see GET /api/refusals")
        }
    }

    private func commitments(_ index: StudyIndex) throws {
        let counts = try index.commitmentCounts()
        guard !counts.transactions.isEmpty else { return }
        print("commitment    \(line(counts.transactions)); \(counts.committedFiles) files are kept for ever")
        for trouble in counts.troubles {
            print(
                "              \(trouble.isGivenUp ? "given up" : "waiting") for \(trouble.callingAETitle), "
                    + "transaction \(trouble.transactionUID): \(trouble.reason)")
        }
    }

    private func troubles(_ index: StudyIndex) throws {
        for item in try WorklistSource(index: index).items() {
            for series in item.series where series.state == .failed || series.state == .notAnalysed {
                print("\(series.state)  \(series.seriesInstanceUID): \(series.reason)")
            }
        }
    }

    private func line(_ counts: [String: Int]) -> String {
        counts.isEmpty
            ? "none" : counts.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation
import Index
import Models
import Results
import Storage

/// What a worker is asked.
extension AnalysisLoop {
    /// Why instances that the run reads are not here any more; nil where all are.
    func expired(_ job: Job) throws -> String? {
        let series = [job.series] + (try index.inputs(of: job.id)).map(\.series)
        let words = try series.flatMap { try index.expired(in: $0) }.map { "\($0.instances) in \($0.archive)" }
        return words.isEmpty ? nil : "instances of the series have expired here: \(words.joined(separator: ", "))"
    }

    func request(for job: Job, package: ModelPackage, output: String) throws -> AnalysisJob {
        guard let evidence = try index.evidence(for: job.series), evidence.revision == job.revision else {
            throw IndexError.noSuchRow(table: "series", id: job.series.rawValue)
        }
        lastInstance = Double(evidence.lastInstance.monotonic) / 1e9
        let contentAt = Date(timeIntervalSince1970: Double(job.contentAt) / 1000)
        return AnalysisJob(
            studyInstanceUID: job.studyInstanceUID, seriesInstanceUID: job.seriesInstanceUID,
            frameOfReferenceUID: evidence.instances.compactMap(\.header.frameOfReferenceUID).first,
            instances: try sources(evidence), companions: try companions(of: job), package: package.folder,
            packageDigest: package.identity.digest, regionPackage: package.regionPackages.first?.folder,
            output: output, orders: try orders(for: job),
            equipment: equipment,
            // The time of queueing: an attempt or a run that is made again must not make other objects (decision 9).
            contentTime: ContentTime(
                secondsSince1970: job.contentAt / 1000, microseconds: Int(job.contentAt % 1000) * 1000,
                offsetMinutes: TimeZone.current.secondsFromGMT(for: contentAt) / 60),
            configurationDigest: Version.configurationDigest(destinations, route: desk.route(of: package)))
    }

    /// A report supersedes those that its recipients were to get.
    private func orders(for job: Job) throws -> [ResultOrder] {
        let former = try index.formerResults(of: job.id, sopClassUID: SOPClass.comprehensive3DSR)
        return ResultOrder.orders(for: destinations.map { ($0.name, $0.template) }).map { order in
            var order = order
            let names = Set(order.recipients.map(\.name))
            order.predecessors = former.filter { names.isEmpty || !names.isDisjoint(with: $0.destinations) }.map {
                PredecessorDocument(
                    seriesInstanceUID: $0.seriesInstanceUID, sopClassUID: SOPClass.comprehensive3DSR,
                    sopInstanceUID: $0.sopInstanceUID)
            }
            return order
        }
    }

    private func companions(of job: Job) throws -> [CompanionSeries] {
        try index.inputs(of: job.id).map { input in
            guard let evidence = try index.evidence(for: input.series),
                evidence.lastArrivalSequence == input.arrivalSequence
            else { throw IndexError.noSuchRow(table: "series", id: input.series.rawValue) }
            return CompanionSeries(seriesInstanceUID: evidence.seriesInstanceUID, instances: try sources(evidence))
        }
    }

    private func sources(_ evidence: SeriesEvidence) throws -> [SourceInstance] {
        try evidence.instances.map { instance in
            SourceInstance(
                sopClassUID: instance.header.sopClassUID, sopInstanceUID: instance.header.sopInstanceUID,
                path: try store.absolutePath(of: instance.path),
                digest: hexadecimal(Array(SHA256.hash(data: instance.headerDigest + (instance.pixelDigest ?? [])))))
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Delivery
import Foundation
import Index
import Logging
import Storage
import Support

@testable import triaged

extension UID {
    static func of(_ text: String) -> UID { UID(text) ?? UID(literal: "1") }
}

/// An index and a store with a study that was analysed, and its results on their way to destinations.
final class Outbox {
    static let study = UID(literal: "1.2.3.9")
    let directory: TemporaryDirectory
    let index: StudyIndex
    let store: InstanceStore
    let results: [UID]
    let model = ModelIdentity(name: "head-ct", version: "1", manufacturer: "m", digest: "abc", isDemonstration: true)

    init(results count: Int = 1, to destinations: [String] = ["pacs"]) throws {
        directory = try TemporaryDirectory()
        store = try InstanceStore(directory: directory.file("store"))
        index = try StudyIndex(path: StudyIndex.path(in: store.directory))
        results = (0..<count).map { UID.of("2.25.9\($0)") }
        try receive("1.2.3.9.1.1")
        try analyse(results, to: destinations)
    }

    func receive(_ instance: String) throws {
        var header = InstanceHeader(
            sopClassUID: .of(PDUBytes.ctImageStorage), sopInstanceUID: .of(instance), studyInstanceUID: Self.study,
            seriesInstanceUID: .of("1.2.3.9.1"), transferSyntaxUID: .of(PDUBytes.explicitLittleEndian))
        header.modality = "CT"
        _ = try index.record(
            header,
            file: StoredFile(
                path: "instances/\(instance)", epoch: 1, size: 1, headerDigest: [UInt8](repeating: 1, count: 32),
                pixelDigest: nil))
    }

    /// A final run with these objects.
    func analyse(_ results: [UID], to destinations: [String] = ["pacs"]) throws {
        guard let series = try index.worklist().first?.series.first, let evidence = try index.evidence(for: series.id)
        else { throw ToolError("no series") }
        _ = try index.markComplete(series.id, revision: evidence.revision, evidence: "quiet")
        _ = try index.enqueue(series.id, revision: evidence.revision, models: [model], run: .final)
        guard let job = try index.queue().first, try index.beginAttempt(job.id) else { throw ToolError("no job") }
        let files = try results.map { uid in
            let path = directory.file("\(uid).dcm")
            try Part10Writer.write(to: path, sopInstanceUID: uid.string, pixelBytes: 100_000)
            let kept = try store.keepResult(path, sopInstanceUID: uid)
            return ResultFile(
                sopClassUID: .of(PDUBytes.ctImageStorage), sopInstanceUID: uid, seriesInstanceUID: .of("2.25.8"),
                transferSyntaxUID: .of(PDUBytes.explicitLittleEndian), path: kept.relativePath, size: kept.size,
                digest: kept.digest, destinations: destinations)
        }
        _ = try index.finish(job.id, .analysed(findings: [], results: files, notes: [], engineSeconds: 0))
    }

    /// What the worklist says of each object that is not superseded, at one destination.
    func deliveries(to destination: String = "pacs") throws -> [WorklistDelivery] {
        try index.worklist().flatMap(\.results).filter { !$0.isSuperseded }.flatMap(\.deliveries).filter {
            $0.destination == destination
        }
    }
}

/// The loop of one destination, turned by the test.
///
/// Unchecked: one thread turns a loop, made for it by the test.
struct Sender: @unchecked Sendable {
    let loop: DeliveryLoop
    let outbox: Outbox
    let destination: String
    let reports: CommitmentReports

    init(
        _ outbox: Outbox, to destination: String = "pacs", lane: Int = 0, port: Int, proof: Proof = .commitment,
        response: Double = 5, commitmentPatience: Double = 300, firstDelay: Double = 0.02,
        isAsked: @escaping () -> Bool = { false }
    ) {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let policy = DeliveryPolicy(
            proof: proof, firstDelay: firstDelay, longestDelay: firstDelay * 4, commitmentPatience: commitmentPatience,
            patience: 3)
        let recorder = DeliveryRecorder(index: outbox.index, policy: policy, logger: logger)
        let title = AETitle(literal: "PACS")
        let reports = CommitmentReports(
            index: outbox.index, destinations: [destination: .init(aeTitle: title, recorder: recorder, wake: {})],
            logger: logger)
        var timeouts = Timeouts()
        timeouts.response = .seconds(response)
        timeouts.connect = .seconds(2)
        let requestor = Requestor(
            callingAETitle: AETitle(literal: "TRIAGED"), calledAETitle: title, host: "127.0.0.1", port: UInt16(port),
            timeouts: timeouts)
        loop = DeliveryLoop(
            to: destination, lane: lane,
            over: AssociationRoute(requestor: requestor, proof: proof) { reports.take($0, from: title) },
            recorder: recorder, index: outbox.index, store: outbox.store, logger: logger, isAsked: isAsked, breathe: {},
            shouldStop: { false })
        self.outbox = outbox
        self.destination = destination
        self.reports = reports
    }

    /// Turns the loop until the deliveries satisfy the condition; gives what the worklist says at last.
    @discardableResult
    func turn(
        within seconds: Double = 20, until isDone: ([WorklistDelivery]) -> Bool
    ) throws -> [WorklistDelivery] {
        let end = ContinuousClock.now + .seconds(seconds)
        while true {
            let pause = try loop.turn()
            let now = try outbox.deliveries(to: destination)
            if isDone(now) || ContinuousClock.now > end { return now }
            if pause > 0 { Thread.sleep(forTimeInterval: min(pause, 0.05)) }
        }
    }
}

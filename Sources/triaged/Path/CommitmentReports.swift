// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Delivery
import Index
import Logging

/// Reports of destinations on the storage commitment that we asked them for, whichever way they come. Any thread.
struct CommitmentReports: Sendable {
    struct Asked: Sendable {
        /// Nil where it cannot be asked: a DICOMweb server.
        var aeTitle: AETitle?
        var recorder: DeliveryRecorder
        /// Wakes the loop of the destination.
        var wake: @Sendable () -> Void
    }

    let index: StudyIndex
    /// By name.
    let destinations: [String: Asked]
    let logger: Logger

    /// Success is answered once all is on disk. Who reports must be whom we asked: nobody else can know what it holds.
    func take(_ report: CommitmentReport, from calling: AETitle) -> StatusAnswer {
        let metadata: Logger.Metadata = [
            "callingAETitle": "\(calling)", "transactionUID": "\(report.transactionUID)",
        ]
        do {
            let asked = try index.deliveries(inTransaction: report.transactionUID).filter { delivery in
                destinations[delivery.destination]?.aeTitle.map { calling.isMeant(by: $0) } ?? false
            }
            guard !asked.isEmpty else {
                logger.warning("a report of storage commitment that nobody asked for", metadata: metadata)
                return StatusAnswer(status: .processingFailure, errorComment: "unknown Transaction UID")
            }
            let committed = Set(report.committed)
            let failed = Dictionary(report.failed.map { ($0.instance, $0.reason) }) { first, _ in first }
            for delivery in asked {
                guard let destination = destinations[delivery.destination] else { continue }
                let instance = SOPReference(
                    sopClassUID: delivery.sopClassUID, sopInstanceUID: delivery.sopInstanceUID)
                if let reason = failed[instance] {
                    // One on an earlier request tells nothing of what was sent since.
                    guard delivery.state == .sent, delivery.transactionUID == report.transactionUID else { continue }
                    try destination.recorder.recordProof(after: .notCommitted(reason), of: .commit, for: delivery)
                } else if committed.contains(instance) {
                    try destination.recorder.recordProof(after: .committed, of: .commit, for: delivery)
                }
            }
            logger.info(
                "storage commitment reported",
                metadata: metadata.merging(
                    ["committed": "\(report.committed.count)", "failed": "\(report.failed.count)"]) { $1 })
            for name in Set(asked.map(\.destination)) { destinations[name]?.wake() }
            return StatusAnswer(status: .success)
        } catch {
            logger.error("the index cannot be written: \(error)", metadata: metadata)
            return StatusAnswer(status: .processingFailure, errorComment: "the report cannot be kept")
        }
    }
}

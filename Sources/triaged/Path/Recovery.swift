// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Index
import Logging
import Storage

/// What a start does before anything is accepted: gives files without a row their rows, and puts back what was under way.
struct Recovery {
    let store: InstanceStore
    let index: StudyIndex
    let logger: Logger

    func run() throws {
        let found = try store.files(afterEpoch: try index.syncedEpoch())
        let report = try index.recover(
            found.map { UnindexedFile(path: $0.relativePath, epoch: $0.epoch, modified: $0.modified) }
        ) { file in
            let found = FoundFile(relativePath: file.path, epoch: file.epoch, modified: file.modified)
            let meta = try store.open(file.path).meta
            var scan = DataSetScan(
                transferSyntaxUID: meta.transferSyntaxUID, inflater: Inflaters.inflater(for: meta.transferSyntaxUID))
            let stored = try store.reread(found) { _, bytes in
                try scan.consume(bytes)
                return scan.pixelDataOffset
            }
            return RescannedFile(
                header: try scan.finish(), file: StoredFile(stored), callingAETitle: meta.sourceAETitle)
        }
        for path in report.duplicates { try? store.remove(path) }
        for path in report.unreadable { logger.error("\(path): without a row, and not readable; it stays where it is") }
        let interruption = try index.resume()
        logger.info(
            "recovered",
            metadata: [
                "files": "\(report.looked)", "rowsWritten": "\(report.recovered)",
                "duplicates": "\(report.duplicates.count)",
                "jobsQueuedAgain": "\(interruption.queuedAgain)", "jobsFailed": "\(interruption.failed)",
                "sendsUnanswered": "\(interruption.sends)",
            ])
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Index
import Logging
import Models
import Storage

/// What a start does before anything is accepted: gives files without a row their rows, and puts back what was under way.
struct Recovery {
    let store: InstanceStore
    let index: StudyIndex
    /// Those that may run by the configuration of this start.
    let packages: [ModelPackage]
    let logger: Logger

    func run() throws {
        var unfinished: [String] = []
        let found = try store.files(afterEpoch: try index.syncedEpoch())
        let report = try index.recover(
            found.map { UnindexedFile(path: $0.relativePath, epoch: $0.epoch, modified: $0.modified) }
        ) { file in
            do { return try read(file) } catch let error as StorageError {
                // A disk that cannot be read now is no reason to forget an acknowledged instance.
                if case .system = error { throw error }
                if case .unfinished = error { unfinished.append(file.path) }
                return nil
            } catch { return nil }
        }
        for path in report.duplicates { try? store.remove(path) }
        // Begun and never acknowledged.
        for path in unfinished { try? store.remove(path) }
        for path in report.unreadable where !unfinished.contains(path) {
            logger.error("\(path): without a row, and not readable; it stays where it is")
        }
        for path in try index.resultsWithoutHeader() {
            guard let header = try? FileScan.admit(store.absolutePath(of: path)) else { continue }
            try index.describe(result: path, header)
        }
        let interruption = try index.resume()
        let withdrawn = try index.withdrawJobs(except: packages.map(\.identity))
        logger.info(
            "recovered",
            metadata: [
                "files": "\(report.looked)", "rowsWritten": "\(report.recovered)",
                "duplicates": "\(report.duplicates.count)", "unfinished": "\(unfinished.count)",
                "jobsQueuedAgain": "\(interruption.queuedAgain)", "jobsFailed": "\(interruption.failed)",
                "sendsUnanswered": "\(interruption.sends)", "jobsWithdrawn": "\(withdrawn)",
            ])
    }

    private func read(_ file: UnindexedFile) throws -> RescannedFile {
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
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import GRDB

/// A file in the store, as it is found after a start.
package struct UnindexedFile: Sendable, Hashable {
    /// Relative to the store.
    package var path: String
    package var epoch: Int64
    /// Of its last write, nanoseconds since 1970.
    package var modified: Int64

    package init(path: String, epoch: Int64, modified: Int64) {
        self.path = path
        self.epoch = epoch
        self.modified = modified
    }
}

/// What reading an unindexed file once more gives.
package struct RescannedFile: Sendable {
    package var header: InstanceHeader
    package var file: StoredFile
    package var callingAETitle: AETitle?

    package init(header: InstanceHeader, file: StoredFile, callingAETitle: AETitle?) {
        self.header = header
        self.file = file
        self.callingAETitle = callingAETitle
    }
}

package struct RecoveryReport: Sendable, Equatable {
    /// Files that were looked up by name.
    package var looked = 0
    /// Files whose rows were written again.
    package var recovered = 0
    /// Files whose bytes another file holds for certain: the caller removes them.
    package var duplicates: [String] = []
    /// Files that no longer can be read as DICOM: they stay where they are and are looked at again by the next start.
    package var unreadable: [String] = []

    package init(looked: Int = 0, recovered: Int = 0, duplicates: [String] = [], unreadable: [String] = []) {
        self.looked = looked
        self.recovered = recovered
        self.duplicates = duplicates
        self.unreadable = unreadable
    }
}

extension StudyIndex {
    /// Files of this epoch and before have their rows on disk for certain; `recover` wants those of later epochs.
    package func syncedEpoch() throws(IndexError) -> Int64 {
        try reading { db in try Int64.fetchOne(db, sql: "SELECT syncedEpoch FROM node") ?? 0 }
    }

    /// Writes the rows that a power cut has taken. To be called once after a start, before anything is accepted.
    ///
    /// - Parameters:
    ///   - files: of all epochs after `syncedEpoch()`, in the order in which they were written.
    ///   - scan: reads a file anew; called only for files without a row. Nil where the file is no DICOM that can be read;
    ///     a throw ends the recovery, as the file may be readable the next time.
    package func recover(
        _ files: [UnindexedFile], scan: (UnindexedFile) throws -> RescannedFile?
    ) throws(IndexError) -> RecoveryReport {
        var report = RecoveryReport()
        report.looked = files.count
        let epochs = Set(files.map(\.epoch))
        let known = try reading { db in
            var known: Set<String> = []
            for epoch in epochs {
                known.formUnion(
                    try String.fetchSet(db, sql: "SELECT path FROM instance WHERE epoch = ?", arguments: [epoch]))
            }
            return known
        }
        for file in files where !known.contains(file.path) {
            let rescanned: RescannedFile?
            do { rescanned = try scan(file) } catch { throw .cannotOpen(path: file.path, message: "\(error)") }
            guard let rescanned else {
                report.unreadable.append(file.path)
                continue
            }
            let now = clock()
            // A clock that was reset must not make the instance one of the future, for whose quiet period nobody waits.
            let written = min(file.modified / 1_000_000, now.wall)
            let outcome = try record(
                rescanned.header, file: rescanned.file, callingAETitle: rescanned.callingAETitle,
                receivedAt: Moment(wall: written, monotonic: now.monotonic - (now.wall - written) * 1_000_000))
            if case .duplicate = outcome { report.duplicates.append(file.path) } else { report.recovered += 1 }
        }
        do { try syncer.sync() } catch { throw .wrapping(error) }
        return report
    }
}

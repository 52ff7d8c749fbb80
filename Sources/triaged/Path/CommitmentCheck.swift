// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc
import Index
import Logging
import Storage

/// May a peer delete its copy of an instance? Only of one whose every kept file is on disk as it was acknowledged: it is read now,
/// whole, and compared with the digests of the index.
struct CommitmentCheck {
    let store: InstanceStore
    let logger: Logger

    static let damage = "a stored file is not what was acknowledged; see the log, and send the instance again"

    /// Failure Reasons of PS3.3 C.14.
    func verdict(on item: CommitmentItem) -> CommitmentVerdict {
        guard !item.files.isEmpty else {
            let isStorage = StorageSOPClasses.contains(item.instance.sopClassUID)
            return CommitmentVerdict(item: item, failure: isStorage ? .noSuchSOPInstance : .sopClassNotSupported)
        }
        guard item.sopClassUIDs == [item.instance.sopClassUID.string] else {
            return CommitmentVerdict(item: item, failure: .classInstanceConflict)
        }
        // Two objects came under this UID, and nobody knows which of them the peer means: it must keep its own.
        guard !item.isInConflict else { return CommitmentVerdict(item: item, failure: .processingFailure) }
        for file in item.files {
            do {
                guard try isIntact(file) else {
                    return damaged(item, file, "its bytes are not those that were acknowledged")
                }
            } catch let error as StorageError {
                // What may be otherwise in a moment is not held against the file.
                if case .system(_, _, let code) = error, [ENOMEM, EMFILE, ENFILE, EINTR].contains(code) {
                    logger.warning("not committed: \(error)", metadata: metadata(item))
                    return CommitmentVerdict(item: item, failure: .resourceLimitation)
                }
                return damaged(item, file, "\(error)")
            } catch {
                return damaged(item, file, "\(error)")
            }
        }
        return CommitmentVerdict(item: item, failure: nil)
    }

    private func isIntact(_ file: CommitmentFile) throws -> Bool {
        var scan = DataSetScan(
            transferSyntaxUID: file.transferSyntaxUID, inflater: Inflaters.inflater(for: file.transferSyntaxUID))
        let found = FoundFile(relativePath: file.file.path, epoch: file.file.epoch, modified: 0)
        let stored = try store.verify(found) { _, bytes in
            try scan.consume(bytes)
            return scan.pixelDataOffset
        }
        return StoredFile(stored) == file.file
    }

    private func damaged(_ item: CommitmentItem, _ file: CommitmentFile, _ reason: String) -> CommitmentVerdict {
        var metadata = metadata(item)
        metadata["path"] = "\(file.file.path)"
        logger.error("a stored file is damaged, and not committed to: \(reason)", metadata: metadata)
        return CommitmentVerdict(
            item: item, failure: .processingFailure, damage: .init(instance: file.instance, reason: Self.damage))
    }

    private func metadata(_ item: CommitmentItem) -> Logger.Metadata {
        ["sopInstanceUID": "\(item.instance.sopInstanceUID)"]
    }
}

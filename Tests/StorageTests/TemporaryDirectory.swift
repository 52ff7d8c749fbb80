// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Glibc
import Storage

/// A directory that goes with its test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "storage-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Files below it that have bytes, relative; symbolic links too.
    var files: [String] { all { $0 > 0 } }

    /// Places that were made ahead, and the lock.
    var emptyFiles: [String] { all { $0 == 0 } }

    private func all(_ isWanted: (Int64) -> Bool) -> [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { name in
            var status = stat()
            return lstat(path + "/" + name, &status) == 0 && status.st_mode & S_IFMT != S_IFDIR
                && isWanted(Int64(status.st_size))
        }.sorted()
    }

    /// As a power cut or a kill leaves it: what is in it now, without what would tidy up.
    func copy() throws -> TemporaryDirectory {
        let copy = TemporaryDirectory()
        try FileManager.default.removeItem(atPath: copy.path)
        try FileManager.default.copyItem(atPath: path, toPath: copy.path)
        return copy
    }
}

extension FileMetaInformation {
    static func of(_ instance: String) -> FileMetaInformation {
        FileMetaInformation(
            sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"), sopInstanceUID: UID(instance) ?? UID(literal: "1"),
            transferSyntaxUID: UID(literal: "1.2.840.10008.1.2.1"), sourceAETitle: AETitle("CT1"))
    }
}

extension InstanceWriter {
    func append(_ bytes: [UInt8], pixelDataOffset: UInt64? = nil) throws(StorageError) {
        var failure: StorageError?
        bytes.withUnsafeBytes { raw in
            do throws(StorageError) { try append(raw, pixelDataOffset: pixelDataOffset) } catch { failure = error }
        }
        if let failure { throw failure }
    }
}

func bytes(_ path: String) -> [UInt8] { (FileManager.default.contents(atPath: path) ?? Data()).map { $0 } }

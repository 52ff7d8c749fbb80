// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Storage

/// A directory that goes with its test.
final class TemporaryDirectory: Sendable {
    let path: String

    init() {
        path = NSTemporaryDirectory() + "storage-\(UUID().uuidString)"
        try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// Regular files below it, relative, without the lock.
    var files: [String] {
        let all = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        return all.filter { name in
            var isDirectory: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isDirectory)
            return !isDirectory.boolValue && name != "lock"
        }.sorted()
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

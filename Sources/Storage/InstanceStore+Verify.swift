// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

extension InstanceStore {
    /// Reads a stored file from the disk itself, once its data and its name are certainly there: what a peer may rely on when it
    /// deletes its own copy.
    ///
    /// - Parameter scan: as for `reread`.
    package func verify(
        _ file: FoundFile, scan: (FileMetaInformation, UnsafeRawBufferPointer) throws -> UInt64?
    ) throws -> StoredInstance {
        let path = try absolutePath(of: file.relativePath)
        try Self.settle(path, shown: file.relativePath)
        return try reread(file, scan: scan)
    }

    private static func settle(_ path: String, shown: String) throws(StorageError) {
        let data = try Descriptor(path, O_RDONLY, shown: shown)
        // Both were done before the instance was acknowledged; not so where a killed daemon left the file without a row, and the
        // next start wrote the row.
        try data.sync()
        let directory = String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
        try Descriptor(directory, O_RDONLY | O_DIRECTORY, shown: shown).syncEntries()
        // Else the pages of the file's own writing would be compared with themselves. A file system may ignore this.
        posix_fadvise(data.number, 0, 0, Int32(POSIX_FADV_DONTNEED))
    }
}

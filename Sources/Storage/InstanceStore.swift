// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc
import Synchronization

/// The store: instances and results as Part 10 files below one directory.
/// Takes the bytes of data sets as they arrive, and result files that workers wrote.
/// Gives durable files by their path, their digests, and the files that a start must look at again.
/// Keeps what it was given byte for byte; a file is complete and on disk, or it is not there.
/// Never transcodes, never replaces a file, never shares its directory with another process. Any thread may call.
package final class InstanceStore: Sendable {
    package let directory: String

    let buffers = BufferPool()
    let places: Places
    private let lock: Descriptor
    private let results: Mutex<[String: SharedDirectory]> = Mutex([:])
    private let temporaryNumber = Atomic<UInt64>(0)

    /// Files of an epoch, so that a directory stays small and a start looks at few files.
    package static let epochCapacity = 4096

    /// Makes the directory where it is missing, takes its lock, and removes what an interrupted run left half-written.
    package init(directory: String, epochCapacity: Int = InstanceStore.epochCapacity) throws(StorageError) {
        self.directory = directory
        try Files.makeDirectory(directory)
        lock = try Descriptor(directory + "/lock", O_RDWR | O_CREAT)
        guard flock(lock.number, LOCK_EX | LOCK_NB) == 0 else {
            if errno == EWOULDBLOCK { throw .inUse(directory: directory) }
            throw .last("flock", directory)
        }
        for name in ["instances", "results", "incoming"] { try Files.makeDirectory(directory + "/" + name) }
        try Self.clearIncoming(of: directory)
        places = try Places(directory: directory, capacity: epochCapacity)
    }

    /// Begins one instance. The writer belongs to one thread.
    package func writer(for meta: FileMetaInformation) -> InstanceWriter { InstanceWriter(store: self, meta: meta) }

    package func absolutePath(of relativePath: String) throws(StorageError) -> String {
        let parts = relativePath.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, ["instances", "results"].contains(parts[0]),
            parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." && !$0.utf8.contains(0) })
        else { throw .foreignPath(relativePath) }
        return directory + "/" + relativePath
    }

    package func open(_ relativePath: String) throws(StorageError) -> Part10File {
        try Part10File(path: absolutePath(of: relativePath))
    }

    /// Whether the file is there in the size that it was kept with: worth asking before a fresh copy of it is removed.
    package func holds(_ relativePath: String, size: Int64) -> Bool {
        guard let path = try? absolutePath(of: relativePath) else { return false }
        var status = stat()
        return lstat(path, &status) == 0 && Int64(status.st_size) == size
    }

    /// Removes a file that nobody was promised: a duplicate, or one whose row could not be written. It is gone for good when
    /// this returns: after a power cut no start would look for it in an epoch that is done with.
    package func remove(_ relativePath: String) throws(StorageError) {
        guard unlink(try absolutePath(of: relativePath)) == 0 || errno == ENOENT else {
            throw .last("unlink", relativePath)
        }
        let folder = String(relativePath[..<(relativePath.lastIndex(of: "/") ?? relativePath.endIndex)])
        try Descriptor(directory + "/" + folder, O_RDONLY | O_DIRECTORY, shown: folder).syncEntries()
    }

    /// Bytes that the service may still write.
    package func freeBytes() throws(StorageError) -> Int64 {
        var status = statvfs()
        guard statvfs(directory, &status) == 0 else { throw .last("statvfs", directory) }
        return Int64(status.f_bavail) * Int64(status.f_frsize)
    }

    // MARK: Names

    /// A name that nobody else has, for a file that is being written.
    func temporaryPath() -> String {
        "\(directory)/incoming/\(temporaryNumber.add(1, ordering: .relaxed).newValue)"
    }

    func resultDirectory(_ name: String) throws(StorageError) -> SharedDirectory {
        if let known = results.withLock({ $0[name] }) { return known }
        let path = "results/" + name
        try Files.makeDirectory(directory + "/" + path)
        let made = try SharedDirectory(directory + "/" + path, shown: path)
        results.withLock { $0[name] = made }
        return made
    }
}

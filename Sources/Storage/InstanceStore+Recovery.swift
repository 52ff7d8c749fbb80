// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A file that lies in the store, whether or not the index knows it.
package struct FoundFile: Sendable, Hashable {
    package var relativePath: String
    package var epoch: Int64
    /// Of its last write, nanoseconds since 1970.
    package var modified: Int64

    package init(relativePath: String, epoch: Int64, modified: Int64) {
        self.relativePath = relativePath
        self.epoch = epoch
        self.modified = modified
    }
}

extension InstanceStore {
    /// Removes what an interrupted run left half-written: its temporary files, and the instances that its notes lead to.
    static func clearIncoming(of directory: String) throws(StorageError) {
        let incoming = directory + "/incoming/"
        for name in try Files.names(in: incoming) {
            if let target = Files.target(ofLink: incoming + name),
                (try? Part10File(path: incoming + name))?.seal == Seal.none
            {
                unlink(incoming + target)
            }
            unlink(incoming + name)
        }
    }

    /// The files of all epochs after `epoch`, in the order in which they were written. Looks at names only, and at no
    /// directory of an earlier epoch. The names are on disk when this returns: one that a killed process did not come to
    /// sync may get its row now, and a copy that is sent again would be given up for it.
    package func files(afterEpoch epoch: Int64) throws(StorageError) -> [FoundFile] {
        var found: [FoundFile] = []
        var parents: Set<String> = []
        for number in try Places.epochNumbers(in: directory) where number > epoch {
            let path = Places.path(ofEpoch: number)
            try sync(path)
            let parent = String(path[..<(path.lastIndex(of: "/") ?? path.endIndex)])
            if parents.insert(parent).inserted { try sync(parent) }
            for name in try Files.names(in: directory + "/" + path) {
                let relativePath = path + "/" + name
                var status = stat()
                // Nothing was ever written to an unused place.
                guard lstat(directory + "/" + relativePath, &status) == 0, status.st_size > 0 else { continue }
                found.append(
                    FoundFile(
                        relativePath: relativePath, epoch: number,
                        modified: Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)))
            }
        }
        if !parents.isEmpty { try sync("instances") }
        return found.sorted { ($0.epoch, $0.modified, $0.relativePath) < ($1.epoch, $1.modified, $1.relativePath) }
    }

    private func sync(_ path: String) throws(StorageError) {
        try Descriptor(directory + "/" + path, O_RDONLY | O_DIRECTORY, shown: path).syncEntries()
    }

    /// Reads a stored file once more, for its row or to verify it. What was read is on disk when this returns.
    ///
    /// - Throws: `unfinished` and `damaged` among others.
    /// - Parameter scan: sees the data set's bytes in order, and returns the place of Pixel Data once it knows.
    package func reread(
        _ file: FoundFile, scan: (FileMetaInformation, UnsafeRawBufferPointer) throws -> UInt64?
    ) throws -> StoredInstance {
        let part10 = try open(file.relativePath)
        try part10.checkSeal()
        var digest = SplitDigest()
        let buffer = buffers.take()
        defer { buffers.give(buffer) }
        while true {
            let count = try part10.read(into: buffer.bytes)
            guard count > 0 else { break }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<count])
            digest.update(bytes, pixelDataOffset: try scan(part10.meta, bytes))
        }
        try part10.sync()
        let (header, pixels) = digest.finish()
        return StoredInstance(
            relativePath: file.relativePath, epoch: file.epoch, size: part10.dataSetOffset + part10.dataSetLength,
            headerDigest: header, pixelDigest: pixels)
    }
}

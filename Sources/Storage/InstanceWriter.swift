// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Glibc

/// A file that is on disk for certain, by content and by name.
package struct StoredInstance: Sendable, Hashable {
    /// Relative to the store.
    package var relativePath: String
    /// Files of later epochs than the index has on disk are looked at by the next start: docs/decisions/01.
    package var epoch: Int64
    /// Of the whole file, bytes.
    package var size: Int64
    /// SHA-256 of the data set up to Pixel Data.
    package var headerDigest: [UInt8]
    /// SHA-256 from Pixel Data to the end; nil where no Pixel Data was named.
    package var pixelDigest: [UInt8]?
}

/// Receives one instance. Belongs to one thread; what is not committed leaves nothing behind.
package final class InstanceWriter {
    private let store: InstanceStore
    private let meta: FileMetaInformation
    private var digest = SplitDigest()
    private var buffer: BufferPool.Buffer?
    private var filled = 0
    private var temporary: Temporary?
    private var size: Int64 = 0

    private struct Temporary: ~Copyable {
        let path: String
        let file: Descriptor
    }

    init(store: InstanceStore, meta: FileMetaInformation) {
        self.store = store
        self.meta = meta
        buffer = store.buffers.take()
        meta.bytes.withUnsafeBytes { fill($0) }
    }

    deinit { abandon() }

    /// Takes the next bytes of the data set.
    ///
    /// - Parameter pixelDataOffset: of the top-level Pixel Data element from the data set's first byte, as soon as the scan
    ///   knows it, and from then on.
    /// - Throws: after a throw the writer can only be abandoned.
    package func append(_ bytes: UnsafeRawBufferPointer, pixelDataOffset: UInt64?) throws(StorageError) {
        try digest.update(bytes, pixelDataOffset: pixelDataOffset)
        var rest = bytes
        while rest.count > BufferPool.size - filled {
            let room = BufferPool.size - filled
            fill(UnsafeRawBufferPointer(rebasing: rest[..<room]))
            rest = UnsafeRawBufferPointer(rebasing: rest[room...])
            try spill()
        }
        fill(rest)
    }

    /// Makes the instance durable. The order is that of decision 1: data, name, directory.
    package func commit() throws(StorageError) -> StoredInstance {
        do throws(StorageError) {
            try spill()
            guard let path = temporary?.path else { preconditionFailure("a writer commits once") }
            try temporary?.file.sync()
            let place = try store.nextPlace()
            // The number makes the name new in its directory, so that the rename replaces nothing.
            let name = "\(place.epoch.path)/\(meta.sopInstanceUID).\(place.number).dcm"
            guard rename(path, store.directory + "/" + name) == 0 else { throw StorageError.last("rename", name) }
            // Closed, and no longer there to be abandoned.
            temporary = nil
            release()
            do throws(StorageError) { try place.epoch.directory.sync() } catch {
                // The name may or may not be on disk: not a success, and not to be found by the next start either.
                unlink(store.directory + "/" + name)
                throw error
            }
            let (header, pixels) = digest.finish()
            return StoredInstance(
                relativePath: name, epoch: place.epoch.number, size: size, headerDigest: header, pixelDigest: pixels)
        } catch {
            abandon()
            throw error
        }
    }

    /// Forgets the instance; nothing of it remains.
    package func abandon() {
        if let path = temporary?.path { unlink(path) }
        temporary = nil
        release()
    }

    private func release() {
        if let buffer { store.buffers.give(buffer) }
        buffer = nil
    }

    private func fill(_ bytes: UnsafeRawBufferPointer) {
        guard let buffer, !bytes.isEmpty else { return }
        buffer.bytes[filled...].copyBytes(from: bytes)
        filled += bytes.count
        size += Int64(bytes.count)
    }

    private func spill() throws(StorageError) {
        guard let buffer else { preconditionFailure("the writer was committed or abandoned") }
        if temporary == nil {
            let path = store.temporaryPath()
            temporary = Temporary(
                path: path, file: try Descriptor(path, O_WRONLY | O_CREAT | O_EXCL, shown: meta.sopInstanceUID.string))
        }
        try temporary?.file.write(UnsafeRawBufferPointer(rebasing: buffer.bytes[..<filled]))
        filled = 0
    }
}

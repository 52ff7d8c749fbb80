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

/// A file that is on disk for certain, while its digests may still be on their way.
package struct DurableInstance: Sendable {
    package let relativePath: String
    package let epoch: Int64
    package let size: Int64
    let digests: DigestLane

    /// To be called once; waits for the digests.
    package func stored() -> StoredInstance {
        let (header, pixels) = digests.finish()
        return StoredInstance(
            relativePath: relativePath, epoch: epoch, size: size, headerDigest: header, pixelDigest: pixels)
    }
}

/// Receives one instance. Belongs to one thread; what is not committed leaves nothing behind.
package final class InstanceWriter {
    private let store: InstanceStore
    private let head: [UInt8]
    private let digests: DigestLane
    private var tally = Tally()
    private var buffer: BufferPool.Buffer?
    private var filled = 0
    private var place: Place?
    /// Of what has gone to the file.
    private var written = 0
    private var pixelDataOffset: UInt64?

    init(store: InstanceStore, meta: FileMetaInformation) {
        self.store = store
        head = meta.bytes
        digests = DigestLane(pool: store.buffers)
        let buffer = store.buffers.take()
        buffer.bytes.copyBytes(from: head)
        self.buffer = buffer
        filled = head.count
    }

    deinit { abandon() }

    /// Takes the next bytes of the data set.
    ///
    /// - Parameter pixelDataOffset: of the top-level Pixel Data element from the data set's first byte, as soon as the scan
    ///   knows it, and from then on.
    /// - Throws: after a throw the writer can only be abandoned.
    package func append(_ bytes: UnsafeRawBufferPointer, pixelDataOffset: UInt64?) throws(StorageError) {
        if self.pixelDataOffset == nil, let pixelDataOffset {
            guard pixelDataOffset + UInt64(SplitDigest.lag) >= UInt64(written + filled - head.count) else {
                throw .pixelDataOffsetTooLate
            }
            self.pixelDataOffset = pixelDataOffset
        }
        var rest = bytes
        while true {
            guard let buffer else { preconditionFailure("the writer was committed or abandoned") }
            let count = min(rest.count, BufferPool.size - filled)
            if count > 0 {
                buffer.bytes[filled...].copyBytes(from: rest[rest.startIndex..<rest.startIndex + count])
                filled += count
            }
            guard count < rest.count else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[(rest.startIndex + count)...])
            try spill()
            self.buffer = store.buffers.take()
            filled = 0
        }
    }

    /// Makes the instance durable: one sync brings data and size to disk, and the name is there already (decision 1).
    package func makeDurable() throws(StorageError) -> DurableInstance {
        do throws(StorageError) {
            let isWhole = written == 0
            try spill(isLast: true)
            guard let place else { preconditionFailure("a writer commits once") }
            if !isWhole {
                try place.file.write(Seal(size: UInt64(written), tally: tally.value).bytes, at: sealOffset)
            }
            try place.file.sync()
            self.place = nil
            store.places.leave(place)
            return DurableInstance(
                relativePath: place.path, epoch: place.epoch, size: Int64(written), digests: digests)
        } catch {
            abandon()
            throw error
        }
    }

    package func commit() throws(StorageError) -> StoredInstance { try makeDurable().stored() }

    /// Forgets the instance; nothing of it remains.
    package func abandon() {
        if let place {
            unlink(store.directory + "/" + place.path)
            store.places.leave(place)
        }
        place = nil
        if let buffer { store.buffers.give(buffer) }
        buffer = nil
    }

    private var sealOffset: Int { head.count - Seal.length }

    /// Writes what is in the buffer and hands it on to be digested.
    private func spill(isLast: Bool = false) throws(StorageError) {
        guard let buffer else { preconditionFailure("the writer was committed or abandoned") }
        let bytes = UnsafeRawBufferPointer(rebasing: buffer.bytes[..<filled])
        tally.update(bytes)
        let start = written == 0 ? head.count : 0
        if isLast, written == 0 {
            let seal = Seal(size: UInt64(filled), tally: tally.value).bytes
            buffer.bytes[sealOffset..<head.count].copyBytes(from: seal)
        }
        if place == nil { place = try store.places.take() }
        try place?.file.write(bytes)
        // The disk works while the rest arrives, so that little is left to the sync.
        if !isLast { place?.file.beginSync(from: written, count: filled) }
        written += filled
        self.buffer = nil
        digests.take(buffer, start..<filled, pixelDataOffset: pixelDataOffset)
    }
}

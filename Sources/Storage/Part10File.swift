// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A Part 10 file that is open for reading. Belongs to one thread.
package final class Part10File {
    package let meta: FileMetaInformation
    /// Where the data set begins, bytes from the start of the file.
    package let dataSetOffset: Int64
    package let dataSetLength: Int64
    /// Nil in a file that this store did not write.
    let seal: Seal?
    private let file: Descriptor

    package init(path: String) throws(StorageError) {
        file = try Descriptor(path, O_RDONLY)
        let size = try file.size
        var head = [UInt8](repeating: 0, count: 64 << 10)
        let number = file.number
        let count = head.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .last("read", path) }
        guard let (meta, offset, seal) = head[..<count].withUnsafeBytes({ FileMetaInformation.parse($0) }) else {
            throw .notPart10(path: path)
        }
        self.meta = meta
        self.seal = seal
        dataSetOffset = Int64(offset)
        dataSetLength = size - Int64(offset)
        guard lseek(number, Int(offset), SEEK_SET) >= 0 else { throw .last("lseek", path) }
    }

    func sync() throws(StorageError) { try file.sync() }

    /// The next bytes of the data set, as stored; 0 at its end.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws(StorageError) -> Int {
        while true {
            let count = Glibc.read(file.number, buffer.baseAddress, buffer.count)
            if count >= 0 { return count }
            guard errno == EINTR else { throw .last("read", file.path) }
        }
    }

    /// Throws `unfinished` or `damaged` where the file is not as this store sealed it; a file without a place for a seal has
    /// none to be checked.
    func checkSeal() throws(StorageError) {
        guard let seal else { return }
        guard seal != .none else { throw .unfinished(path: file.path) }
        var buffer = [UInt8](repeating: 0, count: BufferPool.size)
        var tally = Tally()
        var offset = 0
        while true {
            var count = 0
            // Whole blocks go to the tally; a read may end anywhere.
            while count < buffer.count {
                let more = buffer.withUnsafeMutableBytes { [number = file.number] in
                    pread(number, $0.baseAddress! + count, $0.count - count, offset + count)
                }
                if more < 0 {
                    if errno == EINTR { continue }
                    throw .last("read", file.path)
                }
                guard more > 0 else { break }
                count += more
            }
            if offset == 0 {
                let place = Int(dataSetOffset) - Seal.length..<Int(dataSetOffset)
                guard place.upperBound <= count else { throw .damaged(path: file.path) }
                buffer.replaceSubrange(place, with: Seal.none.bytes)
            }
            buffer.withUnsafeBytes { tally.update(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
            offset += count
            guard count == buffer.count else { break }
        }
        guard seal == Seal(size: UInt64(offset), tally: tally.value) else { throw .damaged(path: file.path) }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A Part 10 file that is open for reading. Belongs to one thread.
package final class Part10File {
    package let meta: FileMetaInformation
    /// Where the data set begins, bytes from the start of the file.
    package let dataSetOffset: Int64
    package let dataSetLength: Int64
    private let file: Descriptor

    package init(path: String) throws(StorageError) {
        file = try Descriptor(path, O_RDONLY)
        let size = try file.size
        var head = [UInt8](repeating: 0, count: 64 << 10)
        let number = file.number
        let count = head.withUnsafeMutableBytes { pread(number, $0.baseAddress, $0.count, 0) }
        guard count >= 0 else { throw .last("read", path) }
        guard let (meta, offset) = head[..<count].withUnsafeBytes({ FileMetaInformation.parse($0) }) else {
            throw .notPart10(path: path)
        }
        self.meta = meta
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
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Glibc

/// An encoded object that is kept for delivery, as it is.
package struct StoredResult: Sendable, Hashable {
    /// Relative to the store.
    package var relativePath: String
    package var size: Int64
    /// SHA-256 of the file, lower-case hex.
    package var digest: String
}

extension InstanceStore {
    /// Takes over a file that a worker wrote, durably: data, name, directory. The same object with the same bytes may come
    /// again; with other bytes it is an error, as a UID stands for one byte string (decision 9).
    ///
    /// - Parameter path: anywhere; on the store's file system the file is moved, elsewhere copied and removed.
    package func keepResult(_ path: String, sopInstanceUID: UID) throws(StorageError) -> StoredResult {
        var source = path
        let temporary = temporaryPath()
        if rename(path, temporary) != 0 {
            guard errno == EXDEV else { throw .last("rename", path) }
            do throws(StorageError) { try Self.copy(path, to: temporary) } catch {
                unlink(temporary)
                throw error
            }
            unlink(path)
        }
        source = temporary
        do throws(StorageError) {
            let file = try Descriptor(source, O_RDWR, shown: sopInstanceUID.string)
            try file.sync()
            let (digest, size) = try Self.digest(file)
            let directory = Self.resultDirectoryName(sopInstanceUID)
            let name = "results/\(directory)/\(sopInstanceUID).dcm"
            let shared = try resultDirectory(directory)
            if try !Files.move(source, toNew: self.directory + "/" + name, shown: name) {
                let kept = try Descriptor(self.directory + "/" + name, O_RDONLY, shown: name)
                guard try Self.digest(kept).digest == digest else { throw StorageError.exists(path: name) }
                unlink(source)
            }
            try shared.sync()
            return StoredResult(relativePath: name, size: size, digest: digest)
        } catch {
            unlink(source)
            throw error
        }
    }

    /// One of 256 directories, by the UID.
    private static func resultDirectoryName(_ uid: UID) -> String {
        hex(Array(SHA256.hash(data: Array(uid.string.utf8)).prefix(1)))
    }

    private static func digest(_ file: borrowing Descriptor) throws(StorageError) -> (digest: String, size: Int64) {
        var hash = SHA256()
        var size: Int64 = 0
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { pread(file.number, $0.baseAddress, $0.count, Int(size)) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .last("read", file.path)
            }
            guard count > 0 else { return (hex(Array(hash.finalize())), size) }
            buffer[..<count].withUnsafeBytes { hash.update(bufferPointer: $0) }
            size += Int64(count)
        }
    }

    private static func copy(_ from: String, to: String) throws(StorageError) {
        let source = try Descriptor(from, O_RDONLY)
        let target = try Descriptor(to, O_WRONLY | O_CREAT | O_EXCL)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(source.number, $0.baseAddress, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw .last("read", from)
            }
            guard count > 0 else { return }
            var failure: StorageError?
            buffer[..<count].withUnsafeBytes { bytes in
                do throws(StorageError) { try target.write(bytes) } catch { failure = error }
            }
            if let failure { throw failure }
        }
    }

    static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef")
        return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}

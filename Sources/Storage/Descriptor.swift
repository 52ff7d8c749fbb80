// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// An open file or directory; closed when it goes.
struct Descriptor: ~Copyable {
    let number: Int32
    /// For messages.
    let path: String

    /// - Parameter flags: O_CLOEXEC is added: workers must not inherit files of the store.
    init(_ path: String, _ flags: Int32, mode: mode_t = 0o640, shown: String? = nil) throws(StorageError) {
        var number: Int32
        repeat { number = Glibc.open(path, flags | O_CLOEXEC, mode) } while number < 0 && errno == EINTR
        guard number >= 0 else { throw .last("open", shown ?? path) }
        self.number = number
        self.path = shown ?? path
    }

    deinit { Glibc.close(number) }

    /// Writes all of it, at the end of what was written so far.
    func write(_ bytes: UnsafeRawBufferPointer) throws(StorageError) {
        var rest = bytes
        while !rest.isEmpty {
            let count = Glibc.write(number, rest.baseAddress, rest.count)
            if count < 0 {
                if errno == EINTR { continue }
                throw .last("write", path)
            }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }

    func write(_ bytes: [UInt8], at offset: Int) throws(StorageError) {
        var count: Int
        repeat { count = pwrite(number, bytes, bytes.count, offset) } while count < 0 && errno == EINTR
        guard count == bytes.count else { throw .last("pwrite", path) }
    }

    /// Sends what was written on its way to the disk without waiting for it. Promises nothing: `sync` does.
    func beginSync(from offset: Int, count: Int) {
        _ = clinux_begin_write(number, Int64(offset), Int64(count))
    }

    /// Data and size are on disk when this returns. A failure is final: the kernel drops the pages that it could not
    /// write, so that a second call would lie.
    func sync() throws(StorageError) {
        guard fdatasync(number) == 0 else { throw .last("fdatasync", path) }
    }

    /// For directories: their entries are on disk when this returns.
    func syncEntries() throws(StorageError) {
        guard fsync(number) == 0 else { throw .last("fsync", path) }
    }

    var size: Int64 {
        get throws(StorageError) {
            var status = stat()
            guard fstat(number, &status) == 0 else { throw .last("fstat", path) }
            return Int64(status.st_size)
        }
    }
}

enum Files {
    /// Makes the directory where it is missing; its entry is on disk when this returns, also where a process made it that
    /// was killed before it could sync.
    static func makeDirectory(_ path: String) throws(StorageError) {
        guard mkdir(path, 0o750) == 0 || errno == EEXIST else { throw .last("mkdir", path) }
        try Descriptor(path + "/..", O_RDONLY | O_DIRECTORY, shown: path).syncEntries()
    }

    /// Gives a file another name without ever replacing one: false where the name is taken.
    static func move(_ from: String, toNew to: String, shown: String) throws(StorageError) -> Bool {
        guard link(from, to) == 0 else {
            if errno == EEXIST { return false }
            throw .last("link", shown)
        }
        unlink(from)
        return true
    }

    /// What a symbolic link says; nil where the path is none.
    static func target(ofLink path: String) -> String? {
        var bytes = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = bytes.withUnsafeMutableBytes { bytes in
            bytes.baseAddress.map { readlink(path, $0, bytes.count) } ?? -1
        }
        return count > 0 ? String(decoding: bytes[..<count], as: UTF8.self) : nil
    }

    /// Names in a directory, without "." and "..", sorted.
    static func names(in directory: String) throws(StorageError) -> [String] {
        guard let stream = opendir(directory) else { throw .last("opendir", directory) }
        defer { closedir(stream) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(stream) else {
                guard errno == 0 else { throw .last("readdir", directory) }
                return names.sorted()
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
    }
}

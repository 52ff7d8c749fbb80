// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation
import Storage
import Testing

@Suite struct InstanceWriterTests {
    let directory = TemporaryDirectory()

    @Test(
        "A committed instance is preamble, meta information and the data set as it came, whatever its size",
        arguments: [0, 1, 700, 1 << 20, 3_500_001])
    func keepsBytes(size: Int) throws {
        let store = try InstanceStore(directory: directory.path)
        let dataSet = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
        let meta = FileMetaInformation.of("1.2.3")
        let writer = store.writer(for: meta)
        for start in stride(from: 0, to: size, by: 16_384) {
            try writer.append(Array(dataSet[start..<min(size, start + 16_384)]))
        }
        let stored = try writer.commit()
        let file = bytes(directory.path + "/" + stored.relativePath)
        #expect(file.dropFirst(meta.bytes.count).elementsEqual(dataSet))
        // The seal at its end is all that differs.
        #expect(file.prefix(meta.bytes.count - 16).elementsEqual(meta.bytes.dropLast(16)))
        #expect(!file.prefix(meta.bytes.count).elementsEqual(meta.bytes))
        #expect(stored.size == Int64(file.count))
        #expect(directory.files == [stored.relativePath])
        #expect(store.holds(stored.relativePath, size: stored.size))
    }

    @Test("The meta information is read back as it was written")
    func metaRoundTrip() throws {
        let meta = FileMetaInformation.of("1.2.3.4567")
        let head = meta.bytes + [0x08, 0, 0x16, 0]
        let parsed = head.withUnsafeBytes { FileMetaInformation.parse($0) }
        #expect(parsed?.meta == meta)
        #expect(parsed?.dataSetOffset == meta.bytes.count)
        // Group Length counts what follows it (PS3.10 7.1).
        let length = head[140..<144].reversed().reduce(0) { $0 << 8 | Int($1) }
        #expect(length == meta.bytes.count - 144)
    }

    @Test(
        "Bytes that are no Part 10 file, or end within the meta information, are refused",
        arguments: [0, 132, 140, 150, 200])
    func metaTruncated(count: Int) {
        let head = Array(FileMetaInformation.of("1.2.3").bytes[..<count])
        #expect(head.withUnsafeBytes { FileMetaInformation.parse($0) } == nil)
        var other = FileMetaInformation.of("1.2.3").bytes
        other[128] = UInt8(ascii: "X")
        #expect(other.withUnsafeBytes { FileMetaInformation.parse($0) } == nil)
    }

    /// The scan knows where Pixel Data is once it has read the element header, that is up to 12 bytes too late.
    @Test(
        "The two digests split at Pixel Data, however the bytes are cut", arguments: [1, 2, 7, 16, 17, 100, 999, 5_000])
    func digestsSplit(chunk: Int) throws {
        let store = try InstanceStore(directory: directory.path)
        let dataSet = (0..<5_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        let offset = 1_234
        let writer = store.writer(for: .of("1.2.3"))
        for start in stride(from: 0, to: dataSet.count, by: chunk) {
            let end = min(dataSet.count, start + chunk)
            try writer.append(Array(dataSet[start..<end]), pixelDataOffset: end >= offset + 12 ? UInt64(offset) : nil)
        }
        let stored = try writer.commit()
        #expect(stored.headerDigest == Array(SHA256.hash(data: dataSet[..<offset])))
        #expect(stored.pixelDigest == Array(SHA256.hash(data: dataSet[offset...])))
    }

    @Test("Without Pixel Data one digest covers everything")
    func digestsWithoutPixels() throws {
        let store = try InstanceStore(directory: directory.path)
        let writer = store.writer(for: .of("1.2.3"))
        try writer.append([1, 2, 3])
        try writer.append([4, 5])
        let stored = try writer.commit()
        #expect(stored.headerDigest == Array(SHA256.hash(data: [1, 2, 3, 4, 5] as [UInt8])))
        #expect(stored.pixelDigest == nil)
    }

    @Test("A place of Pixel Data among bytes long gone is an error, not a wrong digest")
    func offsetTooLate() throws {
        let store = try InstanceStore(directory: directory.path)
        let writer = store.writer(for: .of("1.2.3"))
        try writer.append([UInt8](repeating: 1, count: 100))
        #expect(throws: StorageError.pixelDataOffsetTooLate) { try writer.append([2], pixelDataOffset: 10) }
    }

    @Test("An abandoned instance leaves nothing, small or large", arguments: [10, 3_000_000])
    func abandons(size: Int) throws {
        let store = try InstanceStore(directory: directory.path)
        let writer = store.writer(for: .of("1.2.3"))
        try writer.append([UInt8](repeating: 1, count: size))
        writer.abandon()
        #expect(directory.files == [])
        do {
            let forgotten = store.writer(for: .of("1.2.3"))
            try forgotten.append([UInt8](repeating: 1, count: size))
        }
        #expect(directory.files == [])
    }

    @Test("The same instance twice gives two files, and neither replaces the other")
    func neverReplaces() throws {
        let store = try InstanceStore(directory: directory.path)
        let first = try commit([1], "1.2.3", store)
        let second = try commit([2], "1.2.3", store)
        #expect(first.relativePath != second.relativePath)
        #expect(bytes(directory.path + "/" + first.relativePath).last == 1)
        #expect(bytes(directory.path + "/" + second.relativePath).last == 2)
    }

    @Test("Eight threads store at once and every file is whole")
    func concurrent() async throws {
        let store = try InstanceStore(directory: directory.path, epochCapacity: 50)
        let stored = try await withThrowingTaskGroup(of: [(String, UInt8)].self) { group in
            for thread in 0..<8 {
                group.addTask {
                    try (0..<25).map { number in
                        let value = UInt8(thread * 25 + number)
                        let stored = try commit(
                            [UInt8](repeating: value, count: 20_000), "1.2.\(thread).\(number)", store)
                        return (stored.relativePath, value)
                    }
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        #expect(Set(stored.map(\.0)).count == 200)
        for (path, value) in stored {
            let file = bytes(directory.path + "/" + path)
            #expect(file.suffix(20_000).allSatisfy { $0 == value } && file.count > 20_000)
        }
        #expect(directory.files.count == 200)
        let epochs = Dictionary(grouping: stored) { $0.0.split(separator: "/")[2] }
        #expect(epochs.values.map(\.count) == [50, 50, 50, 50])
    }

    @Test("A full disk is a typed error that means A700, and leaves nothing half-written")
    func fullDisk() throws {
        // RLIMIT_FSIZE would need another process; a directory that is gone fails at the same places.
        let store = try InstanceStore(directory: directory.path)
        try FileManager.default.removeItem(atPath: directory.path + "/instances")
        let writer = store.writer(for: .of("1.2.3"))
        try writer.append([1])
        #expect(throws: StorageError.self) { try writer.commit() }
        #expect(directory.files == [])
        #expect(StorageError.system(operation: "write", path: "x", errno: ENOSPC).isOutOfSpace)
        #expect(StorageError.system(operation: "fdatasync", path: "x", errno: EIO).isOutOfSpace)
        #expect(!StorageError.system(operation: "open", path: "x", errno: EACCES).isOutOfSpace)
    }
}

@discardableResult
func commit(_ dataSet: [UInt8], _ instance: String, _ store: InstanceStore) throws -> StoredInstance {
    let writer = store.writer(for: .of(instance))
    try writer.append(dataSet)
    return try writer.commit()
}

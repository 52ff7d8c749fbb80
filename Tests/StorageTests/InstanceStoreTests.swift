// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto
import DICOM
import Foundation
import Storage
import Testing

@Suite struct InstanceStoreTests {
    let directory = TemporaryDirectory()

    @Test("A second store on the same directory is refused until the first is gone")
    func locked() throws {
        var store: InstanceStore? = try InstanceStore(directory: directory.path)
        #expect(throws: StorageError.inUse(directory: directory.path)) { try InstanceStore(directory: directory.path) }
        _ = store
        store = nil
        _ = try InstanceStore(directory: directory.path)
    }

    @Test("A start removes what was half-written and keeps what was committed")
    func cleansUp() throws {
        var store: InstanceStore? = try InstanceStore(directory: directory.path)
        let stored = try store.map { try commit([1], "1.2.3", $0) }
        store = nil
        _ = FileManager.default.createFile(atPath: directory.path + "/incoming/77", contents: Data([1, 2]))
        store = try InstanceStore(directory: directory.path)
        #expect(directory.files == [stored?.relativePath])
        // The numbers go on: nothing is replaced by the next file of the same name.
        let next = try store.map { try commit([2], "1.2.3", $0) }
        #expect(next?.relativePath != stored?.relativePath)
        #expect(directory.files.count == 2)
    }

    @Test("Epochs begin when the one before is full, and with each start, so that no name is used twice")
    func epochs() throws {
        do {
            let store = try InstanceStore(directory: directory.path, epochCapacity: 2)
            #expect(try (0..<3).map { try commit([1], "1.2.\($0)", store).epoch } == [1, 1, 2])
            try store.remove("instances/000000/000000002/0000.dcm")
        }
        let store = try InstanceStore(directory: directory.path, epochCapacity: 2)
        let stored = try commit([1], "1.2.3", store)
        #expect(stored.epoch > 2)
        #expect(try store.files(afterEpoch: 0).map(\.epoch) == [1, 1, stored.epoch])
        #expect(try store.files(afterEpoch: 1).map(\.relativePath) == [stored.relativePath])
    }

    @Test("A file read anew gives the digests that it was stored with")
    func rereads() throws {
        let store = try InstanceStore(directory: directory.path)
        let writer = store.writer(for: .of("1.2.3"))
        try writer.append((0..<3_000).map { UInt8(truncatingIfNeeded: $0) }, pixelDataOffset: 1_000)
        let stored = try writer.commit()
        let file = try #require(try store.files(afterEpoch: 0).first)
        var seen = 0
        let again = try store.reread(file) { meta, bytes in
            #expect(meta == .of("1.2.3"))
            seen += bytes.count
            return 1_000
        }
        #expect(again == stored)
        #expect(seen == 3_000)
    }

    @Test("An open file gives its data set without what stands before it")
    func opens() throws {
        let store = try InstanceStore(directory: directory.path)
        let stored = try commit([9, 8, 7], "1.2.3", store)
        let file = try store.open(stored.relativePath)
        #expect(file.meta == .of("1.2.3"))
        #expect(file.dataSetLength == 3)
        var buffer = [UInt8](repeating: 0, count: 10)
        let count = try buffer.withUnsafeMutableBytes { try file.read(into: $0) }
        #expect(buffer[..<count] == [9, 8, 7])
        #expect(try buffer.withUnsafeMutableBytes { try file.read(into: $0) } == 0)
    }

    @Test(
        "Paths that lead out of the store are refused",
        arguments: [
            "../x", "instances/../../x", "/etc/passwd", "instances", "lock", "instances//x", "instances/./x",
            "incoming/1", "",
        ])
    func foreignPaths(path: String) throws {
        let store = try InstanceStore(directory: directory.path)
        #expect(throws: StorageError.foreignPath(path)) { try store.remove(path) }
        #expect(throws: StorageError.foreignPath(path)) { try store.absolutePath(of: path) }
        #expect(!store.holds(path, size: 1))
    }

    @Test("A removed duplicate is gone, and removing it again is no error")
    func removes() throws {
        let store = try InstanceStore(directory: directory.path)
        let stored = try commit([1], "1.2.3", store)
        try store.remove(stored.relativePath)
        try store.remove(stored.relativePath)
        #expect(directory.files == [])
        #expect(!store.holds(stored.relativePath, size: stored.size))
    }

    @Test(
        "A worker's result is taken over with its digest; the same bytes again are the same result; other bytes are an error"
    )
    func results() throws {
        let store = try InstanceStore(directory: directory.path)
        let uid = UID(literal: "2.25.1")
        func written(_ text: String) -> String {
            let path = directory.path + "/work-\(UUID().uuidString)"
            _ = FileManager.default.createFile(atPath: path, contents: Data(text.utf8))
            return path
        }
        let kept = try store.keepResult(written("SEG"), sopInstanceUID: uid)
        #expect(kept.size == 3)
        #expect(kept.digest == SHA256.hash(data: Data("SEG".utf8)).map { String(format: "%02x", $0) }.joined())
        #expect(try store.keepResult(written("SEG"), sopInstanceUID: uid) == kept)
        #expect(throws: StorageError.exists(path: kept.relativePath)) {
            try store.keepResult(written("other"), sopInstanceUID: uid)
        }
        #expect(bytes(directory.path + "/" + kept.relativePath) == Array("SEG".utf8))
        #expect(directory.files == [kept.relativePath])
        #expect(throws: StorageError.self) { try store.keepResult(directory.path + "/none", sopInstanceUID: uid) }
    }

    @Test("Free space is asked of the file system")
    func freeSpace() throws {
        let store = try InstanceStore(directory: directory.path)
        #expect(try store.freeBytes() > 0)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Testing

@testable import Storage

/// What a start makes of files that a kill or a power cut left.
@Suite struct SealTests {
    let directory = TemporaryDirectory()

    private func reread(_ store: InstanceStore, _ file: FoundFile) throws -> StoredInstance {
        try store.reread(file) { _, _ in nil }
    }

    private func firstFile(in directory: TemporaryDirectory) throws -> (InstanceStore, FoundFile) {
        let store = try InstanceStore(directory: directory.path)
        return (store, try #require(try store.files(afterEpoch: 0).first))
    }

    @Test("A file that was sealed is an instance, of whatever size", arguments: [0, 63, 5_000, 262_144, 700_000])
    func whole(size: Int) throws {
        let stored = try commit(
            [UInt8](repeating: 7, count: size), "1.2.3", try InstanceStore(directory: directory.path))
        let (store, file) = try firstFile(in: directory)
        #expect(try reread(store, file) == stored)
    }

    @Test("What was being received at a kill is no instance", arguments: [300_000, 1_000_000])
    func unfinished(size: Int) throws {
        let store = try InstanceStore(directory: directory.path)
        let writer = store.writer(for: .of("1.2.3"))
        try writer.append([UInt8](repeating: 7, count: size))
        let copy = try directory.copy()
        writer.abandon()
        let (after, file) = try firstFile(in: copy)
        #expect(throws: StorageError.unfinished(path: after.directory + "/" + file.relativePath)) {
            try reread(after, file)
        }
    }

    enum Damage: String, CaseIterable {
        case cutByOne, cutAtAnElement, cutAtABlock, blockUnwritten, blocksSwapped, longer
    }

    @Test("Bytes that a power cut kept from the disk are seen, wherever they lie", arguments: Damage.allCases)
    func torn(damage: Damage) throws {
        let store = try InstanceStore(directory: directory.path)
        let dataSet = (0..<700_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ $0 >> 16) }
        let stored = try commit(dataSet, "1.2.3", store)
        let copy = try directory.copy()
        let path = copy.path + "/" + stored.relativePath
        var file = bytes(path)
        switch damage {
        case .cutByOne: file.removeLast()
        case .cutAtAnElement: file.removeLast(8)
        case .cutAtABlock: file.removeLast(file.count - 262_144)
        case .blockUnwritten: file.replaceSubrange(8_192..<12_288, with: repeatElement(0, count: 4_096))
        case .blocksSwapped:
            let first = Array(file[8_192..<12_288])
            file.replaceSubrange(8_192..<12_288, with: Array(file[16_384..<20_480]))
            file.replaceSubrange(16_384..<20_480, with: first)
        case .longer: file.append(0)
        }
        try Data(file).write(to: URL(fileURLWithPath: path))
        let (after, found) = try firstFile(in: copy)
        #expect(throws: StorageError.damaged(path: path)) { try reread(after, found) }
    }

    @Test("A file without a place for a seal, as earlier versions wrote it, is taken as it is")
    func earlierVersion() throws {
        let stored = try commit([1, 2, 3], "1.2.3", try InstanceStore(directory: directory.path))
        let path = directory.path + "/" + stored.relativePath
        let meta = FileMetaInformation.of("1.2.3").bytes
        // Private Information Creator UID and Private Information are the last two elements.
        let ours = 8 + (Implementation.classUID.string.utf8.count + 1) / 2 * 2 + 12 + 16
        try Data(meta.dropLast(ours) + [1, 2, 3]).write(to: URL(fileURLWithPath: path))
        let (store, file) = try firstFile(in: directory)
        #expect(try reread(store, file).headerDigest == stored.headerDigest)
    }

    @Test("Places that were made ahead go with the store, or with the next start after a kill")
    func unusedPlaces() throws {
        var store: InstanceStore? = try InstanceStore(directory: directory.path)
        let stored = try store.map { try commit([1], "1.2.3", $0) }
        #expect(directory.emptyFiles.count > 1)
        let copy = try directory.copy()
        store = nil
        #expect(directory.emptyFiles == ["lock"])
        let after = try InstanceStore(directory: copy.path)
        #expect(copy.emptyFiles == ["lock"])
        #expect(copy.files == [stored?.relativePath])
        #expect(try after.files(afterEpoch: 0).count == 1)
    }

    @Test("An instance that is received while later epochs fill is found by a start that looks at none of its own")
    func oldReception() throws {
        let store = try InstanceStore(directory: directory.path, epochCapacity: 2)
        let slow = store.writer(for: .of("1.2.3"))
        try slow.append([UInt8](repeating: 7, count: 300_000))
        for number in 0..<6 { try commit([1], "1.2.\(number)", store) }
        let copy = try directory.copy()
        #expect(copy.files.count == 8, "seven instances and a note: \(copy.files)")
        _ = try InstanceStore(directory: copy.path, epochCapacity: 2)
        #expect(copy.files.count == 6)
        // The one that ends well leaves no note.
        let stored = try slow.commit()
        #expect(directory.files.filter { !$0.hasPrefix("instances/") } == [])
        #expect(directory.files.contains(stored.relativePath))
    }
}

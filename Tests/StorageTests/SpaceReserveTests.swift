// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Storage
import Synchronization
import Testing

@Suite struct SpaceReserveTests {
    private static let megabyte: Int64 = 1 << 20

    /// A file system and a clock that the test moves.
    private final class Disk: Sendable {
        let free = Mutex<Int64?>(0)
        let time = Atomic<UInt64>(1)
        let looks = Atomic<Int>(0)

        func reserve(megabytes: Int64) -> SpaceReserve {
            SpaceReserve(
                bytes: megabytes * megabyte, clock: { self.time.load(ordering: .relaxed) },
                free: { () throws(StorageError) in
                    self.looks.add(1, ordering: .relaxed)
                    guard let free = self.free.withLock({ $0 }) else { throw .foreignPath("none") }
                    return free
                })
        }
        func set(megabytes: Int64?) { free.withLock { $0 = megabytes.map { $0 * megabyte } } }
        func pass() { time.add(100_000_000, ordering: .relaxed) }
    }
    private let disk = Disk()

    @Test(
        "An instance is begun above the reserve, that of an urgent peer above half of it",
        arguments: [(102, true, true), (100, false, true), (52, false, true), (50, false, false), (0, false, false)])
    func floors(megabytes: Int64, routine: Bool, urgent: Bool) {
        let reserve = disk.reserve(megabytes: 100)
        disk.set(megabytes: megabytes)
        #expect((reserve.claim(isUrgent: false) != nil) == routine)
        #expect((reserve.claim(isUrgent: true) != nil) == urgent)
        #expect(reserve.isUsed == !routine)
    }

    @Test("Instances that are begun and bytes that arrive count before the file system is asked again")
    func counts() {
        let reserve = disk.reserve(megabytes: 100)
        disk.set(megabytes: 110)
        var claims: [SpaceReserve.Claim] = []
        while let claim = reserve.claim(isUrgent: false), claims.count < 50 { claims.append(claim) }
        // A quarter of a megabyte of each is in memory.
        #expect(claims.count == 40)
        claims.removeAll()
        #expect(reserve.claim(isUrgent: false)?.mayGrow(by: 10 << 20) == true)
        #expect(reserve.claim(isUrgent: false) == nil)
        #expect(disk.looks.load(ordering: .relaxed) == 1)
        disk.pass()
        #expect(reserve.claim(isUrgent: false) != nil)
        #expect(disk.looks.load(ordering: .relaxed) == 2)
    }

    @Test(
        "An instance that was begun is stopped half as deep as where none is begun",
        arguments: [(false, 50), (true, 25)])
    func growth(isUrgent: Bool, floor: Int64) throws {
        let reserve = disk.reserve(megabytes: 100)
        disk.set(megabytes: 200)
        let claim = try #require(reserve.claim(isUrgent: isUrgent))
        #expect(claim.mayGrow(by: Int((200 - floor) * Self.megabyte) - (256 << 10)))
        #expect(!claim.mayGrow(by: 1))
    }

    @Test("Without a reserve, or where the file system does not tell, nothing is refused ahead of the write")
    func none() {
        disk.set(megabytes: 0)
        #expect(disk.reserve(megabytes: 0).claim(isUrgent: false)?.mayGrow(by: 1 << 40) == true)
        disk.set(megabytes: nil)
        let reserve = disk.reserve(megabytes: 100)
        #expect(reserve.claim(isUrgent: false)?.mayGrow(by: 1 << 40) == true)
        #expect(!reserve.isUsed)
    }
}

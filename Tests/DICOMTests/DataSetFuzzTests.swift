// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

/// SplitMix64: the same sequence on every run.
struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

@Suite("The scan of mutated data sets")
struct DataSetFuzzTests {
    typealias Encoding = DataSetWriter.Encoding

    private static func seed(_ encoding: Encoding) -> [UInt8] {
        var w = DataSetWriter(encoding)
        w.bytes = DataSetWriter.slice(encoding, pixels: false)
        w.sequence(
            0x0040_A730, defined: true,
            [
                { $0.element(0x0008_0100, "SH", "A") },
                { $0.sequence(0x0040_A043, defined: false, [{ $0.element(0x0008_0104, "LO", "B") }]) },
            ])
        w.sequence(0x0041_1001, defined: true, [{ $0.element(0x0041_1002, "LO", "C") }])
        w.header(0x0041_1003, "UN", length: .max)
        var inner = DataSetWriter(.implicit)
        inner.item(length: .max)
        inner.element(0x0041_1004, "", "D")
        inner.itemEnd()
        inner.sequenceEnd()
        w.bytes += inner.bytes
        w.header(0x7FE0_0010, "OB", length: .max)
        w.item(length: 0)
        w.item(length: 4)
        w.bytes += [1, 2, 3, 4]
        w.sequenceEnd()
        return w.bytes
    }

    private static let interesting: [UInt32] = [
        0, 1, 2, 7, 8, 0x7F, 0xFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFE, 0xFFFF_FFFF, 0xE000_FFFE, 0xE00D_FFFE,
        0xE0DD_FFFE, 0x0010_7FE0, 0x5153_0000, 0x4E55_0000,
    ]

    private static func mutate(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
            guard bytes.count > 8 else { return bytes }
            let place = Int.random(in: 0..<bytes.count - 4, using: &random)
            switch Int.random(in: 0..<7, using: &random) {
            case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 1: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
            case 2:
                let value = interesting.randomElement(using: &random)!
                for index in 0..<4 { bytes[place + index] = UInt8(truncatingIfNeeded: value >> (8 * UInt32(index))) }
            case 3: bytes.removeSubrange(place..<min(place + Int.random(in: 1...16, using: &random), bytes.count))
            case 4:
                let end = min(place + Int.random(in: 1...64, using: &random), bytes.count)
                bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0..<bytes.count, using: &random))
            case 5: bytes.removeSubrange(place...)
            default: bytes.insert(UInt8.random(in: 0...255, using: &random), at: place)
            }
        }
        return bytes
    }

    private static func outcome(_ bytes: [UInt8], _ uid: UID, _ pieces: [Int]) -> Result<InstanceHeader, ScanError> {
        do throws(ScanError) {
            return .success(try DataSetScan.read(bytes, uid, pieces: pieces))
        } catch {
            return .failure(error)
        }
    }

    @Test("ends, and ends alike however the bytes are cut", arguments: Encoding.allCases)
    func mutations(_ encoding: Encoding) {
        var random = SeededGenerator(state: UInt64(encoding.rawValue.utf8.first!))
        let seed = DataSetFuzzTests.seed(encoding)
        var accepted = 0
        var errors = Set<String>()
        for round in 0..<7_000 {
            let bytes = DataSetFuzzTests.mutate(seed, &random)
            let whole = DataSetFuzzTests.outcome(bytes, encoding.uid, [.max])
            let pieces = (0..<40).map { _ in Int.random(in: 1...Int.random(in: 1...64, using: &random), using: &random)
            }
            let cut = DataSetFuzzTests.outcome(bytes, encoding.uid, pieces)
            if whole != cut {
                Issue.record("round \(round): \(whole) in one piece, \(cut) in \(pieces)")
                return
            }
            switch whole {
            case .success: accepted += 1
            case .failure(let error): errors.insert("\(error)".prefix { $0 != "(" }.description)
            }
        }
        // Mutations that reach nothing would prove nothing.
        #expect(accepted > 300)
        #expect(errors.count > 5)
    }

    @Test("gives the same for every place where one cut can fall", arguments: Encoding.allCases)
    func everyCut(_ encoding: Encoding) throws {
        let bytes = DataSetFuzzTests.seed(encoding)
        let whole = DataSetFuzzTests.outcome(bytes, encoding.uid, [.max])
        #expect(throws: Never.self) { try whole.get() }
        for cut in 1..<bytes.count { #expect(DataSetFuzzTests.outcome(bytes, encoding.uid, [cut, .max]) == whole) }
        for size in 1...17 { #expect(DataSetFuzzTests.outcome(bytes, encoding.uid, [size]) == whole) }
    }

    @Test("takes noise")
    func noise() {
        var random = SeededGenerator(state: 42)
        for encoding in Encoding.allCases {
            for _ in 0..<1_000 {
                let bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if case .success = DataSetFuzzTests.outcome(bytes, encoding.uid, [.max]) { Issue.record("accepted") }
            }
        }
    }
}

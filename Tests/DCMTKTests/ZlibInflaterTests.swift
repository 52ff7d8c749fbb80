// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import DCMTK

/// Writes RFC 1951 by hand: stored blocks, and runs of one byte.
private struct Deflate {
    var bytes: [UInt8] = []
    private var bits: UInt32 = 0
    private var count = 0

    mutating func put(_ value: UInt32, _ width: Int) {
        bits |= value << UInt32(count)
        count += width
        while count >= 8 {
            bytes.append(UInt8(truncatingIfNeeded: bits))
            bits >>= 8
            count -= 8
        }
    }
    /// A Huffman code, whose first bit is its most significant.
    private mutating func code(_ value: UInt32, _ width: Int) {
        for bit in stride(from: width - 1, through: 0, by: -1) { put(value >> UInt32(bit) & 1, 1) }
    }
    mutating func align() { if count > 0 { put(0, 8 - count) } }

    mutating func stored(_ data: [UInt8], isLast: Bool) {
        put(isLast ? 1 : 0, 1)
        put(0, 2)
        align()
        let length = UInt16(data.count)
        bytes += [
            UInt8(truncatingIfNeeded: length), UInt8(length >> 8), UInt8(truncatingIfNeeded: ~length),
            UInt8(~length >> 8),
        ]
        bytes += data
    }
    /// Zeros by the fixed code: one literal, then copies of 258 at distance 1.
    mutating func zeros(times: Int, isLast: Bool) {
        put(isLast ? 1 : 0, 1)
        put(1, 2)
        code(0x30, 8)
        for _ in 0..<times {
            code(0xC5, 8)
            code(0, 5)
        }
        code(0, 7)
    }
}

@Suite("Deflated data sets")
struct ZlibInflaterTests {
    private let syntax = UID(literal: "1.2.840.10008.1.2.1.99")

    private func element(_ tag: UInt32, _ vr: String, _ value: String) -> [UInt8] {
        var value = Array(value.utf8)
        if value.count % 2 == 1 { value.append(0) }
        return [
            UInt8(truncatingIfNeeded: tag >> 16), UInt8(tag >> 24), UInt8(truncatingIfNeeded: tag),
            UInt8(truncatingIfNeeded: tag >> 8),
        ] + Array(vr.utf8) + [UInt8(value.count), 0] + value
    }
    private var instance: [UInt8] {
        element(0x0008_0016, "UI", "1.2.840.10008.5.1.4.1.1.2") + element(0x0008_0018, "UI", "1.2.3.4")
            + element(0x0020_000D, "UI", "1.2.3") + element(0x0020_000E, "UI", "1.2.3.1")
    }
    /// Pixel Data of `length` bytes, to be followed by them.
    private func pixelData(_ length: Int) -> [UInt8] {
        [0xE0, 0x7F, 0x10, 0x00] + Array("OW".utf8) + [0, 0]
            + (0..<4).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
    }

    private func scan(_ bytes: [UInt8], piece: Int = 4096, limits: ZlibInflater.Limits = .init()) throws -> (
        InstanceHeader, UInt64?
    ) {
        var scan = DataSetScan(transferSyntaxUID: syntax, inflater: ZlibInflater(limits: limits))
        for start in stride(from: 0, to: bytes.count, by: piece) {
            try bytes[start..<min(start + piece, bytes.count)].withUnsafeBytes { try scan.consume($0) }
        }
        return (try scan.finish(), scan.pixelDataOffset)
    }

    @Test("are scanned as they inflate, in pieces of any size", arguments: [1, 2, 3, 100, 4096])
    func reads(piece: Int) throws {
        var deflate = Deflate()
        deflate.stored(instance + pixelData(1 + 258 * 1000), isLast: false)
        deflate.zeros(times: 1000, isLast: true)
        deflate.align()
        let (header, offset) = try scan(deflate.bytes, piece: piece)
        #expect(header.sopInstanceUID.string == "1.2.3.4")
        #expect(header.hasPixelData)
        // Offsets in what was inflated are none in what is stored.
        #expect(offset == nil)
        #expect(try scan(deflate.bytes + [0], piece: piece).0 == header)
    }

    @Test("that are no deflate stream, are cut, or go on after their end are refused")
    func damaged() {
        var deflate = Deflate()
        deflate.stored(instance, isLast: true)
        #expect(throws: Never.self) { try scan(deflate.bytes) }
        #expect(throws: ScanError.self) { try scan(instance) }
        #expect(throws: ScanError.self) { try scan([0xFF, 0xFF, 0xFF]) }
        #expect(throws: ScanError.self) { try scan([]) }
        for end in 0..<deflate.bytes.count {
            #expect(throws: ScanError.self) { try scan(Array(deflate.bytes[..<end])) }
        }
        // A gzip trailer and a byte of padding are borne.
        #expect(throws: Never.self) { try scan(deflate.bytes + [UInt8](repeating: 1, count: 9), piece: 1) }
        #expect(throws: ScanError.inflateFailed(offset: UInt64(deflate.bytes.count))) {
            try scan(deflate.bytes + [UInt8](repeating: 1, count: 10), piece: 1)
        }
    }

    @Test("that swell beyond their limits are refused")
    func bombs() {
        var deflate = Deflate()
        deflate.stored(instance + pixelData(1 + 258 * 20_000), isLast: false)
        deflate.zeros(times: 20_000, isLast: true)
        deflate.align()
        #expect(throws: Never.self) { try scan(deflate.bytes) }
        for limits in [
            ZlibInflater.Limits(maximumLength: 5_000_000),
            ZlibInflater.Limits(maximumRatio: 100, freeLength: 1_000_000),
        ] {
            #expect { try scan(deflate.bytes, limits: limits) } throws: { error in
                if case .inflateLimit = error as? ScanError { true } else { false }
            }
        }
    }

    @Test("have an inflater, others have none")
    func chosen() {
        #expect(Inflaters.inflater(for: syntax) != nil)
        #expect(Inflaters.inflater(for: UID(literal: "1.2.840.10008.1.2.1")) == nil)
        #expect(Inflaters.inflater(for: UID(literal: "1.2.840.10008.1.2.4.70")) == nil)
    }
}

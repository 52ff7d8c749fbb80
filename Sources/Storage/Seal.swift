// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What tells a file that was written whole from one that a kill or a power cut left unfinished. It is the last value of
/// the file's meta information, and zeros until the last byte of the data set has come: see docs/decisions/01.
package struct Seal: Sendable, Hashable {
    static let length = 16
    static let none = Seal(size: 0, tally: 0)

    /// Of the whole file, bytes.
    package var size: UInt64
    /// Of all its bytes, with zeros in place of the seal.
    package var tally: UInt64

    init(size: UInt64, tally: UInt64) {
        self.size = size
        self.tally = tally
    }

    init?(bytes: some Collection<UInt8>) {
        guard bytes.count == Self.length else { return nil }
        func number(_ part: some Collection<UInt8>) -> UInt64 { part.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
        self.init(size: number(bytes.prefix(8)), tally: number(bytes.suffix(8)))
    }

    var bytes: [UInt8] {
        [size, tally].flatMap { number in (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) } }
    }
}

/// A checksum that costs a small part of the copy that it goes along with, as it stands between an instance and its answer:
/// Fletcher's, over eight lanes. It sees blocks that were never written, moved or cut off; it guards against no forger.
struct Tally {
    private static let block = 64
    private var sum = SIMD8<UInt64>(repeating: 0)
    private var sums = SIMD8<UInt64>(repeating: 0)
    private var count: UInt64 = 0

    /// The next bytes; all pieces but the last are of whole blocks.
    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        precondition(count % UInt64(Self.block) == 0, "a piece follows the last one")
        count += UInt64(bytes.count)
        guard let base = bytes.baseAddress else { return }
        let whole = bytes.count / Self.block * Self.block
        var offset = 0
        while offset < whole {
            add((base + offset).loadUnaligned(as: SIMD8<UInt64>.self))
            offset += Self.block
        }
        guard whole < bytes.count else { return }
        var rest = SIMD8<UInt64>(repeating: 0)
        withUnsafeMutableBytes(of: &rest) {
            $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[whole...]))
        }
        add(rest)
    }

    private mutating func add(_ words: SIMD8<UInt64>) {
        sum &+= words
        sums &+= sum
    }

    /// Never 0, which stands for a file without a seal.
    var value: UInt64 {
        var value = count
        for lane in 0..<8 {
            for part in [sum[lane], sums[lane]] { value = (value ^ part) &* 0x9E37_79B9_7F4A_7C15 ^ (value >> 29) }
        }
        return value == 0 ? 1 : value
    }
}

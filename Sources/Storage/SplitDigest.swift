// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// SHA-256 of a data set in one pass, in two parts: what comes before Pixel Data, and the rest.
struct SplitDigest {
    /// The place of Pixel Data is known once its element header has been read: 12 bytes at most (PS3.5 7.1.2). So many bytes
    /// wait here until it is clear to which part they belong.
    static let lag = 16
    private var header = SHA256()
    private var pixels: SHA256?
    private var held: [UInt8] = []
    /// How many bytes have gone into a digest.
    private var digested: UInt64 = 0

    init() { held.reserveCapacity(2 * Self.lag) }

    /// - Parameter pixelDataOffset: from the first byte of the data set; nil while it is not known.
    mutating func update(_ bytes: UnsafeRawBufferPointer, pixelDataOffset: UInt64?) {
        if pixels != nil {
            pixels?.update(bufferPointer: bytes)
            return
        }
        if let offset = pixelDataOffset {
            precondition(offset >= digested, "the writer has seen to it")
            release(held.count, before: offset)
            absorb(bytes, before: offset)
            return
        }
        // All but the last `lag` bytes of held and new together belong to the header.
        let sure = held.count + bytes.count - Self.lag
        guard sure > 0 else {
            held.append(contentsOf: bytes)
            return
        }
        release(min(sure, held.count), before: .max)
        let taken = max(0, bytes.count - Self.lag)
        if held.isEmpty, taken > 0 { absorb(UnsafeRawBufferPointer(rebasing: bytes[..<taken]), before: .max) }
        held.append(contentsOf: bytes[taken...])
    }

    private mutating func release(_ count: Int, before offset: UInt64) {
        let bytes = Array(held[..<count])
        held.removeFirst(count)
        bytes.withUnsafeBytes { absorb($0, before: offset) }
    }

    private mutating func absorb(_ bytes: UnsafeRawBufferPointer, before offset: UInt64) {
        let headerCount = Int(min(UInt64(bytes.count), offset - min(offset, digested)))
        if headerCount > 0 { header.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[..<headerCount])) }
        digested += UInt64(bytes.count)
        guard digested > offset else { return }
        if pixels == nil { pixels = SHA256() }
        pixels?.update(bufferPointer: UnsafeRawBufferPointer(rebasing: bytes[headerCount...]))
    }

    /// The second is nil where no Pixel Data was named.
    mutating func finish() -> (header: [UInt8], pixels: [UInt8]?) {
        release(held.count, before: .max)
        return (Array(header.finalize()), pixels.map { Array($0.finalize()) })
    }
}

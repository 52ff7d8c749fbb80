// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The frames of a binary Segmentation: the bits of all frames follow each other without padding, the first pixel in the
/// lowest bit, whatever Rows × Columns (PS3.5 8.1.1, PS3.3 C.8.20.2.2).
struct BitPlanes {
    private(set) var frames: [Frame] = []
    /// Set pixels of each frame.
    private(set) var counts: [Int] = []
    private var bytes: [UInt8] = []
    private var bitCount = 0

    struct Frame: Equatable {
        /// From 0.
        var segment: Int
        var slice: Int
    }

    /// Appends the slices of a mask that are not empty.
    mutating func append(_ mask: Mask, segment: Int) {
        for slice in mask.blockSlices {
            mask.plane(slice).withUnsafeBytes { plane in
                guard !isZero(plane) else { return }
                counts.append(append(plane))
                frames.append(Frame(segment: segment, slice: slice))
            }
        }
    }

    /// The value of Pixel Data, of even length.
    var pixelData: [UInt8] {
        // The last byte of `bytes` is spare.
        var data = Array(bytes.prefix((bitCount + 7) / 8))
        if data.count % 2 == 1 { data.append(0) }
        return data
    }

    private func isZero(_ plane: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset + 8 <= plane.count {
            if plane.loadUnaligned(fromByteOffset: offset, as: UInt64.self) != 0 { return false }
            offset += 8
        }
        while offset < plane.count {
            if plane[offset] != 0 { return false }
            offset += 1
        }
        return true
    }

    /// Returns the number of set pixels.
    private mutating func append(_ plane: UnsafeRawBufferPointer) -> Int {
        let start = bitCount
        bitCount += plane.count
        // One byte more than needed, so that the high part of a shifted byte always has a place.
        bytes.append(contentsOf: repeatElement(0, count: (bitCount + 7) / 8 + 1 - bytes.count))
        return bytes.withUnsafeMutableBytes { out in
            var count = 0
            var offset = 0
            var index = start / 8
            let shift = start % 8
            while offset < plane.count {
                var eight: UInt64 = 0
                if offset + 8 <= plane.count {
                    eight = UInt64(littleEndian: plane.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
                } else {
                    for rest in offset..<plane.count { eight |= UInt64(plane[rest]) << UInt64(8 * (rest - offset)) }
                }
                if eight != 0 {
                    let packed = Self.pack(eight)
                    count += packed.nonzeroBitCount
                    let shifted = UInt16(packed) << UInt16(shift)
                    out[index] |= UInt8(truncatingIfNeeded: shifted)
                    out[index + 1] |= UInt8(truncatingIfNeeded: shifted >> 8)
                }
                offset += 8
                index += 1
            }
            return count
        }
    }

    /// Bit i of the result is set where byte i is not zero.
    private static func pack(_ bytes: UInt64) -> UInt8 {
        let low: UInt64 = 0x7F7F_7F7F_7F7F_7F7F
        let ones = (((bytes & low) &+ low) | bytes) >> 7 & 0x0101_0101_0101_0101
        // Byte i holds one bit at 8·i; the multiplication moves it to 56 + i, and no two products meet.
        return UInt8(truncatingIfNeeded: (ones &* 0x0102_0408_1020_4080) >> 56)
    }
}

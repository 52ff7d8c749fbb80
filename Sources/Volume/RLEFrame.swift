// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK

/// RLE Lossless (PS3.5 G). Ours, because DCMTK 3.6.7 reads past the end of a crafted segment.
enum RLEFrame {
    /// Decodes into interleaved little endian samples. `buffer` has exactly the native size.
    static func decode(
        _ stream: [UInt8], format: FrameFormat, into buffer: UnsafeMutableRawBufferPointer
    ) throws(FrameDefect) {
        let bytesPerSample = format.bitsAllocated / 8
        let segments = format.samplesPerPixel * bytesPerSample
        let pixels = format.rows * format.columns
        guard stream.count > 64 else { throw FrameDefect("the RLE header is cut off") }
        func word(_ index: Int) -> Int { (0..<4).reversed().reduce(0) { $0 << 8 | Int(stream[index * 4 + $1]) } }
        guard word(0) == segments else { throw FrameDefect("\(word(0)) RLE segments instead of \(segments)") }
        for segment in 0..<segments {
            let start = word(segment + 1)
            let end = segment + 1 < segments ? word(segment + 2) : stream.count
            guard start >= 64, start < end, end <= stream.count else {
                throw FrameDefect("RLE segment \(segment) lies outside")
            }
            // Segments run from the most to the least significant byte of each sample (PS3.5 G.2).
            let (sample, byte) = segment.quotientAndRemainder(dividingBy: bytesPerSample)
            let first = sample * bytesPerSample + (bytesPerSample - 1 - byte)
            guard unpack(stream, start..<end, into: buffer, first: first, stride: segments, count: pixels) else {
                throw FrameDefect("RLE segment \(segment) is too short")
            }
        }
    }

    /// PackBits (PS3.5 G.3.2) into every `stride`-th byte; false where the segment ends before `count` bytes. What a
    /// last run has beyond them is dropped.
    private static func unpack(
        _ stream: [UInt8], _ range: Range<Int>, into buffer: UnsafeMutableRawBufferPointer, first: Int, stride: Int,
        count: Int
    ) -> Bool {
        stream.withUnsafeBufferPointer { bytes in
            var at = range.lowerBound
            var written = 0
            var target = first
            while written < count {
                guard at < range.upperBound else { return false }
                let control = Int(Int8(bitPattern: bytes[at]))
                at += 1
                if control >= 0 {
                    let run = min(control + 1, count - written)
                    guard at + run <= range.upperBound else { return false }
                    for offset in 0..<run {
                        buffer[target] = bytes[at + offset]
                        target += stride
                    }
                    at += control + 1
                    written += run
                } else if control > -128 {
                    guard at < range.upperBound else { return false }
                    let run = min(1 - control, count - written)
                    let value = bytes[at]
                    for _ in 0..<run {
                        buffer[target] = value
                        target += stride
                    }
                    at += 1
                    written += run
                }
            }
            return true
        }
    }
}

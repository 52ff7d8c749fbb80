// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import Testing

@testable import Volume

@Suite struct FrameTests {
    private func decode(_ stream: [UInt8], _ format: FrameFormat) throws -> [UInt8] {
        var frame = [UInt8](repeating: 0xEE, count: format.byteCount ?? 0)
        try frame.withUnsafeMutableBytes { try RLEFrame.decode(stream, format: format, into: $0) }
        return frame
    }

    private func stream(_ segments: [[UInt8]]) -> [UInt8] {
        func word(_ value: Int) -> [UInt8] { (0..<4).map { UInt8(value >> ($0 * 8) & 0xFF) } }
        var header = word(segments.count)
        var offset = 64
        for segment in segments {
            header += word(offset)
            offset += segment.count
        }
        return header + [UInt8](repeating: 0, count: 64 - header.count) + segments.flatMap { $0 }
    }

    private let eight = FrameFormat(rows: 2, columns: 4, bitsAllocated: 8, bitsStored: 8, isSigned: false)
    private let sixteen = FrameFormat(rows: 1, columns: 4, bitsAllocated: 16, bitsStored: 16, isSigned: false)

    @Test("RLE runs and literals make samples") func runs() throws {
        #expect(try decode(stream([[3, 1, 2, 3, 4, 0xFD, 9]]), eight) == [1, 2, 3, 4, 9, 9, 9, 9])
        // -128 is no operation (PS3.5 G.3.2).
        #expect(try decode(stream([[0x80, 0xF9, 7]]), eight) == [7, 7, 7, 7, 7, 7, 7, 7])
        // The most significant bytes come first.
        #expect(try decode(stream([[3, 1, 2, 3, 4], [0xFD, 5]]), sixteen) == [5, 1, 5, 2, 5, 3, 5, 4])
        // A last run that is too long is cut.
        #expect(try decode(stream([[0xF0, 7]]), eight) == [7, 7, 7, 7, 7, 7, 7, 7])
    }

    @Test(
        "a crafted RLE frame is refused",
        arguments: [
            [[7, 1, 2, 3]], [[0xF9]], [[3, 1, 2, 3, 4]], [[0x80, 0x80, 0x80]], [[1, 2], [3, 4]],
        ] as [[[UInt8]]])
    func crafted(segments: [[UInt8]]) {
        #expect(throws: FrameDefect.self) { try decode(stream(segments), eight) }
    }

    @Test("RLE offsets outside the stream are refused", arguments: [0, 63, 68, 1_000, 0xFFFF_FFFF])
    func offsets(offset: Int) {
        var bytes = stream([[0xF9, 7, 0, 0]])
        for index in 0..<4 { bytes[4 + index] = UInt8(offset >> (index * 8) & 0xFF) }
        #expect(throws: FrameDefect.self) { try decode(bytes, eight) }
        #expect(throws: FrameDefect.self) { try decode([UInt8](bytes.prefix(64)), eight) }
    }

    @Test("an offset table tells which fragments make a frame") func offsetTable() {
        func table(_ offsets: [Int]) -> [UInt8] {
            offsets.flatMap { value in (0..<4).map { UInt8(value >> ($0 * 8) & 0xFF) } }
        }
        let lengths = [10, 11, 6, 2]
        #expect(
            EncapsulatedFrames.ranges(table: table([0, 38]), fragmentLengths: lengths, frames: 2) == [1..<3, 3..<5])
        for wrong in [[0, 37], [38, 0], [0, 0], [18, 38], [0], [0, 18, 38], [0, 0x7FFF_FFFF]] {
            #expect(
                EncapsulatedFrames.ranges(table: table(wrong), fragmentLengths: lengths, frames: 2) == nil, "\(wrong)")
        }
        #expect(EncapsulatedFrames.ranges(table: [], fragmentLengths: lengths, frames: 2) == nil)
    }
}

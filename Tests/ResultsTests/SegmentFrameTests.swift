// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Results

/// What goes into Pixel Data, and what is said of it.
struct SegmentFrameTests {
    /// 3 × 2 × 2, one string a slice.
    private func mask(_ slices: String...) -> Mask {
        Mask(
            columns: 3, rows: 2, slices: 2,
            voxels: slices.joined().utf8.map { $0 == UInt8(ascii: ".") ? 0 : 1 })
    }

    @Test("segments overlap where they share a voxel, not where they share a slice or their blocks meet")
    func overlap() {
        let first = mask("##....", "#....#")
        #expect(!SegmentFrames([first]).overlap)
        #expect(!SegmentFrames([first, mask("..####", ".####.")]).overlap)
        #expect(SegmentFrames([first, mask("..####", ".#####")]).overlap)
        #expect(SegmentFrames([mask("......", "..#..."), first, mask("#.....", "......")]).overlap)
        #expect(!SegmentFrames([mask("#.....", "......"), mask("......", "#.....")]).overlap)
    }

    @Test("an overlap is seen in each of the eight voxels that are read at a time, and beyond them", arguments: 0..<21)
    func overlapAnywhere(_ voxel: Int) {
        func mask(_ values: [UInt8]) -> Mask { Mask(columns: 21, rows: 1, slices: 1, voxels: values) }
        var one = [UInt8](repeating: 0, count: 21)
        one[voxel] = 1
        #expect(SegmentFrames([mask([UInt8](repeating: 1, count: 21)), mask(one)]).overlap)
        #expect(!SegmentFrames([mask(one.map { 1 - $0 }), mask(one)]).overlap)
    }

    @Test("a label map holds all segments of a slice in one frame, and bits where they overlap")
    func labelMap() {
        let masks = [mask("##....", "......"), mask("..#...", "#....#")]
        let made = SegmentFrames(masks, form: .labelMap)
        #expect(made.form == .labelMap && made.bitsAllocated == 8 && !made.overlap)
        #expect(made.frames == [0, 1].map { SegmentFrames.Frame(segment: nil, slice: $0) })
        #expect(made.pixelData == [1, 1, 2, 0, 0, 0, 2, 0, 0, 0, 0, 2])
        #expect(made.regions.map(\.counts) == [[2], [1, 2]])
        let shared = SegmentFrames([masks[0], mask("#.....", "......")], form: .labelMap)
        #expect(shared.form == .binary && shared.overlap && shared.bitsAllocated == 1)
    }

    @Test("a label map of more than 255 segments has two bytes a voxel", arguments: [255, 256, 300])
    func manyLabels(_ count: Int) {
        let masks = (0..<count).map { index in
            Mask(
                columns: count, rows: 1, slices: 1, blockColumns: index..<index + 1, blockRows: 0..<1,
                blockSlices: 0..<1, block: [1])
        }
        let made = SegmentFrames(masks, form: .labelMap)
        let bytes = count > 255 ? 2 : 1
        #expect(made.bitsAllocated == 8 * bytes && made.pixelData.count == (count * bytes + 1) / 2 * 2)
        let labels = (0..<count).map { place in
            (0..<bytes).reduce(0) { $0 | Int(made.pixelData[place * bytes + $1]) << (8 * $1) }
        }
        #expect(labels == Array(1...count))
    }

    @Test("a fractional Segmentation keeps the probabilities of the mask's voxels, and none of them is zero")
    func fractional() {
        let made = SegmentFrames(
            [mask("##...#", "......")], probabilities: [[200, 0, 9, 9, 9, 255, 9, 9, 9, 9, 9, 9]], form: .fractional)
        #expect(made.form == .fractional && made.bitsAllocated == 8)
        #expect(made.frames == [SegmentFrames.Frame(segment: 0, slice: 0)])
        #expect(made.pixelData == [200, 1, 0, 0, 0, 255])
        #expect(SegmentFrames([mask("##...#", "......")], form: .fractional).form == .binary)
    }

    @Test("elements are encoded as PS3.5 7 has it", arguments: [true, false])
    func elements(_ isExplicit: Bool) {
        var made = ElementBytes(isExplicit: isExplicit)
        made.append(Tag(0x0020, 0x9111), item: { $0.append(Tag(0x0008, 0x1155), UID(literal: "1.2.3")) })
        made.append(Tag(0x0062, 0x000B), unsignedShort: 258)
        made.append(Tag(0x0020, 0x9157), unsignedLongs: [1, 65536])
        made.append(Tag(0x0020, 0x9453), "LO", "abc")
        made.appendHeader(Tag(0x7FE0, 0x0010), "OB", count: 70_000)
        func header(_ tag: [UInt8], _ vr: String, _ length: UInt8) -> [UInt8] {
            tag + (isExplicit ? Array(vr.utf8) + [length, 0] : [length, 0, 0, 0])
        }
        let item: [UInt8] = header([8, 0, 0x55, 0x11], "UI", 6) + Array("1.2.3".utf8) + [0]
        let sequence: [UInt8] = [0x20, 0, 0x11, 0x91] + (isExplicit ? Array("SQ".utf8) + [0, 0] : []) + [22, 0, 0, 0]
        let expected: [UInt8] =
            sequence + [0xFE, 0xFF, 0, 0xE0, 14, 0, 0, 0] + item
            + header([0x62, 0, 0x0B, 0], "US", 2) + [2, 1]
            + header([0x20, 0, 0x57, 0x91], "UL", 8) + [1, 0, 0, 0, 0, 0, 1, 0]
            + header([0x20, 0, 0x53, 0x94], "LO", 4) + Array("abc ".utf8)
            + [0xE0, 0x7F, 0x10, 0] + (isExplicit ? Array("OB".utf8) + [0, 0] : []) + [0x70, 0x11, 1, 0]
        #expect(made.bytes == expected)
    }

    @Test("every segment has a colour of its own")
    func colors() {
        let colors = (0..<200).map { Palette.color($0) } + [Palette.black]
        #expect(Set(colors).count == 201)
        #expect(colors.allSatisfy { $0.count == 3 && $0.allSatisfy { (0...65535).contains($0) } })
    }
}

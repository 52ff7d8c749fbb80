// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@testable import Results

/// The parts that results are made of.
struct PartTests {
    private func mask(_ rows: [String]) -> Mask {
        Mask(
            columns: rows[0].utf8.count, rows: rows.count, slices: 1,
            voxels: rows.flatMap { $0.utf8.map { $0 == UInt8(ascii: ".") ? 0 : 1 } })
    }

    @Test("frames follow each other bit by bit, lowest bit first", arguments: [1, 3, 5, 7, 8, 9, 13, 16, 25, 64, 65])
    func packing(_ size: Int) {
        var state: UInt32 = 7
        var voxels: [UInt8] = []
        for _ in 0..<size * 5 {
            state = state &* 1_664_525 &+ 1_013_904_223
            voxels.append(state >> 30 == 0 ? 0 : UInt8(truncatingIfNeeded: state >> 8) | 1)
        }
        // The third frame is empty.
        for index in size * 2..<size * 3 { voxels[index] = 0 }
        let made = SegmentFrames([Mask(columns: size, rows: 1, slices: 5, voxels: voxels)])

        var kept: [Bool] = []
        for frame in made.frames { kept += voxels[frame.slice * size..<(frame.slice + 1) * size].map { $0 != 0 } }
        let data = made.pixelData
        #expect(!made.frames.contains { $0.slice == 2 })
        #expect(data.count == ((kept.count + 7) / 8 + 1) / 2 * 2)
        #expect(kept.indices.map { data[$0 / 8] >> UInt8($0 % 8) & 1 == 1 } == kept)
        #expect(made.regions[0].counts.reduce(0, +) == kept.count { $0 })
    }

    @Test("an outline runs along the pixel edges of the largest part")
    func outline() {
        let ring = mask([
            "#......",
            "..####.",
            "..#..#.",
            "..####.",
            "......#",
        ])
        #expect(Outline(ring, slice: 0).polyline == [2, 1, 6, 1, 6, 4, 2, 4, 2, 1])
        let corner = mask([
            "##.",
            "#..",
            "...",
        ])
        #expect(Outline(corner, slice: 0).polyline == [0, 0, 2, 0, 2, 1, 1, 1, 1, 2, 0, 2, 0, 0])
        // Pixels that touch at a corner are two parts; within one part the border passes such a corner twice.
        let pinch = mask([
            "###",
            "#.#",
            "##.",
        ])
        #expect(
            Outline(pinch, slice: 0).polyline == [0, 0, 3, 0, 3, 2, 2, 2, 2, 1, 1, 1, 1, 2, 2, 2, 2, 3, 0, 3, 0, 0])
        #expect(Outline(pinch, slice: 0).box.polyline == [0, 0, 3, 0, 3, 3, 0, 3, 0, 0])
        #expect(Outline(mask(["###"]), slice: 0).polyline == [0, 0, 3, 0, 3, 1, 0, 1, 0, 0])
    }

    @Test("an outline with more corners than an element holds becomes its box")
    func raggedOutline() {
        let comb = (0..<2100).map { $0 % 2 == 0 ? "######" : "#....." } + ["......"]
        #expect(Outline(mask(comb), slice: 0).polyline.count > 4000)
        let long = (0..<4400).map { $0 % 2 == 0 ? "######" : "#....." }
        #expect(Outline(mask(long), slice: 0).polyline == [0, 0, 6, 0, 6, 4400, 0, 4400, 0, 0])
    }

    @Test(
        "moments become dates and times in their offset",
        arguments: [
            (0, 0, "19700101", "000000", "+0000"), (1_767_348_000, 540, "20260102", "190000", "+0900"),
            (1_709_164_799, 0, "20240228", "235959", "+0000"), (1_709_164_800, 0, "20240229", "000000", "+0000"),
            (951_868_800, -330, "20000229", "183000", "-0530"), (-1, 0, "19691231", "235959", "+0000"),
        ] as [(Int64, Int, String, String, String)])
    func contentTime(_ seconds: Int64, _ offset: Int, _ date: String, _ clock: String, _ zone: String) {
        let time = ContentTime(secondsSince1970: seconds, offsetMinutes: offset)
        #expect([time.date, time.time, time.offset] == [date, clock, zone])
        #expect(time.at(offset: "+0000")?.at(offset: zone) == time)
        #expect(time.at(offset: "0900") == nil && time.at(offset: "+9") == nil && time.at(offset: "+1500") == nil)
    }

    @Test("decimal strings keep to sixteen characters")
    func decimals() {
        #expect(Text.decimal(0.25) == "0.25")
        #expect(Text.decimal(-1234.5678901234567, digits: 17).utf8.count <= 16)
        #expect(Text.decimal(-1.2345678901234567e-200).utf8.count <= 16)
        #expect(Text.decimal(93.75, digits: 4) == "93.75")
    }

    @Test("text of ours is plain in every character set")
    func text() {
        #expect(Text.plain(" a\\b~c\u{1B}出 ") == "a?b?c??")
        #expect(Text.long(String(repeating: "x", count: 70)).utf8.count == 64)
        #expect(!Text.isPlain("A\\1") && Text.isPlain("A 1"))
    }

    @Test("a grid knows the distance between its planes and whether it is sheared")
    func grid() {
        var grid = Grid(
            origin: Vector3(0, 0, 0), columnStep: Vector3(0.5, 0, 0), rowStep: Vector3(0, 0.5, 0),
            sliceStep: Vector3(0, 0, -3), columns: 2, rows: 2, slices: 2)
        #expect(grid.sliceDistance == 3 && !grid.isSheared)
        grid.sliceStep = Vector3(0, 1, 3)
        #expect(grid.sliceDistance == 3 && grid.isSheared)
        grid.slices = 1
        #expect(grid.sliceDistance == nil)
    }
}

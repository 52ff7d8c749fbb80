// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Results
import Support
import Testing

/// Results as other people's programs see them.
@Suite(.serialized) struct JudgeTests {
    static let sizes: [SourceStudy.Options] = [(512, 512), (100, 101), (511, 513), (33, 33)].map { columns, rows in
        SourceStudy.Options(name: "size", columns: columns, rows: rows)
    }
    static let kinds: [SourceStudy.Options] = [
        .init(name: "tilted", columns: 40, rows: 37, tilt: 15),
        .init(name: "multi-frame", columns: 40, rows: 37, isMultiFrame: true),
        .init(name: "lossy", columns: 40, rows: 37, lossyRatio: "12.5"),
        .init(
            name: "ISO 2022 Japanese", columns: 40, rows: 37, characterSet: "\\ISO 2022 IR 87",
            patientName: "Yamada^Tarou=\u{1B}$B;3ED\u{1B}(B^\u{1B}$BB@O:\u{1B}(B=\u{1B}$B$d$^$@\u{1B}(B^\u{1B}$B$?$m$&\u{1B}(B"),
        .init(
            name: "UTF-8 Japanese", columns: 40, rows: 37, characterSet: "ISO_IR 192",
            patientName: "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ]

    @Test(
        "dicom3tools accepts Segmentation and report, and their entities agree with the source",
        .enabled(if: Judge.areDue(.dciodvfy, .dcentvfy, .dsrdump)), arguments: sizes + kinds, [1, 2])
    func dicom3tools(_ options: SourceStudy.Options, findings: Int) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<4), study.mask(2, slices: 3..<6)]
        let results = try study.request(findings: findings, masks: masks)
            .encode(masks: masks, into: study.directory + "/out")
        #expect(results.map(\.kind) == [.segmentation, .measurementReport])
        for result in results { #expect(try Judge.dciodvfy.complaints(result.path) == []) }
        #expect(try Judge.dcentvfy.complaints(study.files + results.map(\.path)) == [])
        #expect(try Judge.dsrdump.complaints(results[1].path) == [])
    }

    @Test(
        "highdicom and dcmqi read the masks back voxel for voxel, on the right slices",
        .enabled(if: Judge.areDue(.highdicom, .dcmqi)), arguments: sizes + kinds, [1, 2])
    func masks(_ options: SourceStudy.Options, findings: Int) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<4), study.mask(2, slices: 3..<6)]
        let request = study.request(findings: findings, masks: masks)
        let path = try request.encode(masks: masks, into: study.directory + "/out")[0].path
        let size = options.columns * options.rows

        var read = masks.map { Mask(columns: $0.columns, rows: $0.rows, slices: $0.slices,
            voxels: [UInt8](repeating: 0, count: $0.voxels.count)) }
        for frame in try Judge.highdicomFrames(path) {
            let slice = try #require(
                request.source.frames.firstIndex {
                    $0.sopInstanceUID.string == frame.source && $0.frameNumber ?? 0 == frame.frame
                })
            for pixel in frame.pixels { read[frame.segment - 1].voxels[slice * size + pixel] = 1 }
        }
        for index in 0..<findings { #expect(read[index] == masks[index], "highdicom, segment \(index + 1)") }

        let place = study.placement
        let segments = try Judge.dcmqiSegments(
            path,
            on: .init(
                origin: place.origin, columnStep: place.column, rowStep: place.row, sliceStep: place.slice,
                size: place.size))
        #expect(segments.count == findings)
        for voxels in segments.values {
            #expect(masks.contains { mask in mask.voxels.indices.filter { mask.voxels[$0] != 0 } == voxels })
        }
    }
}

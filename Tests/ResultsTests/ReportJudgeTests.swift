// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Reports of every kind as other people's programs see them. PixelMed takes 10 s for each.
@Suite(.serialized) struct ReportJudgeTests {
    struct Kind: Sendable, CustomStringConvertible {
        var description: String
        var options: SourceStudy.Options
        var groups: Int
        var make: @Sendable (SourceStudy) throws -> EncodedResult?
    }

    private static let radiographs = SourceStudy.Options(
        name: "radiographs", columns: 40, rows: 37, slices: 2, isProjection: true)

    static let kinds: [Kind] = [
        Kind(
            description: "superseding, of two orders",
            options: .init(name: "ordered", columns: 40, rows: 37, isOrdered: true, timezone: "-0500"), groups: 3
        ) { study in
            for file in study.files {
                try SourceStudy.change(file) { (item) throws(DCMTKError) in
                    try item.append(Tag(0x0040, 0x0275)) { (item) throws(DCMTKError) in
                        try item.set(Tag(0x0008, 0x0050), "A124")
                        try item.set(Tag(0x0040, 0x1001), "RP2")
                    }
                }
            }
            let masks = [study.mask(1, slices: 1..<4)]
            var request = study.request(masks: masks)
            request.predecessors = [ReportTests.predecessor]
            return try request.encode(masks: masks, into: study.output).last
        },
        Kind(description: "not analysed", options: JudgeTests.japanese, groups: 0) { study in
            var request = study.request(findings: 0)
            request.source.frames = []
            request.refusals = ["the slices cover 40 mm, at least 90 mm needed"]
            return try request.encode(masks: [], into: study.output).last
        },
        Kind(description: "radiographs of two sizes", options: radiographs, groups: 2) { study in
            try SourceStudy.change(study.files[1]) { (item) throws(DCMTKError) in
                try item.set(Tag(0x0028, 0x0010), 47)
            }
            var request = study.request(findings: 2)
            request.findings[0].keySlice = 1
            return try request.encode(masks: [], into: study.output).last
        },
        Kind(description: "an outline on a radiograph", options: radiographs, groups: 1) { study in
            let masks = [study.mask(1, slices: 1..<2)]
            var request = study.request(masks: masks)
            request.findings[0].volumeML = nil
            return try request.encode(masks: masks, into: study.output).last
        },
    ]

    @Test(
        "every judge of reports accepts every kind of report [OBJ-4]",
        .enabled(if: Judge.areDue(.dciodvfy, .dcentvfy, .dsrdump, .pixelMedReport, .highdicom, .dcmqi)),
        arguments: Self.kinds)
    func accepted(_ kind: Kind) throws {
        let study = try SourceStudy(kind.options)
        defer { study.remove() }
        let path = try #require(try kind.make(study)).path
        #expect(try Judge.dciodvfy.complaints(path) == [])
        #expect(try Judge.dcentvfy.complaints(study.files + [path]) == [])
        #expect(try Judge.dsrdump.complaints(path) == [])
        #expect(try Judge.highdicomGroups(path).count == kind.groups)
        #expect(try Judge.dcmqiGroupCount(path) == kind.groups)
        #expect(try Judge.pixelMedReport.complaints(path) == [])
    }
}

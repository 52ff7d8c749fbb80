// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Reports of every kind as other people's programs see them.
@Suite(.serialized) struct ReportJudgeTests {
    struct Kind: Sendable, CustomStringConvertible {
        var description: String
        var options: SourceStudy.Options
        var groups: Int
        /// Where they are said: of the first group, which is a planar one, as all others are.
        var values: [String] = []
        var make: @Sendable (SourceStudy) throws -> EncodedResult?
    }

    private static let radiographs = SourceStudy.Options(
        name: "radiographs", columns: 40, rows: 37, slices: 2, isProjection: true)

    static let kinds: [Kind] = special + plain + boxes + alone

    private static let special: [Kind] = [
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

    /// Without a finding, and of one without a mask.
    private static let plain = [JudgeTests.japanese, JudgeTests.radiograph].flatMap { options in
        [0, 1].map { findings in
            Kind(
                description: "\(findings) findings without a mask on \(options.name)", options: options,
                groups: findings
            ) { study in
                var request = study.request(findings: findings)
                request.template.negativeReport = true
                return try request.encode(masks: [], into: study.output).last
            }
        }
    }

    /// Of a detector: each a group with its rectangle on the key slice.
    private static let boxes = [(JudgeTests.japanese, 1), (JudgeTests.multiFrame, 2), (JudgeTests.tilted, 2)]
        .map { options, findings in
            Kind(
                description: "\(findings) boxes on \(options.name)", options: options, groups: findings,
                values: ["103355008 6 mm", "121207 4.5 mm", "131197000 7.5 mm", "111012 93.75 %"]
            ) { study in
                try study.boxRequest(findings: findings).encode(masks: [], into: study.output).last
            }
        }

    /// Without the Segmentation it speaks of the outline and of all that was measured.
    private static let alone = [1, 2].map { findings in
        Kind(
            description: "\(findings) masks without a Segmentation", options: JudgeTests.multiFrame, groups: findings,
            values: ["42798000", "118565006", "118565006", "103339001", "111012"]
        ) { study in
            let masks = study.masks
            var request = study.request(findings: findings, masks: masks)
            request.template.objects = [.measurementReport]
            return try request.encode(masks: masks, into: study.output).last
        }
    }

    @Test(
        "every judge of reports accepts every kind of report [OBJ-4]",
        .enabled(if: Judge.areDue(.dciodvfy, .dcentvfy, .dsrdump, .pixelMedReport, .highdicom, .dcmqi)))
    func accepted() throws {
        let studies = try Self.kinds.map { try SourceStudy($0.options) }
        defer { for study in studies { study.remove() } }
        var paths: [String] = []
        for (kind, study) in zip(Self.kinds, studies) {
            let result = try #require(try kind.make(study), "\(kind)")
            #expect(result.kind == .measurementReport, "\(kind)")
            paths.append(result.path)
            #expect(try Judge.dciodvfy.complaints(result.path) == [], "\(kind)")
            #expect(try Judge.dcentvfy.complaints(study.files + [result.path]) == [], "\(kind)")
            #expect(try Judge.dsrdump.complaints(result.path) == [], "\(kind)")
            #expect(try Judge.dcmqiGroupCount(result.path) == kind.groups, "\(kind)")
        }
        for (kind, groups) in zip(Self.kinds, try Judge.highdicomGroups(of: paths)) {
            #expect(groups.count == kind.groups, "\(kind)")
            guard !kind.values.isEmpty else { continue }
            #expect(groups.allSatisfy { $0.kind == "planar" }, "\(kind)")
            let values = groups.first?.values ?? []
            #expect(values.count == kind.values.count, "\(kind)")
            #expect(zip(values, kind.values).allSatisfy { $0.hasPrefix($1) }, "\(kind): \(values)")
        }
        for (kind, complaints) in zip(Self.kinds, try Judge.pixelMedReport.complaintsOfEach(paths)) {
            #expect(complaints == [], "\(kind)")
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Segmentations that are bits, labels and probabilities, and of images that lie nowhere.
@Suite(.serialized) struct FormTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 31)
    private static let projection = SourceStudy.Options(columns: 33, rows: 31, slices: 1, isProjection: true)

    /// What a reader should find of the segments.
    private static func expected(_ study: SourceStudy, _ form: SegmentationForm) -> [String: Judge.Voxels] {
        let masks = form == .labelMap ? study.apart : study.masks
        return Dictionary(
            uniqueKeysWithValues: masks.enumerated().map { index, mask in
                let voxels = mask.voxels
                let places = voxels.indices.filter { voxels[$0] != 0 }
                // These masks have the whole grid for a block.
                let values = SourceStudy.probabilities(mask)
                return (
                    "\(index + 1)",
                    Judge.Voxels(
                        places: places,
                        values: places.map { form == .fractional ? max(1, Int(values[$0])) : 1 })
                )
            })
    }

    @Test(
        "highdicom puts every form back to where the source lies, voxel for voxel, in all orientations [OBJ-3]",
        .enabled(if: Judge.areDue(.highdicom)), arguments: SegmentationForm.allCases)
    func volumes(_ form: SegmentationForm) throws {
        let options =
            JudgeTests.orientations + [
                SourceStudy.Options(columns: 33, rows: 33), SourceStudy.Options(columns: 100, rows: 101),
                SourceStudy.Options(name: "one slice", columns: 41, rows: 37, slices: 1),
            ]
        let studies = try options.map { try SourceStudy($0) }
        defer { for study in studies { study.remove() } }
        let read = try Judge.highdicomVolumes(
            studies.map { (try $0.results(findings: 2, form: form)[0].path, $0.placement) })
        for (study, segments) in zip(studies, read) {
            #expect(segments == Self.expected(study, form), "\(study.options)")
        }
    }

    @Test("highdicom sees a voxel that is not ours", .enabled(if: Judge.areDue(.highdicom)))
    func otherVoxel() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 2)[0].path
        // Pixel Data is the last element.
        var file = try Data(contentsOf: URL(fileURLWithPath: path))
        file[file.count - 300] ^= 4
        try file.write(to: URL(fileURLWithPath: path))
        #expect(try Judge.highdicomVolumes([(path, study.placement)])[0] != Self.expected(study, .binary))
    }

    @Test(
        "a label map is an object of its own class, which the report refers to, and bits where segments overlap",
        arguments: [small, projection])
    func labelMap(_ options: SourceStudy.Options) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let labelMap = UID(literal: "1.2.840.10008.5.1.4.1.1.66.7")
        let results = try study.results(findings: 2, form: .labelMap)
        #expect(results[0].sopClassUID == labelMap)
        let tags = [Tag(0x0062, 0x0001), Tag(0x0062, 0x0013), Tag(0x0028, 0x0120), Tag(0x0028, 0x0100)]
        let (read, numbers, dimensions) = try SourceStudy.read(results[0].path) { item in
            (
                tags.map { item.string($0) },
                (0..<item.childCount(Tag(0x0062, 0x0002))).map {
                    item.child(Tag(0x0062, 0x0002), $0)?.integer(Tag(0x0062, 0x0004))
                }, item.childCount(Tag(0x0020, 0x9222))
            )
        }
        #expect(read == ["LABELMAP", "NO", "0", "8"] && numbers == [0, 1, 2] && dimensions == 1)
        let evidence = try SourceStudy.read(results[1].path) { item in
            item.child(Tag(0x0040, 0xA375))?.child(Tag(0x0008, 0x1115), 1)?.child(Tag(0x0008, 0x1199))?
                .uid(Tag(0x0008, 0x1150))
        }
        #expect(evidence == labelMap)

        let masks = study.masks
        var request = study.request(findings: 2, masks: masks)
        request.template.segmentationForm = .labelMap
        let binary = try request.encode(masks: masks, into: study.output)[0]
        #expect(binary.sopClassUID == UID(literal: "1.2.840.10008.5.1.4.1.1.66.4"))
        #expect(try SourceStudy.read(binary.path) { $0.string(Tag(0x0062, 0x0013)) } == "YES")
    }

    @Test("a mask on a radiograph is written without a place, and its report states no volume")
    func radiograph() throws {
        let study = try SourceStudy(Self.projection)
        defer { study.remove() }
        let results = try study.results(findings: 1)
        let absent = try SourceStudy.read(results[0].path) { item in
            let shared = item.child(Tag(0x5200, 0x9229))
            let frame = item.child(Tag(0x5200, 0x9230))
            return [
                item.has(Tag(0x0020, 0x0052)), item.has(Tag(0x0020, 0x1040)), shared?.has(Tag(0x0028, 0x9110)),
                shared?.has(Tag(0x0020, 0x9116)), frame?.has(Tag(0x0020, 0x9113)),
            ]
        }
        #expect(absent == [false, false, false, false, false])
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: results[1].path)), as: UTF8.self)
        #expect(!text.contains("118565006") && text.contains("Referenced Segment"))
    }

    @Test("probabilities that are not of the masks are refused, and other ones have another UID")
    func probabilities() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = study.masks
        let request = study.request(findings: 2, masks: masks)
        let values = masks.map(SourceStudy.probabilities)
        let first = try request.encode(masks: masks, probabilities: values, into: study.output)
        let tags = [Tag(0x0062, 0x0001), Tag(0x0062, 0x0010), Tag(0x0062, 0x000E), Tag(0x0028, 0x0100)]
        #expect(
            try SourceStudy.read(first[0].path) { item in tags.map { item.string($0) } }
                == ["FRACTIONAL", "PROBABILITY", "255", "8"])
        var other = values
        other[0][masks[0].voxels.firstIndex(of: 1) ?? 0] ^= 1
        let second = try request.encode(masks: masks, probabilities: other, into: study.output)
        #expect(zip(first, second).allSatisfy { $0.sopInstanceUID != $1.sopInstanceUID })
        other[1].removeLast()
        #expect(throws: ResultsError.self) {
            try request.encode(masks: masks, probabilities: other, into: study.output)
        }
        #expect(throws: ResultsError.self) {
            try request.encode(masks: masks, probabilities: [values[0]], into: study.output)
        }
    }
}

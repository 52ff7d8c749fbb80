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
    static let tilted = SourceStudy.Options(name: "tilted", columns: 40, rows: 37, tilt: 15)
    static let multiFrame = SourceStudy.Options(name: "multi-frame", columns: 40, rows: 37, isMultiFrame: true)
    static let japanese = SourceStudy.Options(
        name: "ISO 2022 Japanese", columns: 40, rows: 37, characterSet: "\\ISO 2022 IR 87",
        patientName:
            "Yamada^Tarou=\u{1B}$B;3ED\u{1B}(B^\u{1B}$BB@O:\u{1B}(B=\u{1B}$B$d$^$@\u{1B}(B^\u{1B}$B$?$m$&\u{1B}(B")
    static let radiograph = SourceStudy.Options(
        name: "radiograph", columns: 40, rows: 37, slices: 1, isProjection: true)
    static let magnetic = SourceStudy.Options(name: "MR", columns: 40, rows: 37, isMR: true)
    /// Every way in which slices may cut a patient, and their order.
    static let orientations: [SourceStudy.Options] = SourceStudy.Orientation.allCases.flatMap { orientation in
        [false, true].map { isReversed in
            SourceStudy.Options(
                name: "\(orientation.rawValue)\(isReversed ? ", reversed" : "")", columns: 40, rows: 37,
                orientation: orientation, isReversed: isReversed, isMultiFrame: orientation == .sagittal)
        }
    }
    static let kinds: [SourceStudy.Options] = [
        magnetic,
        tilted, multiFrame, japanese,
        .init(name: "lossy", columns: 40, rows: 37, lossyRatio: "12.5"),
        .init(name: "ordered", columns: 40, rows: 37, isOrdered: true, timezone: "-0500"),
        .init(name: "single slice", columns: 41, rows: 37, slices: 1),
        .init(
            name: "UTF-8 Japanese", columns: 40, rows: 37, characterSet: "ISO_IR 192",
            patientName: "Yamada^Tarou=山田^太郎=やまだ^たろう"),
    ]

    @Test(
        "dicom3tools and dsrdump accept Segmentation and report, and their entities agree with the source [OBJ-3] [OBJ-4]",
        .enabled(if: Judge.areDue(.dciodvfy, .dcentvfy, .dsrdump)),
        arguments: sizes + kinds + [radiograph], [1, 2, 3])
    func dicom3tools(_ options: SourceStudy.Options, findings: Int) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let results = try study.results(findings: findings)
        #expect(results.map(\.kind) == [.segmentation, .measurementReport])
        let complaints =
            try results.flatMap { try Judge.dciodvfy.complaints($0.path) }
            + Judge.dcentvfy.complaints(study.files + results.map(\.path))
            + Judge.dsrdump.complaints(results[1].path)
        #expect(complaints == [])
    }

    @Test(
        "highdicom reads the masks back voxel for voxel, on the right slices [OBJ-3]",
        .enabled(if: Judge.areDue(.highdicom)), arguments: [1, 2])
    func highdicomMasks(findings: Int) throws {
        let studies = try (Self.sizes + Self.kinds + Self.orientations + [Self.radiograph]).map {
            try SourceStudy($0)
        }
        defer { for study in studies { study.remove() } }
        let read = try Judge.highdicomFrames(studies.map { try $0.results(findings: findings)[0].path })
        for (study, frames) in zip(studies, read) {
            let masks = study.masks.prefix(findings)
            var found = masks.map { [UInt8](repeating: 0, count: $0.voxels.count) }
            for frame in frames {
                let slice = try #require(
                    study.source.frames.firstIndex {
                        $0.sopInstanceUID.string == frame.source && $0.frameNumber ?? 0 == frame.frame
                    })
                let base = slice * study.options.columns * study.options.rows
                for pixel in frame.pixels { found[frame.segment - 1][base + pixel] = 1 }
            }
            #expect(found == masks.map(\.voxels), "\(study.options)")
        }
    }

    /// Not where slices are tilted: dcmqi puts the frames into one upright box, and refuses.
    @Test(
        "dcmqi reads the masks back voxel for voxel, where they lie in the patient",
        .enabled(if: Judge.areDue(.highdicom, .dcmqi)), arguments: [1, 2])
    func dcmqiMasks(findings: Int) throws {
        let studies = try (Self.sizes + Self.kinds + Self.orientations).filter { $0.tilt == 0 }.map {
            try SourceStudy($0)
        }
        defer { for study in studies { study.remove() } }
        let read = try Judge.dcmqiSegments(
            studies.map { (try $0.results(findings: findings)[0].path, $0.placement) })
        for (study, segments) in zip(studies, read) {
            let masks = study.masks.prefix(findings).map(\.voxels).map { voxels in
                voxels.indices.filter { voxels[$0] != 0 }
            }
            #expect(Set(segments.values) == Set(masks), "\(study.options)")
        }
    }

    @Test(
        "highdicom and dcmqi find a group for the segment and one for its outline, under one tracking UID",
        .enabled(if: Judge.areDue(.highdicom, .dcmqi)), arguments: [multiFrame, japanese])
    func groups(_ options: SourceStudy.Options) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let path = try study.results(findings: 2)[1].path
        let groups = try Judge.highdicomGroups(path)
        #expect(groups.map(\.kind) == ["volumetric", "volumetric", "planar", "planar"])
        #expect(groups.map(\.finding) == ["1386000", "21454007", "1386000", "21454007"])
        #expect(groups.prefix(2).map(\.segment) == [1, 2])
        #expect(groups[0].trackingUID == groups[2].trackingUID && groups[1].trackingUID == groups[3].trackingUID)
        #expect(groups[0].trackingUID != groups[1].trackingUID)
        #expect(groups.allSatisfy { $0.trackingIdentifier.hasPrefix("DEMONSTRATION ") })
        let volume = Double(study.masks[0].voxels.count { $0 != 0 }) * 0.5 * 0.5 * 2.5
        #expect(
            groups[0].values == [
                "118565006 \(plain(volume)) mm3", "118565006 \(plain(volume / 1000)) mL", "103339001 23.456 mm",
                "111012 93.75 %",
            ])
        #expect(try Judge.dcmqiGroupCount(path) == 4)
    }

    private func plain(_ value: Double) -> String { String(format: "%.6g", value) }
}

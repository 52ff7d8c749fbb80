// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Key objects, pictures and presentation states, as other people's programs see them.
@Suite(.serialized) struct FallbackTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 31)
    static let radiograph = SourceStudy.Options(
        name: "radiograph", columns: 40, rows: 37, slices: 1, isProjection: true)
    static let sources: [SourceStudy.Options] =
        JudgeTests.kinds + [
            radiograph, .init(name: "MR", columns: 33, rows: 31, isMR: true),
            .init(name: "wide", columns: 600, rows: 40),
        ]

    private static func of(_ kind: ResultKind, _ results: [EncodedResult]) -> [EncodedResult] {
        results.filter { $0.kind == kind }
    }

    @Test(
        "dicom3tools and dcmpschk accept everything that can be asked for [OBJ-5]",
        .enabled(if: Judge.areDue(.dciodvfy, .dcentvfy, .dcmpschk)), arguments: sources, [1, 3])
    func dicom3tools(_ options: SourceStudy.Options, findings: Int) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let results = try study.everything(findings: findings)
        #expect(
            Set(results.map(\.kind))
                == (options.isProjection
                    ? [.measurementReport, .keyObjects, .secondaryCapture, .presentationState, .heatMap]
                    : Set(ResultKind.allCases)))
        for result in results { #expect(try Judge.dciodvfy.complaints(result.path) == [], "\(result.kind)") }
        #expect(try Judge.dcentvfy.complaints(study.files + results.map(\.path)) == [])
        for state in Self.of(.presentationState, results) {
            // It takes the bytes of ISO_IR 192 for characters: more of them than a name may have.
            if options.characterSet == "ISO_IR 192" { continue }
            #expect(try Judge.dcmpschk.complaints(state.path) == [])
        }
    }

    @Test(
        "pydicom and highdicom read them: which images, which pixels, which outlines [OBJ-5]",
        .enabled(if: Judge.areDue(.highdicom)), arguments: [JudgeTests.multiFrame, JudgeTests.japanese, radiograph])
    func readers(_ options: SourceStudy.Options) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let results = try study.everything(findings: 2)
        let isFlat = options.isProjection
        func path(_ kind: ResultKind) throws -> String { try #require(Self.of(kind, results).first).path }
        let read = try Judge.fallbacks(
            keyObjects: path(.keyObjects), picture: path(.secondaryCapture), state: path(.presentationState))
        let frame = study.source.frames[isFlat ? 0 : 3]
        #expect(read.title == "113000")
        #expect(read.selected == [frame.sopInstanceUID.string] && read.selectedFrames == [frame.frameNumber ?? 0])
        #expect(read.pictureOf == frame.sopInstanceUID.string && read.pictureFrame == frame.frameNumber ?? 0)
        #expect(read.shape.count == 3 && read.shape[2] == 3 && read.shape[1] == 512)
        #expect(read.patient == (options.name == "ISO 2022 Japanese" ? "Yamada^Tarou=山田^太郎=やまだ^たろう" : "Doe^Jane"))
        // Two findings: three slices each; one rectangle each.
        #expect(read.annotations == (isFlat ? 2 : 6) && read.layers == ["FINDING1", "FINDING2"])
        #expect(read.firstPoints == (isFlat ? [10, 6.25, 22, 6.25] : [10, 9, 21, 9]))
        #expect(read.texts[0].contains("AI, not reviewed") && read.texts[0].contains("DEMONSTRATION"))
    }

    @Test("a picture shows the outline in the finding's colour, the words and a scale that is right [OBJ-6]")
    func picture() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let results = try study.everything(findings: 1)
        let captures = Self.of(.secondaryCapture, results)
        #expect(captures.count == 1)
        let (rows, columns, spacing) = try SourceStudy.read(captures[0].path) { item in
            (
                item.integer(Tag(0x0028, 0x0010)) ?? 0, item.integer(Tag(0x0028, 0x0011)) ?? 0,
                item.number(Tag(0x0028, 0x0030)) ?? 0
            )
        }
        let pixels = try SourceStudy.pixels(captures[0].path, count: rows * columns * 3)
        #expect(columns == 512 && abs(spacing - 0.5 * 33 / 512) < 1e-6)
        func color(_ x: Int, _ y: Int) -> [UInt8] { Array(pixels[(y * columns + x) * 3..<(y * columns + x) * 3 + 3]) }
        // The body of the mask begins at column 8 and row 7; the slice begins below the banner.
        let red: [UInt8] = [248, 10, 20]
        func isRed(_ x: Int, _ y: Int) -> Bool { zip(color(x, y), red).allSatisfy { abs(Int($0) - Int($1)) < 30 } }
        let top = try #require((0..<rows).first { y in y > 60 && (0..<columns).contains { isRed($0, y) } })
        #expect((0..<top).contains { y in (0..<columns).contains { color($0, y) == [255, 220, 0] } })
        #expect((0..<top).contains { y in (0..<columns).contains { color($0, y) == [255, 80, 80] } })
        // The scale: a white bar of a round number of millimetres below the slice.
        let bars = (rows * 3 / 4..<rows).map { y in (6..<columns).prefix { color($0, y) == [255, 255, 255] }.count }
        let longest = Double(bars.max() ?? 0) * spacing
        #expect([5.0].contains { abs($0 - longest) < 0.6 }, "\(longest)")
    }

    @Test("a heat map carries its caveat, in the picture whole and in the header [OBJ-7]")
    func heatMap() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try #require(Self.of(.heatMap, study.everything(findings: 1)).first).path
        let read = try SourceStudy.read(path) { item in
            [Tag(0x0008, 0x2111), Tag(0x0020, 0x4000), Tag(0x0008, 0x103E)].map { item.string($0) ?? "" }
        }
        let caveat = "Regions that contribute to the score; not a diagnosis"
        #expect(read[0].contains(caveat) && read[0].contains("Not reviewed") && read[1].contains(caveat))
        #expect(read[2] == "DEMONSTRATION head-ct-hyperdensity 1.0.0 heat maps")
        var request = study.request(findings: 1)
        request.explanations = []
        request.template.objects = [.heatMap]
        #expect(try request.encode(masks: [], into: study.output) == [])
    }

    @Test("a picture and a Segmentation state the side of their image, or else that of the series")
    func side() throws {
        func sides(_ result: EncodedResult?) throws -> [String?] {
            try SourceStudy.read(#require(result).path) { item in
                [item.string(Tag(0x0020, 0x0062)), item.string(Tag(0x0020, 0x0060))]
            }
        }
        let breast = SourceStudy.Options(
            name: "MG", columns: 33, rows: 31, slices: 1, isProjection: true, detector: "MG")
        var breasts = breast
        breasts.slices = 2
        let two = try SourceStudy(breasts)
        defer { two.remove() }
        try SourceStudy.change(two.files[1]) { (item) throws(DCMTKError) in try item.set(Tag(0x0020, 0x0062), "R") }
        // The finding is on the second image.
        #expect(try sides(Self.of(.secondaryCapture, two.everything(findings: 1)).first) == ["R", nil])
        let one = try SourceStudy(breast)
        defer { one.remove() }
        #expect(try sides(one.results(findings: 1).first) == ["L", nil])

        let knee = try SourceStudy(Self.small)
        defer { knee.remove() }
        for (index, file) in knee.files.enumerated() {
            try SourceStudy.change(file) { (item) throws(DCMTKError) in
                try item.set(Tag(0x0020, 0x0060), "R")
                if index == 2 { try item.set(Tag(0x0020, 0x0062), "L") }
            }
        }
        #expect(try sides(knee.results(findings: 1).first) == [nil, "R"])
    }

    @Test("what fallbacks a destination takes changes neither Segmentation nor report, and pictures are reproducible")
    func sharing() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let usual = try study.results(findings: 2)
        let everything = try study.everything(findings: 2)
        #expect(Array(everything.prefix(2)) == usual)
        #expect(try study.everything(findings: 2) == everything)
    }

    @Test("without a finding on a slice there is none of them, and without its pixels no picture")
    func nothing() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        var request = study.request(findings: 1)
        request.template = ResultTemplate(objects: ResultKind.allCases, negativeReport: true)
        request.findings[0].keySlice = nil
        request.explanations = []
        #expect(try request.encode(masks: [], into: study.output).map(\.kind) == [.measurementReport])
        request.findings = []
        #expect(try request.encode(masks: [], into: study.output).map(\.kind) == [.measurementReport])
        let masks = study.masks
        request = study.request(findings: 1, masks: masks)
        request.template.objects = [.secondaryCapture]
        #expect(throws: ResultsError.request("the pixels of slice 4 are not there")) {
            try request.encode(masks: masks, into: study.output)
        }
    }

    @Test("slices with another Modality LUT are in a presentation state of their own, each with its windows")
    func rescale() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        for (index, file) in study.files.enumerated() {
            try SourceStudy.change(file) { (item) throws(DCMTKError) in
                if index == 2 { try item.set(Tag(0x0028, 0x1053), "2") }
                try item.set(Tag(0x0028, 0x1050), index == 1 ? "35\\600" : "40\\600")
                try item.set(Tag(0x0028, 0x1051), "80\\2000")
            }
        }
        let states = Self.of(.presentationState, try study.everything(findings: 1))
        let read = try states.map { state in
            try SourceStudy.read(state.path) { item -> [String?] in
                let series = item.child(Tag(0x0008, 0x1115))
                return [
                    item.string(Tag(0x0028, 0x1053)), "\(series?.childCount(Tag(0x0008, 0x1140)) ?? 0) images",
                    "\(item.childCount(Tag(0x0028, 0x3110))) windows",
                    item.child(Tag(0x0028, 0x3110))?.string(Tag(0x0028, 0x1050)),
                ]
            }
        }
        #expect(read == [["1", "2 images", "2 windows", "35"], ["2", "1 images", "1 windows", "40"]])
    }

    @Test(
        "each judge, and our own audit, objects to a broken one",
        .enabled(if: Judge.areDue(.dciodvfy, .dcmpschk, .pixelMedSelection, .dcentvfy)))
    func broken() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let results = try study.everything(findings: 1)
        func audit(_ reason: String) throws {
            let error = try #require(throws: ResultsError.self) {
                try ResultAudit.check(results, of: study.source)
            }
            #expect("\(error)".contains(reason), "\(error)")
        }
        func broken(
            _ kind: ResultKind, _ reason: String? = nil, _ change: (Item) throws(DCMTKError) -> Void,
            judge: (String) throws -> [String] = { _ in ["-"] }
        ) throws {
            let path = try #require(Self.of(kind, results).first).path
            let whole = try Data(contentsOf: URL(fileURLWithPath: path))
            try SourceStudy.change(path, change)
            #expect(try judge(path) != [])
            if let reason { try audit(reason) }
            try whole.write(to: URL(fileURLWithPath: path))
        }
        try broken(.secondaryCapture, nil) {
            $0.remove(Tag(0x0008, 0x0064))
        } judge: {
            try Judge.dciodvfy.complaints($0)
        }
        try broken(.secondaryCapture, "burned in") { $0.remove(Tag(0x0028, 0x0301)) }
        try broken(.secondaryCapture, "of which image") { $0.remove(Tag(0x0008, 0x2112)) }
        try broken(.secondaryCapture, "size") { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0010), 3) }
        try broken(.keyObjects, "selects nothing") {
            $0.remove(Tag(0x0040, 0xA730))
        } judge: {
            try Judge.pixelMedSelection.complaints($0)
        }
        try broken(.keyObjects, "not in its evidence") {
            $0.remove(Tag(0x0040, 0xA375))
        } judge: {
            try Judge.dciodvfy.complaints($0)
        }
        try broken(.keyObjects, "concept name") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0040, 0xA730), 7)?.append(Tag(0x0040, 0xA043)) { (code) throws(DCMTKError) in
                try code.set(Tag(0x0008, 0x0100), "260753009")
                try code.set(Tag(0x0008, 0x0102), "SCT")
                try code.set(Tag(0x0008, 0x0104), "Source")
            }
        } judge: {
            try Judge.pixelMedSelection.complaints($0)
        }
        try broken(.presentationState, "(0010,0020)") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0010, 0x0020), "P0002")
        } judge: {
            try Judge.dcentvfy.complaints(study.files + [$0])
        }
        try broken(.presentationState, "layers") { $0.remove(Tag(0x0070, 0x0060)) }
        try broken(.presentationState) {
            $0.remove(Tag(0x0070, 0x0082))
        } judge: {
            try Judge.dcmpschk.complaints($0)
        }
        try broken(.presentationState) {
            $0.remove(Tag(0x0070, 0x0080))
        } judge: {
            try Judge.dciodvfy.complaints($0)
        }
        try broken(.presentationState, "does not refer to") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0070, 0x0001))?.child(Tag(0x0008, 0x1140))?.set(Tag(0x0008, 0x1155), "1.2.3")
        }
        try broken(.presentationState, "not closed") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0070, 0x0001))?.child(Tag(0x0070, 0x0009))?.set(
                Tag(0x0070, 0x0022), [1, 1, 2, 1, 2, 2, 3, 3])
        }
    }
}

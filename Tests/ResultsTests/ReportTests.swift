// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Testing

/// What reports say.
struct ReportTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 31)
    private static let radiographs = SourceStudy.Options(
        name: "radiographs", columns: 33, rows: 31, slices: 2, isProjection: true)
    static let predecessor = PredecessorDocument(
        seriesInstanceUID: UID(literal: "2.25.41"), sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.88.34"),
        sopInstanceUID: UID(literal: "2.25.42"))

    @Test("the image library says once what holds for all images, and of each what does not")
    func library() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let lines = try SourceStudy.content(study.results(findings: 1)[1].path)
        for line in [
            "..Modality=CT", "..Frame of Reference UID=1.2.826.0.1.3680043.10.1338.3", "..Pixel Data Rows=31 {pixels}",
            "..Pixel Data Columns=33 {pixels}", "..Horizontal Pixel Spacing=0.5 mm", "..Vertical Pixel Spacing=0.5 mm",
            "..Spacing between slices=2.5 mm", "..Slice Thickness=2.5 mm",
            "..Image Orientation (Patient) Column Y=1 {-1:1}",
        ] { #expect(lines.filter { $0 == line }.count == 1, "\(line)") }
        #expect(!lines.contains { $0.hasPrefix("...Pixel") })

        let two = try SourceStudy(Self.radiographs)
        defer { two.remove() }
        try SourceStudy.change(two.files[1]) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 47)
            try item.set(Tag(0x0020, 0x0062), "R")
        }
        let read = try SourceStudy.content(two.request().encode(masks: [], into: two.output)[0].path)
        for line in [
            "..Modality=CR", "..Image View=272479007", "..Patient Orientation Row=L", "..Patient Orientation Column=F",
            "...Pixel Data Rows=31 {pixels}", "...Pixel Data Rows=47 {pixels}", "..Vertical Pixel Spacing=0.5 mm",
            "...Image Laterality=24028007",
        ] { #expect(read.filter { $0 == line }.count == 1, "\(line)") }
        #expect(!read.contains { $0.contains("Slice") || $0.contains("Frame of Reference") })
    }

    @Test("of several radiographs the one that was found something on is framed, in its own size")
    func radiographs() throws {
        let study = try SourceStudy(Self.radiographs)
        defer { study.remove() }
        try SourceStudy.change(study.files[1]) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 47)
        }
        var request = study.request()
        request.findings[0].keySlice = 1
        let results = try request.encode(masks: [], into: study.output)
        #expect(results.map(\.kind) == [.measurementReport])
        let lines = try SourceStudy.content(results[0].path)
        let place = try #require(lines.firstIndex { $0.hasPrefix("..Image Region=") })
        #expect(lines[place] == "..Image Region=0.0,0.0,33.0,0.0,33.0,47.0,0.0,47.0,0.0,0.0")
        #expect(lines[place + 1] == "...=\(study.source.instances[1].sopInstanceUID)")
    }

    @Test("a mask on a radiograph becomes an outline, and no Segmentation")
    func flatMask() throws {
        let study = try SourceStudy(Self.radiographs)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<2)]
        var request = study.request(masks: masks)
        request.findings[0].volumeML = nil
        request.findings[0].keySlice = nil
        let results = try request.encode(masks: masks, into: study.output)
        #expect(results.map(\.kind) == [.measurementReport])
        let lines = try SourceStudy.content(results[0].path)
        let place = try #require(lines.firstIndex { $0.hasPrefix("..Image Region=") })
        #expect(lines[place].split(separator: ",").count > 10 && lines[place - 1].hasSuffix("=111041"))
        #expect(lines[place + 1] == "...=\(study.source.instances[1].sopInstanceUID)")
        #expect(lines.contains("..Long Axis=23.456 mm") && !lines.contains { $0.contains("Volume") })
        // The outline would lie on the wrong pixels of an image of another size.
        try SourceStudy.change(study.files[1]) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 47)
        }
        #expect(throws: ResultsError.maskDoesNotFit(finding: 0, "its image has another matrix")) {
            try request.encode(masks: masks, into: study.output)
        }
    }

    @Test("a detector's box is a rectangle on the key slice and a block in the patient")
    func box() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let request = study.boxRequest(findings: 1)
        let lines = try SourceStudy.content(request.encode(masks: [], into: study.output)[0].path)
        #expect(lines.contains("..Image Region=10.0,6.25,22.0,6.25,22.0,15.25,10.0,15.25,10.0,6.25"))
        let faces = lines.filter { $0.hasPrefix("..Bounded by=") }.map { line in
            line.dropFirst(13).split(separator: ",").compactMap { Double($0) }
        }
        try #require(faces.map(\.count) == [15, 15])
        let box = try #require(request.findings[0].box)
        let places = stride(from: 0, to: 12, by: 3).flatMap { i in faces.map { Vector3($0[i], $0[i + 1], $0[i + 2]) } }
        for (axis, size) in zip(box.axes, box.size) {
            let along = places.map { ($0 - box.center).dot(axis) }
            #expect(abs((along.max() ?? 0) - size / 2) < 1e-3 && abs((along.min() ?? 0) + size / 2) < 1e-3)
        }
    }

    @Test("a finding of a whole series has no coordinates, but the slice that shows it")
    func classification() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let lines = try SourceStudy.content(study.request().encode(masks: [], into: study.output)[0].path)
        #expect(lines.contains("..Source of Measurement=\(study.source.instances[3].sopInstanceUID)"))
        #expect(!lines.contains { $0.contains("Image Region") })
    }

    @Test("a series that was not analysed says why, and nothing about findings [OBJ-4]")
    func refusal() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        // What refuses a series may be its very geometry.
        try SourceStudy.change(study.files[2]) { (item) throws(DCMTKError) in
            item.remove(Tag(0x0020, 0x0032))
            try item.set(Tag(0x0028, 0x0010), 47)
        }
        var request = study.request(findings: 0)
        request.source.frames = []
        request.coverage = Coverage(slices: 0, extent: 0, isNegativeAccepted: false)
        request.qualityNotes = []
        request.refusals = ["the slices cover 40 mm, at least 90 mm needed"]
        // Whatever else a destination wants, there is nothing to show.
        request.template.objects = ResultKind.allCases
        let nowhere = Vector3(0, 0, 0)
        request.source.grid = Grid(
            origin: nowhere, columnStep: nowhere, rowStep: nowhere, sliceStep: nowhere, columns: 0, rows: 0, slices: 0)
        let results = try request.encode(masks: [], into: study.output)
        #expect(results.map(\.kind) == [.measurementReport])
        let lines = try SourceStudy.content(results[0].path)
        for line in [
            ".CAD Processing and Findings Summary=111245", ".Comment=Not analysed by head-ct-hyperdensity 1.0.0.",
            ".Comment=Reason: the slices cover 40 mm, at least 90 mm needed",
            ".Comment=Not looked for: Intracranial hemorrhage.",
        ] { #expect(lines.contains(line), "\(line)") }
        #expect(!lines.contains { $0.contains("finding by") || $0.contains("Analysed:") || $0.contains("111241") })
        #expect(lines.filter { $0.hasPrefix("..=") }.count == 6)
        request.refusals = ["another reason"]
        #expect(try request.encode(masks: [], into: study.output)[0].sopInstanceUID != results[0].sopInstanceUID)
    }

    @Test("a report names those that it supersedes")
    func predecessors() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = [study.mask(1, slices: 1..<4)]
        var request = study.request(masks: masks)
        let first = try request.encode(masks: masks, into: study.output)
        request.predecessors = [Self.predecessor]
        let second = try request.encode(masks: masks, into: study.output)
        #expect(Set(first.map(\.sopInstanceUID)).isDisjoint(with: second.map(\.sopInstanceUID)))
        let read = try SourceStudy.read(second[1].path) { item -> [String?] in
            let study = item.child(Tag(0x0040, 0xA360))
            let series = study?.child(Tag(0x0008, 0x1115))
            let instance = series?.child(Tag(0x0008, 0x1199))
            return [
                study?.string(Tag(0x0020, 0x000D)), series?.string(Tag(0x0020, 0x000E)),
                instance?.string(Tag(0x0008, 0x1150)), instance?.string(Tag(0x0008, 0x1155)),
            ]
        }
        #expect(read == [study.source.studyInstanceUID.string, "2.25.41", "1.2.840.10008.5.1.4.1.1.88.34", "2.25.42"])
        #expect(try SourceStudy.content(second[1].path).contains(".Comment=Supersedes an earlier report."))
        #expect(try SourceStudy.read(first[1].path) { $0.has(Tag(0x0040, 0xA360)) } == false)
    }

    @Test("the order is named as the images name it, all of it where there are several")
    func orders() throws {
        var options = Self.small
        options.isOrdered = true
        let study = try SourceStudy(options)
        defer { study.remove() }
        for file in study.files {
            try SourceStudy.change(file) { (item) throws(DCMTKError) in
                try item.append(Tag(0x0040, 0x0275)) { (item) throws(DCMTKError) in
                    try item.set(Tag(0x0008, 0x0050), "A124")
                    try item.set(Tag(0x0040, 0x1001), "RP2")
                }
            }
        }
        let path = try study.results(findings: 1)[1].path
        let tags = [
            Tag(0x0008, 0x0050), Tag(0x0040, 0x1001), Tag(0x0040, 0x2016), Tag(0x0040, 0x2017), Tag(0x0020, 0x000D),
        ]
        let read = try SourceStudy.read(path) { item in
            (0..<item.childCount(Tag(0x0040, 0xA370))).map { index in
                tags.map { item.child(Tag(0x0040, 0xA370), index)?.string($0) ?? "" }
            }
        }
        let uid = study.source.studyInstanceUID.string
        #expect(read == [["A123", "RP1", "PLACER7", "FILLER8", uid], ["A124", "RP2", "", "", uid]])
        let lines = try SourceStudy.content(path)
        #expect(lines.contains("Placer Number=PLACER7") && lines.contains("Filler Number=FILLER8"))
        #expect(lines.contains("Accession Number=A123"))
    }
}

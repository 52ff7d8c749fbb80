// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Every judge and reader shown to object to probabilities, label maps and the rest that are wrong.
@Suite(.serialized) struct BrokenFormTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 33)

    private static func remove(_ tag: DICOM.Tag) -> @Sendable (Item) throws(DCMTKError) -> Void { { $0.remove(tag) } }

    @Test(
        "a judge of Segmentations objects to probabilities that lack what only they have",
        .enabled(if: Judge.areDue(.dciodvfy, .pixelMedInstance)),
        arguments: [
            (Judge.dciodvfy, Tag(0x0062, 0x000E), "MaximumFractionalValue"),
            (.pixelMedInstance, Tag(0x0062, 0x0010), "SegmentationFractionalType"),
        ] as [(Judge, DICOM.Tag, String)])
    func fractional(_ judge: Judge, _ tag: DICOM.Tag, _ keyword: String) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 2, form: .fractional)[0].path
        try SourceStudy.change(path, Self.remove(tag))
        let complaints = try judge.complaints(path)
        #expect(complaints.contains { $0.contains(keyword) }, "\(complaints)")
    }

    @Test("dcentvfy sees probabilities and a label map of another patient", .enabled(if: Judge.areDue(.dcentvfy)))
    func patient() throws {
        for form in [SegmentationForm.fractional, .labelMap] {
            let study = try SourceStudy(Self.small)
            defer { study.remove() }
            let path = try study.results(findings: 2, form: form)[0].path
            try SourceStudy.change(path) { (item) throws(DCMTKError) in try item.set(Tag(0x0010, 0x0020), "P0002") }
            // What it does not know it takes for a Segmentation, as in the matrix.
            let judged = form == .labelMap ? try MatrixTests.Objects.asSegmentation(path) : path
            #expect(try Judge.dcentvfy.complaints(study.files + [judged]) != [])
        }
    }

    @Test(
        "dciodvfy and PixelMed see in a label map what is not a matter of its class",
        .enabled(if: Judge.areDue(.dciodvfy, .pixelMedInstance)), arguments: [Judge.dciodvfy, .pixelMedInstance])
    func labelMap(_ judge: Judge) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 2, form: .labelMap)[0].path
        try SourceStudy.change(path, Self.remove(Tag(0x0018, 0x1000)))
        let complaints = try judge.complaints(MatrixTests.Objects.asSegmentation(path))
        let others = complaints.filter { complaint in
            !JudgeObjection.known.contains {
                $0.judge == judge && $0.isMade(complaint, of: .labelMapAsSegmentation, study.options)
            }
        }
        #expect(others.count == 1 && others[0].contains("DeviceSerialNumber"), "\(others)")
    }

    @Test("an objection is allowed of what it is made of, word for word, and of nothing else")
    func objections() throws {
        let known = try #require(JudgeObjection.known.first { $0.text.contains("LABELMAP") && $0.judge == .dciodvfy })
        let complaint = known.text.replacingOccurrences(of: "[]", with: "[12]")
        #expect(known.isMade(complaint, of: .labelMapAsSegmentation, Self.small))
        #expect(!known.isMade(complaint, of: .binary, Self.small))
        #expect(!known.isMade(complaint + "x", of: .labelMapAsSegmentation, Self.small))
        let other = complaint.replacingOccurrences(of: "LABELMAP", with: "LABEL")
        #expect(!known.isMade(other, of: .labelMapAsSegmentation, Self.small))
        let side = try #require(JudgeObjection.known.first { $0.text == Judge.missingLaterality })
        var breast = Self.small
        (breast.isProjection, breast.detector) = (true, "MG")
        #expect(side.isMade(Judge.missingLaterality, of: .binary, Self.small))
        #expect(!side.isMade(Judge.missingLaterality, of: .binary, breast))
    }

    @Test(
        "highdicom and dcmqi see one voxel that is another one, in every form",
        .enabled(if: Judge.areDue(.highdicom, .dcmqi)), arguments: SegmentationForm.allCases)
    func voxel(_ form: SegmentationForm) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 2, form: form)[0].path
        let frames = try Judge.highdicomFrames([path])[0]
        let segments = try Judge.dcmqiSegments([(path, study.placement)])[0]
        // The last pixel of the last frame is marked. A padding byte may follow.
        var file = try Data(contentsOf: URL(fileURLWithPath: path))
        let last = try #require(file.indices.last { file[$0] != 0 })
        file[last] ^= form == .binary ? file[last] : 3
        try file.write(to: URL(fileURLWithPath: path))
        let after = try Judge.highdicomFrames([path])[0]
        #expect(zip(frames, after).filter { $0.pixels != $1.pixels || $0.values != $1.values }.count == 1)
        // A label that no segment has is an error to it.
        let read = try? Judge.dcmqiSegments([(path, study.placement)])[0]
        #expect(read != segments)
    }

    @Test("highdicom sees a frame of a label map that is not there", .enabled(if: Judge.areDue(.highdicom)))
    func frame() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 2, form: .labelMap)[0].path
        try SourceStudy.change(path) { (item) throws(DCMTKError) in try item.set(Tag(0x0028, 0x0008), "9") }
        #expect(throws: Judge.Failure.self) { try Judge.highdicomFrames([path]) }
    }

    @Test(
        "the readers of key objects, pictures and presentation states see what is wrong with one",
        .enabled(if: Judge.areDue(.highdicom)))
    func fallbacks() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let results = try study.everything(.binary)
        func path(_ kind: ResultKind) throws -> String { try #require(results.first { $0.kind == kind }).path }
        func read() throws -> Judge.Fallbacks {
            try Judge.fallbacks(
                keyObjects: path(.keyObjects), picture: path(.secondaryCapture), state: path(.presentationState))
        }
        let whole = try read()
        try SourceStudy.change(path(.secondaryCapture)) { (item) throws(DCMTKError) in
            try item.child(Tag(0x0008, 0x2112))?.set(Tag(0x0008, 0x1155), "1.2.3")
        }
        #expect(try read().pictureOf == "1.2.3" && whole.pictureOf != "1.2.3")
        try SourceStudy.change(path(.presentationState)) { (item) throws(DCMTKError) in
            try item.child(Tag(0x0070, 0x0001))?.set(Tag(0x0070, 0x0002), "OTHER")
        }
        #expect(try read().layers.contains("OTHER") && !whole.layers.contains("OTHER"))
        try SourceStudy.change(path(.keyObjects), Self.remove(Tag(0x0040, 0xA043)))
        #expect(throws: Judge.Failure.self) { try read() }
    }
}

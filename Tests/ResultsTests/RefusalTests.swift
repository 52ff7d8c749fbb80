// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Testing

/// Requests that must not become objects.
struct RefusalTests {
    private static let options = SourceStudy.Options(columns: 33, rows: 31)

    struct Change: Sendable, CustomStringConvertible {
        /// Part of the message.
        var description: String
        var apply: @Sendable (inout ResultRequest, inout [Mask]) -> Void
    }

    static let changes: [Change] = [
        Change(description: "the mask of finding 1 does not fit: 33×30×6") { _, masks in
            masks[0] = Mask(columns: 33, rows: 30, slices: 6, voxels: [UInt8](repeating: 1, count: 33 * 30 * 6))
        },
        Change(description: "the mask of finding 2 does not fit: it is empty") { _, masks in
            masks[1] = Mask(
                columns: masks[1].columns, rows: masks[1].rows, slices: masks[1].slices, blockColumns: 0..<0,
                blockRows: 0..<0, blockSlices: 0..<0, block: [])
        },
        Change(description: "mL, the finding says") { request, _ in request.findings[0].volumeML? *= 1.1 },
        Change(description: "a mask that is not there") { request, _ in request.findings[0].maskIndex = 2 },
        Change(description: "the key slice of finding 1") { request, _ in request.findings[0].keySlice = 6 },
        Change(description: "the box of finding 1") { request, _ in
            request.findings[0].box = FindingBox(
                center: Vector3(0, 0, 0), axes: [], size: [],
                rectangle: FindingBox.Rectangle(left: 10, top: 6, right: 34, bottom: 15))
        },
        Change(description: "explanation 1 is of a finding that is not there") { request, _ in
            request.explanations[0].finding = 2
        },
        Change(description: "the map of explanation 1") { request, _ in request.explanations[0].map?.values[3] = 1.5 },
        Change(description: "the map of explanation 1") { request, _ in
            request.explanations[0].map?.values.removeLast()
        },
        Change(description: "the map of explanation 1") { request, _ in request.explanations[0].map?.slice = 6 },
        Change(description: "the score of class x") { request, _ in
            request.scores = [ClassScore(label: "x", code: Code("1", "99T", "X"), value: .nan, threshold: 0.5)]
        },
        Change(description: "confidence of finding 2") { request, _ in request.findings[1].confidence = .nan },
        Change(description: "measurement of finding 1 is not finite") { request, _ in
            request.findings[0].measurements[0].value = .infinity
        },
        Change(description: "slice 1 of the grid does not lie") { request, _ in
            request.source.grid.origin = request.source.grid.origin + request.source.grid.sliceStep
        },
        Change(description: "slice 1 of the grid does not lie") { request, _ in request.source.frames.reverse() },
        Change(description: "slice 1 of the grid does not lie") { request, _ in
            let grid = request.source.grid
            request.source.grid.rowStep = grid.rowStep * -1
        },
        Change(description: "5 frames, the grid 6 slices") { request, _ in request.source.frames.removeLast() },
        Change(description: "belongs to two slices") { request, _ in
            request.source.frames[5] = request.source.frames[4]
        },
        Change(description: "instance that was not analysed") { request, _ in request.source.instances.removeLast() },
        Change(description: "without its digest") { request, _ in request.source.instances[0].digest = "" },
        Change(description: "the Frame of Reference UID is another one") { request, _ in
            request.source.frameOfReferenceUID = UID("1.2.3")
        },
        Change(description: "the Frame of Reference UID is another one") { request, _ in
            request.source.frameOfReferenceUID = nil
        },
        Change(description: "(0020,000D) is not 1.2.3") { request, _ in
            request.source.studyInstanceUID = UID(literal: "1.2.3")
        },
        Change(description: "was not analysed has findings") { request, _ in request.refusals = ["motion"] },
        Change(description: "predecessor 1.2.3 is listed twice") { request, _ in
            let document = PredecessorDocument(
                seriesInstanceUID: UID(literal: "1.2"), sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.88.34"),
                sopInstanceUID: UID(literal: "1.2.3"))
            request.predecessors = [document, document]
        },
        Change(description: "the code of finding 1") { request, _ in request.findings[0].code.meaning = "出血" },
        Change(description: "is empty") { request, _ in request.equipment.deviceSerialNumber = " " },
        Change(description: "reading") { request, _ in request.source.instances[3].path += ".none" },
    ]

    @Test("a request that is not consistent is refused, and no file is left", arguments: changes)
    func refused(_ change: Change) throws {
        let study = try SourceStudy(Self.options)
        defer { study.remove() }
        var masks = study.masks
        var request = study.request(findings: 2, masks: masks)
        change.apply(&request, &masks)
        let error = try #require(throws: ResultsError.self) { try request.encode(masks: masks, into: study.output) }
        #expect("\(error)".contains(change.description))
        #expect(!error.hint.isEmpty)
        #expect(try FileManager.default.contentsOfDirectory(atPath: study.output) == [])
    }

    @Test(
        "instances of two patients make no results",
        arguments: [
            (DICOM.Tag(0x0010, 0x0020), "P0002"), (DICOM.Tag(0x0010, 0x0021), "OTHER"),
            (DICOM.Tag(0x0010, 0x0030), "19500204"),
            (DICOM.Tag(0x0010, 0x0040), "M"),
        ])
    func mixed(_ tag: DICOM.Tag, _ value: String) throws {
        let study = try SourceStudy(Self.options)
        defer { study.remove() }
        let path = study.files[4]
        try SourceStudy.change(path) { (item) throws(DCMTKError) in try item.set(tag, value) }
        #expect(throws: ResultsError.mixedPatients(path: path, attribute: tag)) { try study.results(findings: 1) }
    }

    @Test("a name written in another way is the same patient")
    func nameFormat() throws {
        let study = try SourceStudy(Self.options)
        defer { study.remove() }
        try SourceStudy.change(study.files[4]) { (item) throws(DCMTKError) in
            try item.set(DICOM.Tag(0x0010, 0x0010), "DOE^JANE")
        }
        #expect(try study.results(findings: 1).count == 2)
    }

    @Test("a directory that cannot be written is worth another attempt")
    func directory() throws {
        let study = try SourceStudy(Self.options)
        defer { study.remove() }
        let masks = study.masks
        let error = try #require(throws: ResultsError.self) {
            try study.request(findings: 1, masks: masks).encode(masks: masks, into: study.directory + "/none")
        }
        #expect(error.isTransient)
    }
}

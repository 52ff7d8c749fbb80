// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Every judge, and our own audit, shown to object to something.
@Suite(.serialized) struct BrokenObjectTests {
    /// Results of which one was changed.
    private struct Broken {
        let study: SourceStudy
        let results: [EncodedResult]
        let path: String

        init(_ kind: ResultKind, _ change: (Item) throws(DCMTKError) -> Void) throws {
            study = try SourceStudy(.init(columns: 33, rows: 33))
            results = try study.results(findings: 2)
            path = results[kind == .segmentation ? 0 : 1].path
            try SourceStudy.change(path, change)
        }
    }

    @Test("dciodvfy and PixelMed miss an algorithm name", .enabled(if: Judge.areDue(.dciodvfy, .pixelMedInstance)))
    func algorithmName() throws {
        let broken = try Broken(.segmentation) { item in
            item.child(Tag(0x0062, 0x0002))?.remove(Tag(0x0062, 0x0009))
        }
        defer { broken.study.remove() }
        #expect(try Judge.dciodvfy.complaints(broken.path) != [])
        #expect(try Judge.pixelMedInstance.complaints(broken.path) != [])
        // Among others it is the one, and what is no object at all stops none of them.
        let whole = try SourceStudy(.init(columns: 33, rows: 33))
        defer { whole.remove() }
        let path = try whole.results(findings: 2)[0].path
        let each = try Judge.pixelMedInstance.complaintsOfEach([path, broken.path, "/dev/null", path])
        #expect(each.map { Set($0) == [Judge.missingLaterality] } == [true, false, false, true])
    }

    @Test("dcentvfy sees another patient", .enabled(if: Judge.areDue(.dcentvfy)))
    func patient() throws {
        let broken = try Broken(.segmentation) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0010, 0x0020), "P0002")
        }
        defer { broken.study.remove() }
        #expect(try Judge.dcentvfy.complaints(broken.study.files + [broken.path]) != [])
    }

    @Test(
        "dsrdump and PixelMed object to an observer that is nothing",
        .enabled(if: Judge.areDue(.dsrdump, .pixelMedReport)))
    func observer() throws {
        let broken = try Broken(.measurementReport) { (item) throws(DCMTKError) in
            // 121012 Device Observer UID loses its value.
            item.child(Tag(0x0040, 0xA730), 2)?.remove(Tag(0x0040, 0xA124))
            try item.child(Tag(0x0040, 0xA730), 1)?.child(Tag(0x0040, 0xA168))?.set(Tag(0x0008, 0x0100), "121006")
        }
        defer { broken.study.remove() }
        #expect(try Judge.dsrdump.complaints(broken.path) != [])
        #expect(try Judge.pixelMedReport.complaints(broken.path) != [])
    }

    @Test("highdicom misses a frame", .enabled(if: Judge.areDue(.highdicom)))
    func frame() throws {
        let broken = try Broken(.segmentation) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0008), "7")
        }
        defer { broken.study.remove() }
        #expect(throws: Judge.Failure.self) { try Judge.highdicomFrames([broken.path]) }
    }

    @Test("highdicom misses the template", .enabled(if: Judge.areDue(.highdicom)))
    func template() throws {
        let broken = try Broken(.measurementReport) { item in
            item.remove(Tag(0x0040, 0xA504))
        }
        defer { broken.study.remove() }
        #expect(throws: Judge.Failure.self) { try Judge.highdicomGroups(broken.path) }
    }

    @Test("dcmqi misses a segment and a group", .enabled(if: Judge.areDue(.dcmqi, .highdicom)))
    func segment() throws {
        let broken = try Broken(.segmentation) { (item) throws(DCMTKError) in
            try item.child(Tag(0x5200, 0x9230))?.child(Tag(0x0062, 0x000A))?.set(Tag(0x0062, 0x000B), 9)
        }
        defer { broken.study.remove() }
        #expect(throws: Judge.Failure.self) { try Judge.dcmqiSegments([(broken.path, broken.study.placement)]) }
        let report = try Broken(.measurementReport) { item in
            item.remove(Tag(0x0040, 0xA730))
        }
        defer { report.study.remove() }
        #expect(try Judge.dcmqiGroupCount(report.path) == 0)
    }

    struct Change: Sendable, CustomStringConvertible {
        var kind: ResultKind
        var description: String
        var apply: @Sendable (Item) throws(DCMTKError) -> Void
    }

    static let changes: [Change] = [
        Change(kind: .segmentation, description: "its frame of reference") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0020, 0x0052), "1.2.3")
        },
        Change(kind: .segmentation, description: "SOP Instance or Class UID is another") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0008, 0x0018), "1.2.3")
        },
        Change(kind: .segmentation, description: "does not lie where its image lies") { (item) throws(DCMTKError) in
            let other = item.child(Tag(0x5200, 0x9230), 1)?.child(Tag(0x0020, 0x9113))?.string(Tag(0x0020, 0x0032))
            try item.child(Tag(0x5200, 0x9230), 2)?.child(Tag(0x0020, 0x9113))?.set(Tag(0x0020, 0x0032), other ?? "")
        },
        Change(kind: .segmentation, description: "its pixel data has another length") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0100), 8)
        },
        Change(kind: .segmentation, description: "tracks another segment") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0062, 0x0002), 1)?.set(Tag(0x0062, 0x0021), "1.2.3")
        },
        Change(kind: .segmentation, description: "lacks its number or tracking") { (item) throws(DCMTKError) in
            item.child(Tag(0x0062, 0x0002), 1)?.remove(Tag(0x0062, 0x0020))
        },
        Change(kind: .segmentation, description: "two segments have one tracking UID") { (item) throws(DCMTKError) in
            let first = item.child(Tag(0x0062, 0x0002))?.string(Tag(0x0062, 0x0021)) ?? ""
            try item.child(Tag(0x0062, 0x0002), 1)?.set(Tag(0x0062, 0x0021), first)
        },
        Change(kind: .segmentation, description: "it has no segments") { item in item.remove(Tag(0x0062, 0x0002)) },
        Change(kind: .segmentation, description: "a segment has no frame") { (item) throws(DCMTKError) in
            for frame in 0..<6 {
                try item.child(Tag(0x5200, 0x9230), frame)?.child(Tag(0x0062, 0x000A))?.set(Tag(0x0062, 0x000B), 1)
            }
        },
        Change(kind: .segmentation, description: "refers to no image that is listed") { (item) throws(DCMTKError) in
            let images = item.child(Tag(0x0008, 0x1115))?.child(Tag(0x0008, 0x114A))
            try images?.set(Tag(0x0008, 0x1155), "1.2.3")
        },
        Change(kind: .segmentation, description: "it refers to another series") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0008, 0x1115))?.set(Tag(0x0020, 0x000E), "1.2.3")
        },
        Change(kind: .segmentation, description: "(0028,0010) differs from the source") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0010), 32)
        },
        Change(kind: .segmentation, description: "is of no segment") { (item) throws(DCMTKError) in
            try item.child(Tag(0x5200, 0x9230), 2)?.child(Tag(0x0062, 0x000A))?.set(Tag(0x0062, 0x000B), 9)
        },
        Change(kind: .segmentation, description: "has no position") { (item) throws(DCMTKError) in
            item.child(Tag(0x5200, 0x9230), 2)?.remove(Tag(0x0020, 0x9113))
        },
        Change(kind: .segmentation, description: "do not agree") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x0008), "7")
        },
        Change(kind: .measurementReport, description: "(0010,0020) differs") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0010, 0x0020), "P0002")
        },
        Change(kind: .measurementReport, description: "(0010,0010) differs") { (item) throws(DCMTKError) in
            try item.set(Tag(0x0010, 0x0010), "Doe^John")
        },
        Change(kind: .measurementReport, description: "CID 7021") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0040, 0xA043))?.set(Tag(0x0008, 0x0100), "126010")
        },
        Change(kind: .measurementReport, description: "not in its evidence") { (item) throws(DCMTKError) in
            item.remove(Tag(0x0040, 0xA375))
        },
        Change(kind: .measurementReport, description: "has no tracking UID") { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            group?.child(Tag(0x0040, 0xA730), 1)?.remove(Tag(0x0040, 0xA124))
        },
        Change(kind: .measurementReport, description: "no outline under its tracking") { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 4)
            try group?.child(Tag(0x0040, 0xA730), 1)?.set(Tag(0x0040, 0xA124), "1.2.3")
        },
        Change(kind: .segmentation, description: "calls its segment another name") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0062, 0x0002))?.set(Tag(0x0062, 0x0020), "Finding 9")
        },
        Change(kind: .measurementReport, description: "does not exist") { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            try group?.child(Tag(0x0040, 0xA730), 4)?.child(Tag(0x0008, 0x1199))?.set(Tag(0x0062, 0x000B), 3)
        },
        Change(kind: .measurementReport, description: "does not speak of every segment") { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            group?.child(Tag(0x0040, 0xA730), 4)?.remove(Tag(0x0008, 0x1199))
        },
        Change(kind: .measurementReport, description: "states another volume") { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            // After four of identity and site, the segment and three source images.
            try group?.child(Tag(0x0040, 0xA730), 8)?.child(Tag(0x0040, 0xA300))?.set(Tag(0x0040, 0xA30A), "123.4")
        },
        Change(kind: .measurementReport, description: "states no volume") { item in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            for place in [8, 9] { group?.child(Tag(0x0040, 0xA730), place)?.remove(Tag(0x0040, 0xA300)) }
        },
        Change(kind: .measurementReport, description: "do not name the same algorithm") { (item) throws(DCMTKError) in
            // Device Observer UID
            try item.child(Tag(0x0040, 0xA730), 2)?.set(Tag(0x0040, 0xA124), "1.2.3")
        },
        Change(kind: .measurementReport, description: "library names another frame") { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 10)?.child(Tag(0x0040, 0xA730))
            try group?.child(Tag(0x0040, 0xA730), 1)?.set(Tag(0x0040, 0xA124), "1.2.3")
        },
        Change(kind: .measurementReport, description: "do not name the same algorithm") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0018, 0xA001))?.set(Tag(0x0018, 0x1020), "1.0.1")
        },
        Change(kind: .segmentation, description: "do not name the same algorithm") { (item) throws(DCMTKError) in
            try item.child(Tag(0x0062, 0x0002))?.child(Tag(0x0062, 0x0007))?.set(Tag(0x0066, 0x0036), "other")
        },
        Change(kind: .measurementReport, description: "has no Device UID") { item in
            item.child(Tag(0x0018, 0xA001))?.remove(Tag(0x0018, 0x1002))
        },
        Change(kind: .segmentation, description: "does not name the algorithm") { item in
            item.remove(Tag(0x0018, 0xA001))
        },
    ]

    @Test("our own audit sees coordinates in another frame of reference")
    func place() throws {
        let study = try SourceStudy(.init(columns: 33, rows: 33))
        defer { study.remove() }
        let results = try study.boxRequest(findings: 1).encode(masks: [], into: study.output)
        try SourceStudy.change(results[0].path) { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            // After four of identity and site, the purpose and the rectangle.
            try group?.child(Tag(0x0040, 0xA730), 6)?.set(Tag(0x3006, 0x0024), "1.2.3")
        }
        let error = try #require(throws: ResultsError.self) {
            try ResultAudit.check(results, of: study.source)
        }
        #expect("\(error)".contains("another frame of reference"))
    }

    @Test("our own audit counts the voxels in the file, in every form", arguments: SegmentationForm.allCases)
    func voxels(_ form: SegmentationForm) throws {
        let study = try SourceStudy(.init(columns: 33, rows: 33))
        defer { study.remove() }
        let results = try study.results(findings: 1, form: form)
        // Three frames of 1,089 bits or bytes are the end of the file.
        let file = URL(fileURLWithPath: results[0].path)
        var bytes = try Data(contentsOf: file)
        for index in bytes.count - 300..<bytes.count - 260 { bytes[index] = form == .binary ? 0xFF : 1 }
        try bytes.write(to: file)
        let error = try #require(throws: ResultsError.self) {
            try ResultAudit.check(results, of: study.source)
        }
        #expect("\(error)".contains("another volume than its segment has"))
    }

    @Test("our own audit sees a label of no segment, and a segment without its label")
    func labels() throws {
        let study = try SourceStudy(.init(columns: 33, rows: 33))
        defer { study.remove() }
        let results = try study.results(findings: 2, form: .labelMap)
        let file = URL(fileURLWithPath: results[0].path)
        let whole = try Data(contentsOf: file)
        // Five frames of 1,089 bytes are the end of the file.
        let pixels = whole.count - 5 * 1_089 - 1..<whole.count
        for (label, reason) in [(9 as UInt8, "of no segment"), (0, "another volume than its segment has")] {
            var bytes = whole
            for index in pixels where bytes[index] == 2 { bytes[index] = label }
            try bytes.write(to: file)
            let error = try #require(throws: ResultsError.self) {
                try ResultAudit.check(results, of: study.source)
            }
            #expect("\(error)".contains(reason), "\(error)")
        }
    }

    @Test(
        "our own audit compares volumes of every form, in explicit and implicit VR",
        arguments: SegmentationForm.allCases)
    func volumes(_ form: SegmentationForm) throws {
        let study = try SourceStudy(.init(columns: 33, rows: 33))
        defer { study.remove() }
        let masks = [study.apart[0]]
        var request = study.request(findings: 1, masks: masks)
        request.template.segmentationForm = form
        for encoding in [ResultTemplate.Encoding.explicit, .implicit] {
            request.template.encoding = encoding
            let results = try request.encode(
                masks: masks, probabilities: form == .fractional ? masks.map(SourceStudy.probabilities) : [],
                into: study.output)
            try SourceStudy.change(results[1].path) { (item) throws(DCMTKError) in
                let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
                let value = group?.child(Tag(0x0040, 0xA730), 8)?.child(Tag(0x0040, 0xA300))
                let stated = value?.number(Tag(0x0040, 0xA30A)) ?? 0
                try value?.set(Tag(0x0040, 0xA30A), "\(stated * 1.01)")
            }
            let error = try #require(throws: ResultsError.self) {
                try ResultAudit.check(results, of: study.source)
            }
            #expect("\(error)".contains("another volume than its segment has"))
        }
    }

    @Test("our own audit sees what does not fit the mask in a tilted series too")
    func tiltedVolume() throws {
        let study = try SourceStudy(.init(columns: 33, rows: 33, tilt: 15))
        defer { study.remove() }
        let results = try study.results(findings: 1)
        try SourceStudy.change(results[1].path) { (item) throws(DCMTKError) in
            let group = item.child(Tag(0x0040, 0xA730), 11)?.child(Tag(0x0040, 0xA730), 3)
            try group?.child(Tag(0x0040, 0xA730), 8)?.child(Tag(0x0040, 0xA300))?.set(Tag(0x0040, 0xA30A), "123.4")
        }
        #expect(throws: ResultsError.self) { try ResultAudit.check(results, of: study.source) }
    }

    @Test("our own audit sees what no validator sees", arguments: changes)
    func audit(_ change: Change) throws {
        let broken = try Broken(change.kind, change.apply)
        defer { broken.study.remove() }
        let error = try #require(throws: ResultsError.self) {
            try ResultAudit.check(broken.results, of: broken.study.source)
        }
        #expect("\(error)".contains(change.description))
    }
}

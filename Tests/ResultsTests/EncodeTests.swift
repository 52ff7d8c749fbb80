// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// What is made, when, of what, and under which names.
struct EncodeTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 31)

    @Test("the same request gives the same bytes under the same UIDs, wherever the files lie")
    func reproducible() throws {
        let first = try SourceStudy(Self.small)
        let second = try SourceStudy(Self.small)
        defer { first.remove() }
        defer { second.remove() }
        let one = try first.results(findings: 2)
        let two = try second.results(findings: 2)
        #expect(one.map(\.sopInstanceUID) == two.map(\.sopInstanceUID))
        #expect(one.map(\.digest) == two.map(\.digest))
        for (a, b) in zip(one, two) {
            #expect(FileManager.default.contents(atPath: a.path) == FileManager.default.contents(atPath: b.path))
        }
        // Again, over the files that are there.
        #expect(try first.results(findings: 2) == one)
        #expect(try FileManager.default.contentsOfDirectory(atPath: first.output).count == 2)
    }

    struct Change: Sendable, CustomStringConvertible {
        var description: String
        var apply: @Sendable (inout ResultRequest, inout [Mask]) -> Void
    }

    static let changes: [Change] = [
        Change(description: "content time") { request, _ in request.contentTime.microseconds += 1 },
        Change(description: "a source's bytes") { request, _ in
            request.source.instances[2].digest = String(repeating: "f", count: 64)
        },
        Change(description: "package") { request, _ in request.model.digest = String(repeating: "f", count: 64) },
        Change(description: "code version") { request, _ in request.codeVersion = "0.1.1" },
        Change(description: "configuration") { request, _ in request.configurationDigest = "x" },
        Change(description: "template") { request, _ in request.template.seriesNumbers[.measurementReport] = "1" },
        Change(description: "a class score") { request, _ in
            request.scores = [ClassScore(label: "x", code: Code("1", "99T", "X"), value: 0.1, threshold: 0.5)]
        },
        Change(description: "a quality gate's value") { request, _ in request.gates[0].value = 3 },
        Change(description: "one value of a heat map") { request, _ in
            request.explanations[0].map?.values[7] = 0.25
        },
        Change(description: "confidence") { request, _ in request.findings[0].confidence = 0.5 },
        Change(description: "one voxel") { request, masks in
            var voxels = masks[0].voxels
            voxels[voxels.firstIndex(of: 1) ?? 0] = 0
            masks[0] = Mask(
                columns: masks[0].columns, rows: masks[0].rows, slices: masks[0].slices, voxels: voxels)
            request.findings[0].volumeML = nil
        },
    ]

    @Test("whatever changes the bytes changes every UID [OBJ-2]", arguments: changes)
    func names(_ change: Change) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        var masks = study.masks
        var request = study.request(findings: 2, masks: masks)
        let before = try request.encode(masks: masks, into: study.output)
        change.apply(&request, &masks)
        let after = try request.encode(masks: masks, into: study.output)
        for (a, b) in zip(before, after) {
            #expect(a.sopInstanceUID != b.sopInstanceUID && a.seriesInstanceUID != b.seriesInstanceUID)
            #expect(a.digest != b.digest)
            #expect(b.sopInstanceUID.string.hasPrefix("2.25."))
        }
    }

    @Test("a file of that name with other bytes is not replaced")
    func collision() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 1)[0].path
        try Data("other".utf8).write(to: URL(fileURLWithPath: path))
        #expect(throws: ResultsError.notReproducible(path: path)) { try study.results(findings: 1) }
        #expect(try String(contentsOfFile: path, encoding: .utf8) == "other")
    }

    @Test("no finding makes a report only where the destination asks and the coverage was accepted")
    func negative() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        var request = study.request(findings: 0)
        #expect(try request.encode(masks: [], into: study.output) == [])
        request.template.negativeReport = true
        request.coverage.isNegativeAccepted = false
        #expect(try request.encode(masks: [], into: study.output) == [])
        request.coverage.isNegativeAccepted = true
        request.scores = [
            ClassScore(
                label: "Bleed", code: Code("1386000", "SCT", "Intracranial hemorrhage"), value: 0.125, threshold: 0.5)
        ]
        let results = try request.encode(masks: [], into: study.output)
        #expect(results.map(\.kind) == [.measurementReport])
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: results[0].path)), as: UTF8.self)
        #expect(text.contains("No finding by head-ct-hyperdensity 1.0.0."))
        #expect(text.contains("Looked for: Intracranial hemorrhage."))
        #expect(text.contains("Analysed: 6 slices, extent 15 mm."))
        #expect(text.contains("Score of Bleed: 0.125, a finding from 0.5. Not a probability."))
        #expect(text.contains("Quality gate passed: the motion index is 2, at most 6 allowed."))
        #expect(text.contains("without findings"))
        #expect(!text.lowercased().contains("normal"))
    }

    @Test("the negative of a radiograph states images, and no extent")
    func negativeOfImages() throws {
        let study = try SourceStudy(SourceStudy.Options(columns: 33, rows: 31, slices: 1, isProjection: true))
        defer { study.remove() }
        var request = study.request(findings: 0)
        request.template.negativeReport = true
        let results = try request.encode(masks: [], into: study.output)
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: results[0].path)), as: UTF8.self)
        #expect(text.contains("Analysed: 1 image.") && !text.contains("extent"))
    }

    @Test("a provisional run makes no objects")
    func provisional() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        var request = study.request()
        request.isFinal = false
        #expect(throws: ResultsError.request("results are made of final runs only")) {
            try request.encode(masks: [], into: study.output)
        }
    }

    @Test(
        "patient and study keep their bytes and their character set [OBJ-1]",
        arguments: [
            JudgeTests.japanese,
            // Katakana of ISO 2022 IR 13, put into the files below.
            SourceStudy.Options(
                name: "IR 13", columns: 33, rows: 31, characterSet: "ISO 2022 IR 13\\ISO 2022 IR 87",
                patientName: "KATAKANA^NAME="),
            SourceStudy.Options(
                name: "Korean", columns: 33, rows: 31, characterSet: "\\ISO 2022 IR 149", patientName: "KOREAN^NAME="),
            SourceStudy.Options(
                name: "Latin", columns: 33, rows: 31, characterSet: "ISO_IR 100", patientName: "LATIN^NAME="),
            SourceStudy.Options(
                name: "UTF-8", columns: 33, rows: 31, characterSet: "ISO_IR 192", patientName: "Buc^J\u{E9}r\u{F4}me"),
        ])
    func patientBytes(_ options: SourceStudy.Options) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        // Bytes that no string of this program would give.
        let names: [String: (placeholder: String, bytes: [UInt8])] = [
            "IR 13": (
                "KATAKANA^NAME=",
                [0xD4, 0xCF, 0xC0, 0xDE, 0x5E, 0xC0, 0xDB, 0xB3, 0x3D, 0xB1, 0xB2, 0xB3, 0xB4, 0xB5]
            ),
            // Hong^Gildong in hangul, designated to G1.
            "Korean": ("KOREAN^NAME=", [0x1B, 0x24, 0x29, 0x43, 0xC8, 0xAB, 0x5E, 0xB1, 0xE6, 0xB5, 0xBF, 0x20]),
            "Latin": ("LATIN^NAME=", [0x42, 0x75, 0x63, 0x5E, 0x4A, 0xE9, 0x72, 0xF4, 0x6D, 0x65, 0x20]),
        ]
        let name = names[options.name]
        for file in study.files {
            guard let name else { break }
            var bytes = try Data(contentsOf: URL(fileURLWithPath: file))
            if let range = bytes.range(of: Data(name.placeholder.utf8)) {
                bytes.replaceSubrange(range, with: name.bytes)
            }
            try bytes.write(to: URL(fileURLWithPath: file))
        }
        let tags = [
            Tag(0x0008, 0x0005), Tag(0x0010, 0x0010), Tag(0x0010, 0x0020), Tag(0x0010, 0x0021), Tag(0x0008, 0x0050),
            Tag(0x0008, 0x1030), Tag(0x0020, 0x000D),
        ]
        let source = try SourceStudy.read(study.files[0]) { item in tags.map { item.bytes($0) } }
        #expect(source[1]?.contains { $0 == 0x1B || $0 >= 0x80 } == true)
        for result in try study.results(findings: 2) {
            #expect(try SourceStudy.read(result.path) { item in tags.map { item.bytes($0) } } == source)
        }
    }

    @Test("times are stated in the offset that the source states, or else in the node's without an offset")
    func timezone() throws {
        for (timezone, date, time) in [(nil, "20260102", "190000.120000"), ("-0500", "20260102", "050000.120000")] {
            var options = Self.small
            options.timezone = timezone
            let study = try SourceStudy(options)
            defer { study.remove() }
            for result in try study.results(findings: 1) {
                let read = try SourceStudy.read(result.path) { item in
                    [Tag(0x0008, 0x0023), Tag(0x0008, 0x0033), Tag(0x0008, 0x0201)].map { item.string($0) }
                }
                #expect(read == [date, time, timezone])
            }
        }
    }

    @Test("a lossy source makes a lossy Segmentation, with the source's ratio and method")
    func lossy() throws {
        let tags = [Tag(0x0028, 0x2110), Tag(0x0028, 0x2112), Tag(0x0028, 0x2114)]
        for (ratio, expected) in [(nil, ["00", nil, nil]), ("12.5", ["01", "12.5", "ISO_10918_1"])]
            as [(String?, [String?])]
        {
            var options = Self.small
            options.lossyRatio = ratio
            let study = try SourceStudy(options)
            defer { study.remove() }
            let path = try study.results(findings: 1)[0].path
            #expect(try SourceStudy.read(path) { item in tags.map { item.string($0) } } == expected)
        }
    }

    @Test("one lossy instance among others is enough")
    func oneLossy() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        try SourceStudy.change(study.files[4]) { (item) throws(DCMTKError) in
            try item.set(Tag(0x0028, 0x2110), "01")
        }
        let path = try study.results(findings: 1)[0].path
        #expect(try SourceStudy.read(path) { $0.string(Tag(0x0028, 0x2110)) } == "01")
        #expect(try SourceStudy.read(path) { $0.has(Tag(0x0028, 0x2112)) } == false)
    }

    @Test("algorithm, device observer and contributing equipment say the same, as IHE AIR wants")
    func equipment() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let results = try study.results(findings: 1)
        for result in results {
            let equipment = try SourceStudy.read(result.path) { item -> [String?] in
                let item = item.child(Tag(0x0018, 0xA001))
                return [Tag(0x0008, 0x0070), Tag(0x0008, 0x1090), Tag(0x0018, 0x1020), Tag(0x0018, 0x1002)]
                    .map { item?.string($0) }
            }
            #expect(equipment.prefix(3) == ["triaged project", "head-ct-hyperdensity", "1.0.0"])
            let observer = try SourceStudy.read(results[1].path) { item -> [String?] in
                [(4, Tag(0x0040, 0xA160)), (5, Tag(0x0040, 0xA160)), (2, Tag(0x0040, 0xA124))]
                    .map { item.child(Tag(0x0040, 0xA730), $0)?.string($1) }
            }
            #expect(observer == [equipment[0], equipment[1], equipment[3]])
        }
        let segment = try SourceStudy.read(results[0].path) { item -> [String?] in
            let algorithm = item.child(Tag(0x0062, 0x0002))?.child(Tag(0x0062, 0x0007))
            return [Tag(0x0024, 0x0202), Tag(0x0066, 0x0036), Tag(0x0066, 0x0031)].map { algorithm?.string($0) }
        }
        #expect(segment == ["triaged project", "head-ct-hyperdensity", "1.0.0"])
    }

    @Test(
        "a demonstration says so in series description and label, another package does not", arguments: [true, false])
    func demonstration(_ isDemonstration: Bool) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = study.masks
        var request = study.request(findings: 1, masks: masks)
        request.model.isDemonstration = isDemonstration
        let results = try request.encode(masks: masks, into: study.output)
        for result in results {
            let description = try SourceStudy.read(result.path) { $0.string(Tag(0x0008, 0x103E)) ?? "" }
            #expect(description.hasPrefix("DEMONSTRATION ") == isDemonstration)
            let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: result.path)), as: UTF8.self)
            #expect(text.contains("DEMONSTRATION") == isDemonstration)
        }
        let labels = try SourceStudy.read(results[0].path) { item in
            [item.string(Tag(0x0070, 0x0080)), item.child(Tag(0x0062, 0x0002))?.string(Tag(0x0062, 0x0005))]
        }
        #expect(
            labels
                == (isDemonstration
                    ? ["DEMONSTRATION", "DEMONSTRATION Intracranial hemorrhage"]
                    : ["SEGMENTATION", "Intracranial hemorrhage"]))
    }

    @Test("positions are the source's own strings, and tilted slices state no distance between them")
    func geometry() throws {
        for (options, spacing) in [(Self.small, "2.5"), (JudgeTests.tilted, nil)] as [(SourceStudy.Options, String?)] {
            let study = try SourceStudy(options)
            defer { study.remove() }
            let path = try study.results(findings: 1)[0].path
            let position = try SourceStudy.read(study.files[1]) { $0.string(Tag(0x0020, 0x0032)) }
            let read = try SourceStudy.read(path) { item -> [String?] in
                [
                    item.child(Tag(0x5200, 0x9230))?.child(Tag(0x0020, 0x9113))?.string(Tag(0x0020, 0x0032)),
                    item.child(Tag(0x5200, 0x9229))?.child(Tag(0x0028, 0x9110))?.string(Tag(0x0018, 0x0088)),
                ]
            }
            #expect(read == [position, spacing])
        }
    }

    @Test("only the instances that frames refer to are listed, and empty frames are left out")
    func references() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let path = try study.results(findings: 1)[0].path
        let (frames, instances, overlap) = try SourceStudy.read(path) { item in
            (
                item.childCount(Tag(0x5200, 0x9230)),
                item.child(Tag(0x0008, 0x1115))?.childCount(Tag(0x0008, 0x114A)), item.string(Tag(0x0062, 0x0013))
            )
        }
        #expect(frames == 3 && instances == 3 && overlap == "NO")
        let two = try study.results(findings: 2)[0].path
        #expect(try SourceStudy.read(two) { $0.string(Tag(0x0062, 0x0013)) } == "YES")
    }

    @Test(
        "a code of more than 16 characters is a Long Code Value in both objects", .enabled(if: Judge.areDue(.dciodvfy)))
    func longCode() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = study.masks
        var request = study.request(findings: 1, masks: masks)
        let code = Code("16000511000119103", "SCT", "Cerebrovascular accident due to thrombus")
        request.findings[0].code = code
        request.findings[0].type = code
        let results = try request.encode(masks: masks, into: study.output)
        for result in results { #expect(try Judge.dciodvfy.complaints(result.path) == []) }
        let values = try SourceStudy.read(results[0].path) { item -> [String?] in
            let type = item.child(Tag(0x0062, 0x0002))?.child(Tag(0x0062, 0x000F))
            return [type?.string(Tag(0x0008, 0x0119)), type?.string(Tag(0x0008, 0x0100))]
        }
        #expect(values == [code.value, nil])
    }
}

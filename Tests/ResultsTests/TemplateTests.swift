// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Results
import Support
import Testing

/// Who shares objects with whom, and how they are called.
struct TemplateTests {
    private static let small = SourceStudy.Options(columns: 33, rows: 31)

    @Test("destinations whose objects are called alike share them, whatever kinds each takes [DEST-1]")
    func sharing() {
        let all = ResultTemplate()
        let report = ResultTemplate(objects: [.measurementReport], negativeReport: true)
        let named = ResultTemplate(seriesDescription: "AI {object}")
        let orders = ResultOrder.orders(for: [
            ("pacs", all), ("ris", report), ("archive", all), ("vna", named),
            ("research", ResultTemplate(objects: [.segmentation], negativeReport: true)),
        ])
        #expect(orders.map { $0.recipients.map(\.name) } == [["pacs", "archive", "research"], ["ris"], ["vna"]])
        #expect(orders[0].template.negativeReport && !orders[2].template.negativeReport)
        #expect(orders[0].recipients(of: .measurementReport, after: .findings) == ["pacs", "archive"])
        #expect(orders[0].recipients(of: .segmentation, after: .findings) == ["pacs", "archive", "research"])
        #expect(orders[0].recipients(of: .measurementReport, after: .negative) == [])
        #expect(orders[1].recipients(of: .measurementReport, after: .negative) == ["ris"])
        #expect(orders[1].recipients(of: .measurementReport, after: .notAnalysed) == [])
        #expect(ResultOrder.orders(for: []).map(\.template) == [all])
    }

    @Test("what two orders have in common has the same bytes, and all else other UIDs [DEST-1]")
    func names() throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = study.masks
        func encode(_ template: ResultTemplate) throws -> [EncodedResult] {
            var request = study.request(findings: 1, masks: masks)
            request.template = template
            return try request.encode(masks: masks, into: study.output)
        }
        let both = try encode(ResultTemplate())
        let negative = try encode(ResultTemplate(negativeReport: true))
        #expect(both.map(\.kind) == [.segmentation, .measurementReport] && negative == both)
        #expect(try encode(ResultTemplate(objects: [.segmentation])) == [both[0]])
        let report = try encode(ResultTemplate(objects: [.measurementReport]))
        #expect(report.map(\.kind) == [.measurementReport] && report[0].sopInstanceUID != both[1].sopInstanceUID)
        for other in [
            ResultTemplate(seriesDescription: "{object}"), ResultTemplate(seriesNumbers: [.measurementReport: "1"]),
            ResultTemplate(encoding: .deflated),
        ] {
            let results = try encode(other)
            #expect(zip(results, both).allSatisfy { $0.sopInstanceUID != $1.sopInstanceUID })
        }
    }

    @Test(
        "series are called and numbered by the template, and a demonstration still says so [DEST-3]",
        arguments: [
            ("{package} {version} {object}", [:], "head-ct-hyperdensity 1.0.0 segmentation", "9801", "9802"),
            (
                "AI {object} ({version})", [.segmentation: "{source}01", .measurementReport: "77"],
                "AI segmentation (1.0.0)", "201", "77"
            ),
            ("{object}", [.segmentation: "99999999{source}9"], "segmentation", "9801", "9802"),
        ] as [(String, [ResultKind: String], String, String, String)])
    func series(
        _ description: String, _ numbers: [ResultKind: String], _ expected: String, _ segmentation: String,
        _ report: String
    ) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = study.masks
        var request = study.request(findings: 1, masks: masks)
        request.template = ResultTemplate(seriesDescription: description, seriesNumbers: numbers)
        let read = try request.encode(masks: masks, into: study.output).map {
            try SourceStudy.read($0.path) { ($0.string(Tag(0x0008, 0x103E)), $0.string(Tag(0x0020, 0x0011))) }
        }
        #expect(read[0].0 == "DEMONSTRATION " + expected)
        #expect(read.map(\.1) == [segmentation, report])
    }

    @Test(
        "the objects of a destination are in the transfer syntax that it wants [DEST-4]",
        .enabled(if: Judge.areDue(.dciodvfy, .highdicom)), arguments: ResultTemplate.Encoding.allCases)
    func encoding(_ encoding: ResultTemplate.Encoding) throws {
        let study = try SourceStudy(Self.small)
        defer { study.remove() }
        let masks = study.masks
        var request = study.request(findings: 1, masks: masks)
        request.template.encoding = encoding
        let uid = [ResultTemplate.Encoding.explicit: "1.2.1", .implicit: "1.2", .deflated: "1.2.1.99"][encoding] ?? ""
        for result in try request.encode(masks: masks, into: study.output) {
            #expect(result.transferSyntaxUID.string == "1.2.840.10008." + uid)
            #expect(try SourceStudy.syntax(result.path) == result.transferSyntaxUID)
            // Debian's dicom3tools inflates nothing, not even what dcmconv has deflated.
            if encoding != .deflated { #expect(try Judge.dciodvfy.complaints(result.path) == []) }
            if result.kind == .segmentation {
                #expect(try Judge.highdicomFrames([result.path])[0].count == 3)
            } else {
                #expect(try Judge.highdicomGroups(result.path).count == 3)
            }
        }
    }

    @Test("a template that cannot be meant is a fault")
    func faults() {
        #expect(ResultTemplate.fault(seriesDescription: "AI {object} {package}") == nil)
        for text in ["{objekt}", "a}", "", "x\\y", "Ärzte"] {
            #expect(ResultTemplate.fault(seriesDescription: text) != nil, "\(text)")
        }
        for text in ["{source}01", "1", "{source}"] { #expect(ResultTemplate.fault(seriesNumber: text) == nil) }
        for text in ["", "x1", "-1", "{sources}1", "1234567890"] {
            #expect(ResultTemplate.fault(seriesNumber: text) != nil, "\(text)")
        }
    }
}

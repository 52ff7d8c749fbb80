// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Results
import Support
import Testing

/// What takes superseded objects back.
@Suite(.serialized) struct RejectionNoteTests {
    private static let equipment = Equipment(
        deviceSerialNumber: "1234", softwareVersions: "0.1.0", stationName: "TRIAGED")
    private static let time = ContentTime(secondsSince1970: 1_795_000_000, offsetMinutes: 60)

    private func note(_ results: [EncodedResult], to destination: String = "pacs") throws -> RejectionNote {
        RejectionNote(
            studyInstanceUID: try #require(results.first).studyInstanceUID,
            rejected: results.map {
                .init(
                    sopClassUID: $0.sopClassUID, sopInstanceUID: $0.sopInstanceUID,
                    seriesInstanceUID: $0.seriesInstanceUID)
            }, equipment: Self.equipment, time: Self.time, destination: destination)
    }

    @Test("The same objects give the same bytes under the same UIDs, in any order; another destination gives others")
    func reproducible() throws {
        let study = try SourceStudy(.init(columns: 33, rows: 31))
        defer { study.remove() }
        let results = try study.results(findings: 1)
        let note = try note(results)
        #expect(try self.note(results.reversed()).sopInstanceUID == note.sopInstanceUID)
        #expect(try self.note(results, to: "other").sopInstanceUID != note.sopInstanceUID)
        let paths = ["a", "b"].map { "\(study.output)/\($0).dcm" }
        for path in paths { try note.write(to: path, source: results[0].path) }
        #expect(FileManager.default.contents(atPath: paths[0]) == FileManager.default.contents(atPath: paths[1]))
    }

    @Test(
        "Judges accept the note, of one patient and study with what it takes back, in every character set [RETRACT-1]",
        .enabled(if: Judge.areDue(.dciodvfy, .dcentvfy, .dsrdump, .pixelMedReport)),
        arguments: [SourceStudy.Options(columns: 33, rows: 31), JudgeTests.japanese])
    func judged(_ options: SourceStudy.Options) throws {
        let study = try SourceStudy(options)
        defer { study.remove() }
        let results = try study.results(findings: 2)
        let path = "\(study.output)/note.dcm"
        try note(results).write(to: path, source: results[0].path)
        #expect(try Judge.dciodvfy.complaints(path) == [])
        #expect(try Judge.dcentvfy.complaints(study.files + results.map(\.path) + [path]) == [])
        #expect(try Judge.dsrdump.complaints(path) == [])
        let pixelMed = try Run("/usr/bin/DicomSRValidator", [path])
        #expect(pixelMed.lines { $0.contains("Error") } == [], "\(pixelMed.output)")
        #expect(pixelMed.output.contains("Found Root Template TID_2010"))
        #expect(pixelMed.output.contains("Root Template Validation Complete"))
    }
}

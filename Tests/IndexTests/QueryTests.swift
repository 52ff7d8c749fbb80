// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB
import Index
import Testing

@Suite("Queries of the index") struct QueryTests {
    /// Keys as a peer sends them.
    private func query(
        _ level: String, _ keys: [(DICOM.Tag, String)], _ model: Query.Model = .patientRoot, retrieving: Bool = false
    ) throws -> Query {
        let elements =
            [
                DataElement(.specificCharacterSet, "CS", .bytes(Array("ISO_IR 192".utf8))),
                DataElement(.queryRetrieveLevel, "CS", .bytes(Array(level.utf8))),
            ] + keys.map { DataElement($0.0, "UN", .bytes(Array($0.1.utf8))) }
        return retrieving
            ? try Query(retrieving: elements, model: model) : try Query(identifier: elements, model: model)
    }

    private func find(_ index: StudyIndex, _ query: Query) throws -> [QueryMatch] {
        let cursor = try index.find(query)
        var matches: [QueryMatch] = []
        while let page = try cursor.next() { matches += page }
        return matches
    }

    private func values(_ index: StudyIndex, _ query: Query, _ tag: DICOM.Tag) throws -> [String] {
        try find(index, query).map { ($0.values[tag] ?? []).joined(separator: "\\") }
    }

    /// Two patients, three studies.
    private func filled(_ bench: Workbench) throws -> StudyIndex {
        let index = try bench.open()
        let rows: [(String, String, String, String, String, String)] = [
            // instance, series, study, patient, modality, date
            ("1.1.1.1", "1.1.1", "1.1", "4711", "CT", "20260101"),
            ("1.1.1.2", "1.1.1", "1.1", "4711", "CT", "20260101"),
            ("1.1.2.1", "1.1.2", "1.1", "4711", "PT", "20260101"),
            ("1.2.1.1", "1.2.1", "1.2", "4711", "MR", "2026.02.01"),
            ("2.1.1.1", "2.1.1", "2.1", "0815", "CT", "20260301"),
        ]
        for (number, row) in rows.enumerated() {
            let header = header(row.0, study: row.2, series: row.1) { header in
                header.patient.patientID = row.3
                header.patient.patientName = row.3 == "4711" ? "Muster^Max" : "Yamada^Tarou=山田^太郎"
                header.modality = row.4
                header.studyDate = row.5
                header.accessionNumber = "A" + row.2
                header.instanceNumber = number
                header.rows = 512
                header.referringPhysicianName = "Who^Doctor"
                header.requestAttributes = [RequestAttributes(requestedProcedureID: "RP" + row.1)]
            }
            #expect(try index.record(header, file: file(row.0)) == .new)
        }
        return index
    }

    @Test("a study is found by each of its keys")
    func studies() throws {
        let bench = Workbench()
        let index = try filled(bench)
        let all: [(DICOM.Tag, String)] = [(.studyInstanceUID, "")]
        func found(_ tag: DICOM.Tag, _ value: String) throws -> [String] {
            try values(index, try query("STUDY", all.filter { $0.0 != tag } + [(tag, value)]), .studyInstanceUID)
        }
        #expect(try found(.patientID, "4711") == ["1.1", "1.2"])
        #expect(try found(.patientID, "47*") == ["1.1", "1.2"])
        #expect(try found(.patientID, "*15") == ["2.1"])
        #expect(try found(.patientID, "471") == [])
        #expect(try found(.accessionNumber, "A2.1") == ["2.1"])
        #expect(try found(.studyDate, "20260101-20260131") == ["1.1"])
        #expect(try found(.studyDate, "20260201-") == ["1.2", "2.1"])
        #expect(try found(.studyDate, "20260201") == ["1.2"])
        #expect(try found(.modalitiesInStudy, "PT") == ["1.1"])
        #expect(try found(.modalitiesInStudy, "MR\\PT") == ["1.1", "1.2"])
        #expect(try found(.patientName, "muster*") == ["1.1", "1.2"])
        #expect(try found(.patientName, "山田*") == ["2.1"])
        #expect(try found(.studyInstanceUID, "1.2\\2.1\\9.9") == ["1.2", "2.1"])
        #expect(try found(.sopClassesInStudy, "1.2.840.10008.5.1.4.1.1.2") == ["1.1", "1.2", "2.1"])
        #expect(try found(.numberOfStudyRelatedInstances, "3") == ["1.1"])
        #expect(try found(.referringPhysicianName, "who*") == ["1.1", "1.2", "2.1"])
    }

    @Test("a study tells what it holds")
    func counts() throws {
        let bench = Workbench()
        let index = try filled(bench)
        let match = try #require(
            try find(
                index,
                try query(
                    "STUDY",
                    [
                        (.studyInstanceUID, "1.1"), (.modalitiesInStudy, ""), (.numberOfStudyRelatedSeries, ""),
                        (.numberOfStudyRelatedInstances, ""), (.numberOfPatientRelatedStudies, ""),
                        (.numberOfPatientRelatedSeries, ""), (.numberOfPatientRelatedInstances, ""),
                        (.patientName, ""), (.sopClassesInStudy, ""),
                    ])
            ).first)
        #expect(match.values[.modalitiesInStudy] == ["CT", "PT"])
        #expect(match.values[.numberOfStudyRelatedSeries] == ["2"])
        #expect(match.values[.numberOfStudyRelatedInstances] == ["3"])
        #expect(match.values[.numberOfPatientRelatedStudies] == ["2"])
        #expect(match.values[.numberOfPatientRelatedSeries] == ["3"])
        #expect(match.values[.numberOfPatientRelatedInstances] == ["4"])
        #expect(match.values[.patientName] == ["Muster^Max"])
        #expect(match.values[.sopClassesInStudy] == ["1.2.840.10008.5.1.4.1.1.2"])
    }

    @Test("each patient is found once, whatever the number of studies")
    func patients() throws {
        let bench = Workbench()
        let index = try filled(bench)
        #expect(try values(index, try query("PATIENT", [(.patientID, "")]), .patientID) == ["4711", "0815"])
        #expect(
            try values(index, try query("PATIENT", [(.patientName, "yamada*"), (.patientID, "")]), .patientID) == [
                "0815"
            ])
    }

    @Test("series and instances are found below their study, or by their own keys")
    func levels() throws {
        let bench = Workbench()
        let index = try filled(bench)
        func series(_ keys: [(DICOM.Tag, String)]) throws -> [String] {
            try values(index, try query("SERIES", keys + [(.seriesInstanceUID, "")]), .seriesInstanceUID)
        }
        #expect(try series([(.studyInstanceUID, "1.1")]) == ["1.1.1", "1.1.2"])
        #expect(try series([(.studyInstanceUID, "1.1"), (.modality, "PT")]) == ["1.1.2"])
        #expect(try series([(.patientID, "4711"), (.modality, "CT")]) == ["1.1.1"])
        #expect(try series([(.studyInstanceUID, "1.1"), (.numberOfSeriesRelatedInstances, "2")]) == ["1.1.1"])
        func instances(_ keys: [(DICOM.Tag, String)]) throws -> [String] {
            try values(index, try query("IMAGE", keys + [(.sopInstanceUID, "")]), .sopInstanceUID)
        }
        #expect(try instances([(.studyInstanceUID, "1.1"), (.seriesInstanceUID, "1.1.1")]) == ["1.1.1.1", "1.1.1.2"])
        #expect(try instances([(.studyInstanceUID, "1.1"), (.instanceNumber, "2")]) == ["1.1.2.1"])
        #expect(try instances([(.studyInstanceUID, "1.2"), (.seriesInstanceUID, "1.1.1")]) == [])
        #expect(
            try values(
                index, try query("IMAGE", [(.sopInstanceUID, "2.1.1.1"), (.patientName, "")]), .patientName)
                == ["Yamada^Tarou=山田^太郎"])
    }

    @Test("a series is found by the order in its Request Attributes Sequence")
    func requests() throws {
        let bench = Workbench()
        let index = try filled(bench)
        let item = [DataElement(.requestedProcedureID, "SH", .bytes(Array("RP1.1.2".utf8)))]
        let query = try Query(
            identifier: [
                DataElement(.queryRetrieveLevel, "CS", .bytes(Array("SERIES".utf8))),
                DataElement(.seriesInstanceUID, "UI", .bytes([])),
                DataElement(.requestAttributesSequence, "SQ", .items([item])),
            ], model: .studyRoot)
        let matches = try find(index, query)
        #expect(matches.map { $0.values[.seriesInstanceUID] } == [["1.1.2"]])
        #expect(matches.first?.requestAttributes == [RequestAttributes(requestedProcedureID: "RP1.1.2")])
    }

    @Test("results are found and retrieved as series and instances of their study, until they are superseded")
    func results() throws {
        let bench = Workbench()
        let index = try bench.open()
        let evidence = try index.receive(2)
        var result = segmentation()
        result.header = header("2.25.9", study: "1.1", series: "2.25.8") { header in
            header.modality = "SEG"
            header.seriesDescription = "found"
            header.instanceNumber = 1
        }
        #expect(try index.analyse(evidence, results: [result]) == .recorded)
        let study = try #require(
            try find(
                index,
                try query(
                    "STUDY",
                    [(.modalitiesInStudy, ""), (.numberOfStudyRelatedSeries, ""), (.numberOfStudyRelatedInstances, "")])
            ).first)
        #expect(study.values[.modalitiesInStudy] == ["CT", "SEG"])
        #expect(study.values[.numberOfStudyRelatedSeries] == ["2"])
        #expect(study.values[.numberOfStudyRelatedInstances] == ["3"])
        let series = try query(
            "SERIES", [(.studyInstanceUID, "1.1"), (.modality, "SEG"), (.seriesDescription, ""), (.patientID, "")])
        #expect(
            try find(index, series).map(\.values) == [
                [.studyInstanceUID: ["1.1"], .modality: ["SEG"], .seriesDescription: ["found"], .patientID: ["4711"]]
            ])
        let image = try query(
            "IMAGE", [(.studyInstanceUID, "1.1"), (.seriesInstanceUID, "2.25.8"), (.sopInstanceUID, "")])
        #expect(try values(index, image, .sopInstanceUID) == ["2.25.9"])
        let retrieval = try query("STUDY", [(.studyInstanceUID, "1.1")], retrieving: true)
        #expect(
            try index.instances(retrieving: retrieval).map(\.path)
                == ["instances/1.1.1.0", "instances/1.1.1.1", "results/2.25.9"])

        // A later run supersedes it.
        let again = try index.receive(1, from: 2)
        #expect(try index.analyse(again, results: [segmentation("2.25.10", digest: "d2")]) == .recorded)
        #expect(try index.instances(retrieving: retrieval).map(\.path).suffix(1) == ["results/2.25.10"])
        #expect(try index.resultsWithoutHeader() == ["results/2.25.10"])
    }

    @Test("of the versions of an instance the first is found and retrieved")
    func versions() throws {
        let bench = Workbench()
        let index = try bench.open()
        try index.receive(1)
        let coerced = header("1.1.1.0") { $0.seriesDescription = "changed" }
        #expect(try index.record(coerced, file: file("other", header: 2)) == .coercedCopy)
        // The same UID in another study: kept, but neither is its study or series there.
        let moved = header("1.1.1.0", study: "7.7", series: "7.7.7")
        _ = try index.record(moved, file: file("moved", header: 3))
        #expect(try values(index, try query("STUDY", [(.studyInstanceUID, "")]), .studyInstanceUID) == ["1.1"])
        #expect(try find(index, try query("SERIES", [(.studyInstanceUID, "7.7")])).isEmpty)
        let retrieval = try query("IMAGE", [(.sopInstanceUID, "1.1.1.0")], retrieving: true)
        #expect(try index.instances(retrieving: retrieval).map(\.path) == ["instances/1.1.1.0"])
    }

    @Test("what comes in pages comes whole, and an answer begun does not grow")
    func pages() throws {
        let bench = Workbench()
        let index = try bench.open()
        for number in 0..<450 {
            _ = try index.record(
                header("1.\(number).1.1", study: "1.\(number)", series: "1.\(number).1"), file: file("p\(number)"))
        }
        let cursor = try index.find(try query("STUDY", [(.studyInstanceUID, "")]))
        _ = try index.record(header("9.1.1", study: "9", series: "9.1"), file: file("late"))
        var found: [String] = []
        var pages = 0
        while let page = try cursor.next() {
            pages += 1
            found += page.compactMap { $0.values[.studyInstanceUID]?.first }
        }
        #expect(pages == 3)
        #expect(found == (0..<450).map { "1.\($0)" })
    }

    @Test("a query that is half read holds no transaction: the write-ahead log can be emptied [FIND-7]")
    func transactions() throws {
        let bench = Workbench()
        let index = try bench.open()
        for number in 0..<300 {
            _ = try index.record(
                header("1.\(number).1.1", study: "1.\(number)", series: "1.\(number).1"), file: file("p\(number)"))
        }
        let cursor = try index.find(try query("STUDY", [(.studyInstanceUID, "")]))
        #expect(try cursor.next()?.count == 200)
        _ = try index.record(header("9.1.1", study: "9", series: "9.1"), file: file("late"))
        // Busy where somebody still reads an older state.
        let busy = try DatabaseQueue(path: bench.path).writeWithoutTransaction { db in
            try Int.fetchOne(db, sql: "PRAGMA wal_checkpoint(TRUNCATE)")
        }
        #expect(busy == 0)
        #expect(try cursor.next()?.count == 100)
    }

    @Test("SQL's own wildcards and quotes are letters")
    func metacharacters() throws {
        let bench = Workbench()
        let index = try filled(bench)
        for text in ["4711' OR '1'='1", "47%", "47__", "'; DROP TABLE study; --", "\u{10FFFF}*", "[4]711"] {
            #expect(try find(index, try query("STUDY", [(.patientID, text)])).isEmpty)
        }
        #expect(try find(index, try query("STUDY", [(.studyInstanceUID, "")])).count == 3)
    }

    @Test("a study that has expired is found as unavailable, at every level, and no other one")
    func expired() throws {
        let bench = Workbench()
        let index = try filled(bench)
        _ = try index.counts()
        let queue = try DatabaseQueue(path: bench.path)
        try queue.write { try $0.execute(sql: "UPDATE series SET state = 'outOfScope'") }
        try queue.close()
        let study = try #require(try index.expirableStudies(limit: 10).first)
        #expect(try index.expire(study, heldBy: "pacs"))
        for (level, keys, expected) in [
            ("STUDY", [.studyInstanceUID], [true, false, false]),
            ("SERIES", [.studyInstanceUID, .seriesInstanceUID], [true, true, false, false]),
            ("IMAGE", [.seriesInstanceUID, .sopInstanceUID], [true, true, true]),
        ] as [(String, [DICOM.Tag], [Bool])] {
            let asked = keys.map { ($0, level == "IMAGE" && $0 == .seriesInstanceUID ? "1.1.1\\1.1.2" : "") }
            let matches = try find(index, try query(level, asked, .studyRoot))
            #expect(matches.map(\.isExpired) == expected, "\(level)")
        }
    }
}

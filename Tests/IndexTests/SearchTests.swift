// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import GRDB
import Migrations
import Testing

@testable import Index

@Suite("Search")
struct SearchTests {
    private func bench(_ patients: [(id: String, name: String, accession: String)]) throws -> (Workbench, StudyIndex) {
        let bench = Workbench()
        let index = try bench.open()
        for (number, patient) in patients.enumerated() {
            let study = "1.\(number + 1)"
            let header = header("\(study).1.1", study: study, series: "\(study).1") {
                $0.patient = PatientIdentity(patientID: patient.id, patientName: patient.name)
                $0.accessionNumber = patient.accession
            }
            #expect(try index.record(header, file: file("\(number)")) == .new)
        }
        return (bench, index)
    }

    private func found(_ index: StudyIndex, _ text: String) throws -> [String] {
        try index.search(text).studies.map(\.studyInstanceUID.string).sorted()
    }

    private static let people = [
        ("4711", "Yamada^Tarou=山田^太郎=やまだ^たろう", "A-100"), ("4712", "ﾔﾏﾀﾞ^ﾊﾅｺ=山田^花子=やまだ^はなこ", "A-101"),
        ("P_8", "Müller^Änne", "B%1"), ("ab-9", "O'Brien^Seán", "471"), ("50", "", "C-1"),
    ]

    @Test(
        "a study is found by name in any group, by the beginning of its patient ID, and of its accession number",
        arguments: [
            ("yamada", ["1.1"]), ("ﾔﾏﾀﾞ", ["1.1", "1.2"]), ("ヤマダ", ["1.1", "1.2"]), ("やまだ", ["1.1", "1.2"]),
            ("山田", ["1.1", "1.2"]), ("山田 花子", ["1.2"]), ("花子", ["1.2"]), ("muller", ["1.3"]), ("MÜLLER Anne", ["1.3"]),
            ("obrien", ["1.4"]), ("471", ["1.1", "1.2", "1.4"]), ("4712", ["1.2"]), ("４７１２", ["1.2"]), ("AB", ["1.4"]),
            ("a-10", ["1.1", "1.2"]), ("P_", ["1.3"]), ("P%", []), ("%", []), ("B%", ["1.3", "1.4"]), ("712", []),
            ("", []),
            ("  ", []), ("' OR 1=1 --", []), ("*", ["1.1", "1.2", "1.3", "1.4"]), ("y?m", ["1.1"]), ("[", []),
        ])
    func finds(text: String, studies: [String]) throws {
        let (_, index) = try bench(Self.people)
        #expect(try found(index, text) == studies)
    }

    @Test("no more studies come than wanted, the newest of them, and that there are more is told")
    func limited() throws {
        let (_, index) = try bench((0..<5).map { ("\($0)", "Doe^J\($0)", "") })
        let result = try index.search("doe", limit: 3)
        #expect(result.studies.map(\.studyInstanceUID.string) == ["1.3", "1.4", "1.5"])
        #expect(result.isTruncated)
        #expect(try !index.search("doe", limit: 5).isTruncated)
    }

    @Test("a name that a later instance brings is found")
    func filled() throws {
        let bench = Workbench()
        let index = try bench.open()
        #expect(try index.record(header("1.1.1.1") { $0.patient.patientName = "" }, file: file("1")) == .new)
        #expect(try found(index, "max") == [])
        #expect(try index.record(header("1.1.1.2"), file: file("2")) == .new)
        #expect(try found(index, "max") == ["1.1"])
    }

    @Test("an index from before the keys gets them at its next start, from where an earlier start was stopped")
    func backfill() throws {
        let bench = Workbench()
        try DatabaseQueue(path: bench.path).writeWithoutTransaction { db in
            try StudyIndex.migrate(db, path: bench.path, scripts: Array(Migrations.all.prefix(1)))
            try db.execute(sql: "INSERT INTO patient VALUES (1, '', '', 0)")
            for number in 1...2_500 {
                try db.execute(
                    sql: """
                        INSERT INTO study (studyInstanceUID, patient, patientID, issuerOfPatientID, patientName, patientBirthDate,
                            patientSex, accessionNumber, studyID, studyDate, studyTime, studyDescription, firstInstanceAt,
                            worklistChangedAt) VALUES (?, 1, '', '', ?, '', '', '', '', '', '', '', 1, 1)
                        """, arguments: ["1.\(number)", "Doe^No\(number)"])
            }
        }
        // As an index of the first schema, and as one whose start was killed after the first batch.
        for done in [nil, 1_000] as [Int?] {
            if let done {
                try DatabaseQueue(path: bench.path).writeWithoutTransaction { db in
                    try db.execute(
                        sql: "DELETE FROM studyNameKey WHERE study > ?; UPDATE searchBackfill SET doneStudy = ?",
                        arguments: [done, done])
                }
            }
            let again = try bench.open()
            #expect(try again.search("no1").studies.count == 200)
            #expect(try found(again, "no2500") == ["1.2500"])
            #expect(try found(again, "no7").contains("1.7"))
            try again.close()
        }
        let count = try DatabaseQueue(path: bench.path).read {
            try Int.fetchOne($0, sql: "SELECT count(*) FROM studyNameKey")
        }
        #expect(count == 5_000)
    }

    @Test(
        "a query of a name as C-FIND states it",
        arguments: [
            ("YAMADA^TAROU", ["1.1"]), ("Yamada*", ["1.1"]), ("*=山田*", ["1.1", "1.2"]), ("Yamada", []),
            ("やまだ^はなこ", ["1.2"]),
            ("tarou", []), ("*tarou", ["1.1"]), ("-", []),
        ])
    func condition(query: String, studies: [String]) throws {
        let (_, index) = try bench(Self.people)
        let condition = try #require(NameKeys.condition(SearchPattern(query)))
        let found = try index.reading { db in
            try SQLRequest<String>(
                literal: "SELECT studyInstanceUID FROM study WHERE \(condition) ORDER BY id"
            ).fetchAll(db)
        }
        #expect(found == studies)
        #expect(NameKeys.condition(SearchPattern("*")) == nil)
    }

    @Test("the queries use their indices", arguments: ["yamada", "y*a", "山田 太郎"])
    func plan(text: String) throws {
        let (_, index) = try bench(Self.people)
        let plan = try index.reading { db in
            try SQLRequest<Row>(
                literal: "EXPLAIN QUERY PLAN SELECT id FROM study WHERE \(StudyIndex.searchCondition(text))"
            ).fetchAll(db).map { $0["detail"] as String }
        }
        #expect(!plan.contains { $0.hasPrefix("SCAN") }, "\(plan)")
        #expect(plan.contains { $0.contains("studyByTypedPatientID") }, "\(plan)")
    }
}

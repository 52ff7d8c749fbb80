// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Index
import Testing

/// Decision 14.
@Suite struct IdentityTests {
    let bench = Workbench()

    @Test(
        "Empty and placeholder IDs identify nobody",
        arguments: [
            "", " ", "0", "000", "UNKNOWN", "unknown", "Anonymous", "NONE", "n/a", "N.A.", "---", "9999", "11111111",
            "No ID", "null", "^",
        ])
    func placeholders(id: String) { #expect(!PatientIdentity(patientID: id).isIdentifying) }

    @Test(
        "Other IDs identify, short and foreign ones too",
        arguments: ["1", "7", "12", "999", "A", "4711", "患者1", "10000", "P-0", "TEST1", "001"])
    func identifying(id: String) { #expect(PatientIdentity(patientID: id).isIdentifying) }

    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var change: @Sendable (inout PatientIdentity) -> Void
        var blocks: [String] = []
        var warns: [String] = []
        var testDescription: String { name }
        init(
            _ name: String, blocks: [String] = [], warns: [String] = [],
            _ change: @escaping @Sendable (inout PatientIdentity) -> Void
        ) {
            self.name = name
            self.blocks = blocks
            self.warns = warns
            self.change = change
        }
    }

    static let cases: [Case] = [
        Case("nothing differs") { _ in },
        Case("other ID", blocks: ["PatientID"]) { $0.patientID = "4712" },
        Case("ID in another case", blocks: ["PatientID"]) { $0.patientID = "4711a" },
        Case("no ID", blocks: ["PatientID"]) { $0.patientID = "" },
        Case("ID with spaces", warns: ["PatientID"]) { $0.patientID = " 4711 " },
        Case("other issuer", blocks: ["IssuerOfPatientID"]) { $0.issuerOfPatientID = "CLINIC" },
        Case("no issuer", warns: ["IssuerOfPatientID"]) { $0.issuerOfPatientID = "" },
        Case("other birth date", blocks: ["PatientBirthDate"]) { $0.patientBirthDate = "19600103" },
        Case("birth date with dots", warns: ["PatientBirthDate"]) { $0.patientBirthDate = "1960.01.02" },
        Case("no birth date", warns: ["PatientBirthDate"]) { $0.patientBirthDate = "" },
        Case("other sex", blocks: ["PatientSex"]) { $0.patientSex = "F" },
        Case("sex in lower case", warns: ["PatientSex"]) { $0.patientSex = "m" },
        Case("name in capitals", warns: ["PatientName"]) { $0.patientName = "MUSTER^MAX" },
        Case("name with spaces", warns: ["PatientName"]) { $0.patientName = "Muster Max" },
        Case("name with trailing separators", warns: ["PatientName"]) { $0.patientName = "Muster^Max^^^" },
        Case("name in another order", warns: ["PatientName"]) { $0.patientName = "Max Muster" },
        Case("name with a middle name", warns: ["PatientName"]) { $0.patientName = "Muster^Max^Karl" },
        Case("name with another representation", warns: ["PatientName"]) { $0.patientName = "Muster^Max=山田^太郎" },
        Case("no name", warns: ["PatientName"]) { $0.patientName = "" },
        Case("other person's name", blocks: ["PatientName"]) { $0.patientName = "Beispiel^Erika" },
        Case("same family, other person", blocks: ["PatientName"]) { $0.patientName = "Muster^Erika" },
        Case("family name alone", blocks: ["PatientName"]) { $0.patientName = "Muster" },
        Case("several", blocks: ["PatientID", "PatientSex"], warns: ["PatientName"]) {
            $0.patientID = "1"
            $0.patientSex = "F"
            $0.patientName = "MUSTER^MAX"
        },
    ]

    @Test("Disagreement within a study blocks with the attribute's name; formatting only warns", arguments: cases)
    func within(_ example: Case) throws {
        let index = try bench.open()
        let outcomes = [
            try index.record(header("1.1"), file: file("a")),
            try index.record(header("1.2") { example.change(&$0.patient) }, file: file("b")),
        ]
        #expect(outcomes == [.new, .new])
        let study = try index.only()
        #expect(study.blocks == example.blocks.map { "instances of the study disagree on \($0)" })
        #expect(study.warnings == example.warns.map { "\($0) is not written alike in all instances" })
        // No values of attributes in reasons.
        #expect(
            !["Muster", "MUSTER", "4711", "1960"].contains { (study.blocks + study.warnings).joined().contains($0) })
        let evidence = try index.evidence()
        let answer = try index.markComplete(evidence.id, revision: evidence.revision, evidence: "quiet")
        #expect(answer == (study.blocks.first.map { .blocked(reason: $0) } ?? .done))
    }

    @Test("What one instance leaves out, a second states and a third contradicts, blocks")
    func filled() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1") { $0.patient.issuerOfPatientID = "" }, file: file("a"))
        _ = try index.record(header("1.2"), file: file("b"))
        _ = try index.record(header("1.3") { $0.patient.issuerOfPatientID = "CLINIC" }, file: file("c"))
        #expect(try index.only().blocks == ["instances of the study disagree on IssuerOfPatientID"])
    }

    @Test("A disagreement stays after a reopening")
    func stays() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1"), file: file("a"))
        _ = try index.record(header("1.2") { $0.patient.patientSex = "F" }, file: file("b"))
        let again = try bench.crashed().open()
        #expect(try again.only().blocks.count == 1)
        // And the memory of the study is that of its first statement, not of the last.
        _ = try again.record(header("1.3") { $0.patient.patientSex = "O" }, file: file("c"))
        #expect(try again.only().blocks.count == 1)
        #expect(try again.only().patient.patientSex == "M")
    }

    @Test("A patient is (ID, issuer)")
    func patients() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1", study: "1.1", series: "1.1.1"), file: file("a"))
        _ = try index.record(header("1.2", study: "1.2", series: "1.2.1"), file: file("b"))
        #expect(try index.counts().patients == 1)
        _ = try index.record(
            header("1.3", study: "1.3", series: "1.3.1") { $0.patient.issuerOfPatientID = "X" }, file: file("c"))
        #expect(try index.counts().patients == 2)
        for (number, id) in ["", "0", "UNKNOWN", "UNKNOWN", "ANONYMOUS"].enumerated() {
            _ = try index.record(
                header("1.4\(number)", study: "1.4\(number)", series: "1.4.\(number)") { $0.patient.patientID = id },
                file: file("p\(number)"))
        }
        #expect(try index.counts().patients == 7)
        #expect(try index.worklist().allSatisfy { $0.blocks.isEmpty && $0.warnings.isEmpty })
    }

    @Test("Another study under the same ID with another birth date is warned of, and not blocked")
    func across() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1", study: "1.1", series: "1.1.1"), file: file("a"))
        _ = try index.record(
            header("1.2", study: "1.2", series: "1.2.1") { $0.patient.patientBirthDate = "20200101" }, file: file("b"))
        #expect(
            try index.worklist().map(\.warnings) == [
                [], ["another study with this Patient ID has another PatientBirthDate"],
            ])
        #expect(try index.worklist().allSatisfy { $0.blocks.isEmpty })
    }

    @Test("A Series Instance UID in two studies blocks both")
    func sharedSeries() throws {
        let index = try bench.open()
        _ = try index.record(header("1.1", study: "1.1", series: "9.9"), file: file("a"))
        _ = try index.record(header("1.2", study: "1.2", series: "9.9"), file: file("b"))
        #expect(try index.worklist().map(\.blocks.count) == [1, 1])
    }
}

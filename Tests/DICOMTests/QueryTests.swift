// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import DICOM

@Suite("Queries") struct QueryTests {
    typealias Encoding = DataSetWriter.Encoding

    private func query(
        _ encoding: Encoding = .explicit, _ model: Query.Model = .studyRoot, level: String? = "STUDY",
        _ keys: (inout DataSetWriter) -> Void
    ) throws -> Query {
        var writer = DataSetWriter(encoding)
        if let level { writer.element(0x0008_0052, "CS", level) }
        keys(&writer)
        return try Query(
            identifier: [DataElement](decoding: writer.bytes, transferSyntaxUID: encoding.uid), model: model)
    }

    private func status(_ body: () throws -> Query) -> UInt16? {
        do { _ = try body() } catch let refusal as QueryRefusal { return refusal.status.rawValue } catch { return nil }
        return 0
    }

    @Test("keys, sequences and numbers are read in every native encoding", arguments: Encoding.allCases)
    func reading(_ encoding: Encoding) throws {
        let query = try query(encoding, level: "IMAGE") { writer in
            writer.element(0x0008_0060, "CS", "CT")
            writer.element(0x0020_000D, "UI", "1.2.3\\1.2.4")
            writer.short(0x0028_0010, 512)
            writer.sequence(0x0040_0275, defined: false, [{ $0.element(0x0040_1001, "SH", "RP1") }])
        }
        #expect(query.level == .image)
        #expect(query[.modality]?.criterion == .anyOf([.exact("CT")]))
        #expect(query[.studyInstanceUID]?.criterion == .uids(["1.2.3", "1.2.4"]))
        #expect(query[.rows]?.criterion == .anyOf([.number(512)]))
        #expect(query[.requestAttributesSequence]?.items.map(\.criterion) == [.anyOf([.exact("RP1")])])
    }

    @Test("a response is read as it was written, in every native encoding", arguments: Encoding.allCases)
    func writing(_ encoding: Encoding) throws {
        let query = try query(encoding, level: "IMAGE") { writer in
            writer.element(0x0008_0005, "CS", "ISO_IR 192")
            writer.element(0x0010_0010, "PN", "")
            writer.element(0x0020_000D, "UI", "1.2")
            writer.short(0x0028_0010, 0)
            writer.sequence(0x0040_0275, defined: true, [{ $0.element(0x0040_1001, "SH", "") }])
            writer.element(0x0008_0090, "PN", "")
        }
        let match = QueryMatch(
            values: [.patientName: ["山田^太郎"], .studyInstanceUID: ["1.2"], .rows: ["512"]],
            requestAttributes: [RequestAttributes(requestedProcedureID: "RP1")])
        let syntax = try #require(TransferSyntax(uid: encoding.uid))
        let bytes = query.identifier(of: match, retrieveAETitle: AETitle(literal: "TRIAGED")).encoded(as: syntax)
        let read = try [DataElement](decoding: bytes, transferSyntaxUID: encoding.uid)
        #expect(read.map(\.tag) == read.map(\.tag).sorted())
        #expect(bytes.count.isMultiple(of: 2))
        #expect(read[.patientName].map { String(decoding: $0.bytes, as: UTF8.self) } == "山田^太郎 ")
        #expect(read[.specificCharacterSet]?.bytes == Array("ISO_IR 192".utf8))
        #expect(read[.retrieveAETitle]?.bytes == Array("TRIAGED ".utf8))
        #expect(read[.referringPhysicianName]?.bytes == [])
        #expect(read[.rows]?.bytes == [0, 2])
        guard case .items(let items) = read[.requestAttributesSequence]?.value else {
            Issue.record("no sequence")
            return
        }
        #expect(items.map { $0.map(\.bytes) } == [[Array("RP1 ".utf8)]])
    }

    @Test("plain ASCII comes without a character set")
    func plain() throws {
        let query = try query { $0.element(0x0010_0010, "PN", "") }
        let elements = query.identifier(
            of: QueryMatch(values: [.patientName: ["Doe^John"]]), retrieveAETitle: AETitle(literal: "TRIAGED"))
        #expect(elements[.specificCharacterSet] == nil)
    }

    @Test("a level that is missing, or none of the model, is refused with A900")
    func levels() {
        #expect(status { try query(level: nil) { _ in } } == 0xA900)
        #expect(status { try query(level: "PATIENT") { _ in } } == 0xA900)
        #expect(status { try query(level: "FRAME") { _ in } } == 0xA900)
        #expect(status { try query(.explicit, .patientRoot, level: "PATIENT") { _ in } } == 0)
        #expect(status { try query(level: "IMAGE") { $0.element(0x0008_0060, "CS", "CT") } } == 0xA900)
        #expect(status { try query(level: "SERIES") { $0.element(0x0008_0060, "CS", "CT") } } == 0)
        #expect(status { try query { $0.element(0x0020_000D, "UI", "1.2.*") } } == 0xA900)
        #expect(status { try query { $0.element(0x0008_0020, "DA", "tomorrow") } } == 0xA900)
    }

    @Test("keys of levels below, and those that this node does not know, are not matched and come back empty")
    func unsupported() throws {
        let query = try query { writer in
            writer.element(0x0008_0060, "CS", "MR")
            writer.element(0x0032_4000, "LT", "what")
            writer.sequence(0x0040_0275, defined: true, [{ $0.element(0x0040_1001, "SH", "RP1") }])
        }
        #expect(query.hasUnsupportedKeys)
        #expect(query.matches(QueryMatch()))
        let elements = query.identifier(of: QueryMatch(), retrieveAETitle: AETitle(literal: "TRIAGED"))
        #expect(elements[.modality]?.isEmpty == true)
        #expect(elements[Tag(0x0032, 0x4000)]?.isEmpty == true)
        #expect(try !self.query { $0.element(0x0010_0020, "LO", "1") }.hasUnsupportedKeys)
    }

    @Test("a sequence matches where one item has all that the query's item asks for")
    func sequences() throws {
        let query = try query(level: "SERIES") { writer in
            writer.sequence(
                0x0040_0275, defined: true,
                [
                    {
                        $0.element(0x0040_0009, "SH", "SPS1")
                        $0.element(0x0040_1001, "SH", "RP*")
                    }
                ])
        }
        func match(_ items: (String, String)...) -> QueryMatch {
            QueryMatch(
                requestAttributes: items.map {
                    RequestAttributes(scheduledProcedureStepID: $0.0, requestedProcedureID: $0.1)
                })
        }
        #expect(query.matches(match(("SPS2", "RP1"), ("SPS1", "RP2"))))
        #expect(!query.matches(match(("SPS2", "RP1"), ("SPS1", "X"))))
        #expect(!query.matches(match()))
    }

    @Test("a retrieval needs the unique key of its level, without wildcards")
    func retrieval() throws {
        func retrieval(_ level: String, _ keys: (inout DataSetWriter) -> Void) -> UInt16? {
            status {
                var writer = DataSetWriter(.explicit)
                writer.element(0x0008_0052, "CS", level)
                keys(&writer)
                return try Query(
                    retrieving: [DataElement](decoding: writer.bytes, transferSyntaxUID: Encoding.explicit.uid),
                    model: .patientRoot)
            }
        }
        #expect(retrieval("STUDY") { $0.element(0x0020_000D, "UI", "1.2") } == 0)
        #expect(retrieval("STUDY") { $0.element(0x0020_000E, "UI", "1.2") } == 0xA900)
        #expect(retrieval("PATIENT") { $0.element(0x0010_0020, "LO", "4711") } == 0)
        #expect(retrieval("PATIENT") { $0.element(0x0010_0020, "LO", "47*") } == 0xA900)
        #expect(retrieval("PATIENT") { $0.element(0x0010_0020, "LO", "*") } == 0xA900)
        #expect(retrieval("PATIENT") { $0.element(0x0010_0020, "LO", "") } == 0xA900)
    }

    @Test("what is nested too deep, cut off or out of place is no identifier")
    func malformed() {
        func read(_ bytes: [UInt8]) throws -> [DataElement] {
            try [DataElement](decoding: bytes, transferSyntaxUID: Encoding.explicit.uid)
        }
        var bomb = DataSetWriter(.explicit)
        for _ in 0..<10_000 {
            bomb.header(0x0040_0275, "SQ", length: .max)
            bomb.item(length: .max)
        }
        #expect(throws: ScanError.self) { try read(bomb.bytes) }
        var cut = DataSetWriter(.explicit)
        cut.header(0x0010_0010, "PN", length: 100)
        cut.bytes += [0x41, 0x42]
        #expect(throws: ScanError.self) { try read(cut.bytes) }
        #expect(throws: ScanError.self) { try read([1, 2, 3]) }
        #expect(throws: Never.self) { try read([]) }
    }
}

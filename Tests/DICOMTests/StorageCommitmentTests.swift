// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Testing

@Suite struct StorageCommitmentTests {
    static let transaction = StorageCommitment.transactionUID
    static let sequence = StorageCommitment.referencedSOPSequence

    static func item(_ sopClass: String?, _ instance: String?) -> AttributeList {
        var item = AttributeList()
        if let sopClass { item.set(StorageCommitment.referencedSOPClassUID, "UI", sopClass) }
        if let instance { item.set(StorageCommitment.referencedSOPInstanceUID, "UI", instance) }
        return item
    }

    static func list(_ transactionUID: String?, _ items: [AttributeList]?) -> AttributeList {
        var list = AttributeList()
        if let transactionUID { list.set(transaction, "UI", transactionUID) }
        if let items { list.set(sequence, items: items) }
        return list
    }

    static let explicit = UID(literal: "1.2.840.10008.1.2.1")
    static let implicit = UID(literal: "1.2.840.10008.1.2")

    @Test("A request is read in both encodings, each instance once, in its order", arguments: [true, false])
    func request(isExplicit: Bool) throws {
        let items = [Self.item("1.2.3", "4.5"), Self.item("1.2.3", "4.6"), Self.item("1.2.3", "4.5")]
        let bytes = Self.list("2.25.1", items).encoded(isExplicitVR: isExplicit)
        let request = try CommitmentRequest(
            decoding: bytes, transferSyntaxUID: isExplicit ? Self.explicit : Self.implicit)
        #expect(request.transactionUID.string == "2.25.1")
        #expect(request.instances.map(\.sopInstanceUID.string) == ["4.5", "4.6"])
        #expect(request.instances.allSatisfy { $0.sopClassUID.string == "1.2.3" })
    }

    struct Bad: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var list: AttributeList
        var status = Status.invalidArgumentValue
    }

    @Test(
        "A request without one of its pieces is refused with 0115, one that is too long with 0213",
        arguments: [
            Bad(testDescription: "no transaction UID", list: list(nil, [item("1.2", "3.4")])),
            Bad(testDescription: "an empty transaction UID", list: list("", [item("1.2", "3.4")])),
            Bad(testDescription: "a transaction UID that is none", list: list("../etc", [item("1.2", "3.4")])),
            Bad(testDescription: "no sequence", list: list("2.25.1", nil)),
            Bad(testDescription: "an empty sequence", list: list("2.25.1", [])),
            Bad(testDescription: "no class", list: list("2.25.1", [item("1.2", "3.4"), item(nil, "3.5")])),
            Bad(testDescription: "no instance", list: list("2.25.1", [item("1.2", nil)])),
            Bad(
                testDescription: "20,001 references",
                list: list("2.25.1", (0...20_000).map { item("1.2", "3.\($0)") }), status: .resourceLimitation),
        ])
    func refused(bad: Bad) {
        #expect {
            try CommitmentRequest(
                decoding: bad.list.encoded(isExplicitVR: true), transferSyntaxUID: Self.explicit)
        } throws: { ($0 as? CommitmentRequest.Refusal)?.status == bad.status }
    }

    @Test("A request that is cut off is refused, wherever")
    func cut() throws {
        let bytes = Self.list("2.25.1", [Self.item("1.2.3", "4.5")]).encoded(isExplicitVR: false)
        for count in 0..<bytes.count {
            #expect(throws: CommitmentRequest.Refusal.self, "\(count)") {
                try CommitmentRequest(decoding: Array(bytes[..<count]), transferSyntaxUID: Self.implicit)
            }
        }
    }

    @Test(
        "A report names the complete set: what is committed to, and what is not with its reason",
        arguments: [true, false])
    func report(isExplicit: Bool) throws {
        let here = SOPReference(sopClassUID: UID(literal: "1.2"), sopInstanceUID: UID(literal: "3.4"))
        let gone = SOPReference(sopClassUID: UID(literal: "1.2"), sopInstanceUID: UID(literal: "3.5"))
        var report = CommitmentReport(transactionUID: UID(literal: "2.25.1"), committed: [here], failed: [])
        #expect(report.eventTypeID == 1)
        report.failed = [.init(instance: gone, reason: .noSuchSOPInstance)]
        #expect(report.eventTypeID == 2)
        let list = try AttributeList(
            decoding: report.encoded(isExplicitVR: isExplicit),
            transferSyntax: isExplicit ? Self.explicit : Self.implicit)
        #expect(list.uid(Self.transaction)?.string == "2.25.1")
        #expect(
            list.items(Self.sequence).map { $0.uid(StorageCommitment.referencedSOPInstanceUID)?.string } == ["3.4"])
        let failed = list.items(StorageCommitment.failedSOPSequence)
        #expect(failed.map { $0.uid(StorageCommitment.referencedSOPInstanceUID)?.string } == ["3.5"])
        #expect(failed.first?.bytes(StorageCommitment.failureReason) == [0x12, 0x01])
    }

    @Test("Requests and reports are read as they were written, in both encodings", arguments: [true, false])
    func roundTrip(isExplicit: Bool) throws {
        let syntax = isExplicit ? Self.explicit : Self.implicit
        let held = SOPReference(sopClassUID: UID(literal: "1.2.3"), sopInstanceUID: UID(literal: "4.5"))
        let lost = SOPReference(sopClassUID: UID(literal: "1.2.3"), sopInstanceUID: UID(literal: "4.6"))
        let request = CommitmentRequest(transactionUID: UID(literal: "2.25.1"), instances: [held, lost])
        #expect(
            try CommitmentRequest(decoding: request.encoded(isExplicitVR: isExplicit), transferSyntaxUID: syntax)
                == request)
        let report = CommitmentReport(
            transactionUID: request.transactionUID, committed: [held],
            failed: [.init(instance: lost, reason: .noSuchSOPInstance)])
        #expect(
            try CommitmentReport(decoding: report.encoded(isExplicitVR: isExplicit), transferSyntaxUID: syntax)
                == report)
    }

    @Test(
        "A report without its Transaction UID is none; an item of a failure without a reason is a failure all the same")
    func oddReports() throws {
        #expect(throws: CommitmentReport.Malformation.self) {
            try CommitmentReport(
                decoding: Self.list(nil, [Self.item("1.2", "3.4")]).encoded(isExplicitVR: true),
                transferSyntaxUID: Self.explicit)
        }
        var list = Self.list("2.25.1", nil)
        list.set(StorageCommitment.failedSOPSequence, items: [Self.item("1.2", "3.4"), Self.item("1.2", nil)])
        let report = try CommitmentReport(
            decoding: list.encoded(isExplicitVR: true), transferSyntaxUID: Self.explicit)
        #expect(report.failed.map(\.reason) == [.processingFailure])
    }
}

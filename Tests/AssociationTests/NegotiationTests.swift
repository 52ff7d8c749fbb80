// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Support
import Testing

@testable import Association

@Suite struct NegotiationTests {
    let policy = AcceptancePolicy(
        calledAETitle: AETitle(literal: "TRIAGED"), callingAETitles: [AETitle(literal: "CT1")])

    private func answer(_ abstractSyntax: String, _ transferSyntaxes: [String]) -> PresentationContextAnswer {
        policy.answer(
            to: ProposedPresentationContext(
                id: 1, abstractSyntax: UID(abstractSyntax), transferSyntaxes: transferSyntaxes.map { UID($0) }))
    }

    @Test(
        "all storage SOP classes that this DCMTK knows are accepted, and those that are newer than it [CTX-1]"
    )
    func storageClasses() {
        let known = AssociationHandle.knownStorageSOPClasses
        #expect(known.count == 186)
        for uid in known { #expect(StorageSOPClasses.contains(uid), "\(uid)") }
        #expect(StorageSOPClasses.all.count == 199)
        for uid in [
            "1.2.840.10008.5.1.4.1.1.66.7", "1.2.840.10008.5.1.4.1.1.66.8", "1.2.840.10008.5.1.4.1.1.77.1.9",
            "1.2.840.10008.5.1.4.1.1.88.77", "1.2.840.10008.5.1.4.1.1.481.25",
        ] {
            #expect(answer(uid, [PDUBytes.explicitLittleEndian]).result == .acceptance)
        }
    }

    @Test("an unknown abstract syntax gets result 3, unknown transfer syntaxes result 4 [CTX-2]")
    func refusals() {
        #expect(
            answer("1.2.840.10008.5.1.4.1.2.2.2", [PDUBytes.explicitLittleEndian]).result == .abstractSyntaxNotSupported
        )
        #expect(answer("not a UID", [PDUBytes.explicitLittleEndian]).result == .abstractSyntaxNotSupported)
        // GE's private implicit VR with big-endian pixels; JPIP, whose pixels are elsewhere; no UID.
        #expect(
            answer(PDUBytes.ctImageStorage, ["1.2.840.113619.5.2", "1.2.840.10008.1.2.4.94", "1..2"]).result
                == .transferSyntaxesNotSupported)
    }

    @Test(
        "the first transfer syntax that the node carries wins, in the requestor's order; big endian only alone",
        arguments: [
            (["1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.1"], "1.2.840.10008.1.2.4.90"),
            (["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"], "1.2.840.10008.1.2"),
            (["1.2.840.113619.5.2", "1.2.840.10008.1.2"], "1.2.840.10008.1.2"),
            (["1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1"], "1.2.840.10008.1.2.1"),
            (["1.2.840.10008.1.2.2"], "1.2.840.10008.1.2.2"),
            (["1.2.840.10008.1.2.4.201"], "1.2.840.10008.1.2.4.201"),
            (["1.2.840.10008.1.2.4.102.1"], "1.2.840.10008.1.2.4.102.1"),
        ])
    func preference(proposed: [String], chosen: String) {
        #expect(answer(PDUBytes.ctImageStorage, proposed).transferSyntax?.string == chosen)
    }

    @Test("a private storage class is accepted where it is configured, and only there")
    func privateClasses() {
        #expect(answer("1.2.840.113619.4.30", [PDUBytes.explicitLittleEndian]).result == .abstractSyntaxNotSupported)
        var open = policy
        open.privateStorageSOPClasses = [UID(literal: "1.2.840.113619.4.30")]
        let proposed = ProposedPresentationContext(
            id: 1, abstractSyntax: UID("1.2.840.113619.4.30"), transferSyntaxes: [UID(PDUBytes.explicitLittleEndian)])
        #expect(open.answer(to: proposed).result == .acceptance)
    }

    @Test(
        "a request is rejected for the first thing that PS3.8 9.3.4 names",
        arguments: [
            (PDUBytes.associateRequest(), nil),
            (PDUBytes.associateRequest(calling: "ct1"), nil),
            (PDUBytes.associateRequest(calling: "CT 1"), Rejection.callingAETitleNotRecognized),
            (PDUBytes.associateRequest(calling: ""), .callingAETitleNotRecognized),
            (PDUBytes.associateRequest(called: "OTHER"), .calledAETitleNotRecognized),
            (PDUBytes.associateRequest(calling: "MR1", called: "OTHER"), .callingAETitleNotRecognized),
            (PDUBytes.associateRequest(called: " triaged\0"), nil),
            (PDUBytes.associateRequest(called: ""), .calledAETitleNotRecognized),
            (PDUBytes.associateRequest(version: 2), .protocolVersionNotSupported),
            (
                PDUBytes.associateRequest(applicationContext: PDUBytes.item(0x10, Array("1.2.3".utf8))),
                .applicationContextNotSupported
            ),
        ] as [([UInt8], Rejection?)])
    func verdicts(pdu: [UInt8], expected: Rejection?) throws {
        let request = try AssociateRequest(parsing: pdu)
        let caller = Result { () throws(AcceptancePolicy.Rebuff) in try policy.caller(of: request, from: "10.0.0.7") }
        switch caller {
        case .success: #expect(expected == nil)
        case .failure(let rebuff): #expect(rebuff.rejection == expected)
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Testing

@testable import Association

@Suite struct AssociateRequestTests {
    private static let syntax = PDUBytes.explicitLittleEndian
    private static func contexts(_ count: Int) -> [UInt8] {
        (0..<count).reduce(into: []) {
            $0 += PDUBytes.context(UInt8(truncatingIfNeeded: 2 * $1 + 1), PDUBytes.ctImageStorage, [syntax])
        }
    }
    private static func user(_ items: [UInt8]) -> [UInt8] {
        PDUBytes.associateRequest(user: PDUBytes.maximumLength() + items)
    }

    @Test(
        "a request with 128 contexts of 64 transfer syntaxes, role, extended negotiation and one identity is read [ASSOC-2]"
    )
    func reads() throws {
        let syntaxes = (0..<64).map { "1.2.840.10008.1.2.4.\($0)" }
        let contexts = (0..<128).reduce(into: [UInt8]()) {
            $0 += PDUBytes.context(UInt8(2 * $1 + 1), PDUBytes.ctImageStorage, syntaxes)
        }
        let role = PDUBytes.item(0x54, [0, 3] + Array("1.2".utf8) + [1, 0])
        let extended = PDUBytes.item(0x56, [0, 3] + Array("1.2".utf8) + [9, 9])
        let request = try AssociateRequest(
            parsing: PDUBytes.associateRequest(
                contexts: contexts,
                user: PDUBytes.maximumLength(0) + PDUBytes.implementation + role + extended + PDUBytes.userIdentity))
        #expect(request.contexts.count == 128)
        #expect(request.contexts[127].transferSyntaxes.count == 64)
        #expect(request.callingAETitle?.string == "CT1")
        #expect(request.maximumPDULength == 0)
    }

    @Test("what we encode we read back")
    func roundTrip() throws {
        var request = AssociateRequest(
            calledAETitle: AETitle(literal: "PACS"), callingAETitle: AETitle(literal: "TRIAGED"),
            contexts: [
                ProposedPresentationContext(
                    id: 1, abstractSyntax: UID(literal: "1.2.3"),
                    transferSyntaxes: [UID(literal: "1.2.4"), UID(literal: "1.2.5")])
            ], maximumPDULength: 131_072)
        request.callingText = "TRIAGED"
        request.calledText = "PACS"
        request.roles = [
            UID(literal: "1.2.3"): .onlySCP, UID(literal: "1.2.33"): RoleSelection(isSCU: true, isSCP: true),
        ]
        #expect(try AssociateRequest(parsing: request.encoded()) == request)
    }

    @Test("our answer is read back, with the request's titles as they came")
    func answerRoundTrip() throws {
        var request = AssociateRequest(
            calledAETitle: AETitle(literal: "TRIAGED"), callingAETitle: AETitle(literal: "CT1"), contexts: [],
            maximumPDULength: 0)
        request.titles = Array(" TRIAGED        ct1\0\0\0             ".utf8.prefix(32))
        let accept = AssociateAccept(
            answers: [
                PresentationContextAnswer(id: 1, result: .acceptance, transferSyntax: UID(literal: "1.2.4")),
                PresentationContextAnswer(id: 3, result: .abstractSyntaxNotSupported, transferSyntax: nil),
            ], roles: [UID(literal: "1.2.3"): .onlySCP], maximumPDULength: 131_072)
        let pdu = accept.encoded(to: request)
        #expect(try AssociateAccept(parsing: pdu) == accept)
        #expect(Array(pdu[10..<42]) == request.titles)
    }

    @Test(
        "a malformed request is refused",
        arguments: [
            PDUBytes.pdu(1, [0, 1, 0, 0]),
            PDUBytes.associateRequest(contexts: []),
            PDUBytes.associateRequest(contexts: contexts(129)),
            PDUBytes.associateRequest(contexts: contexts(1) + contexts(1)),
            PDUBytes.associateRequest(contexts: PDUBytes.context(2, PDUBytes.ctImageStorage, [syntax])),
            PDUBytes.associateRequest(contexts: PDUBytes.context(1, PDUBytes.ctImageStorage, [])),
            PDUBytes.associateRequest(contexts: PDUBytes.context(1, String(repeating: "1", count: 100), [syntax])),
            PDUBytes.associateRequest(contexts: PDUBytes.item(0x20, [1, 0])),
            PDUBytes.associateRequest(contexts: PDUBytes.item(0x20, [1, 0, 0, 0, 0x30, 0, 0, 200])),
            PDUBytes.associateRequest(contexts: contexts(1) + PDUBytes.item(0x21, [3, 0, 0, 0])),
            PDUBytes.associateRequest(contexts: contexts(1) + [0x20, 0, 0xFF, 0xFF]),
            PDUBytes.associateRequest(applicationContext: []),
            PDUBytes.associateRequest(applicationContext: PDUBytes.applicationContext + PDUBytes.applicationContext),
            PDUBytes.associateRequest(extra: PDUBytes.item(0x50, PDUBytes.maximumLength())),
            PDUBytes.associateRequest(extra: [0x60, 0]),
            PDUBytes.associateRequest(user: []),
            PDUBytes.associateRequest(user: PDUBytes.maximumLength(12)),
            PDUBytes.associateRequest(user: PDUBytes.item(0x51, [0, 1])),
            user([0x52, 0, 0, 200, 1]),
            user(PDUBytes.item(0x52, [UInt8](repeating: 0x31, count: 65))),
            user(PDUBytes.userIdentity + PDUBytes.userIdentity),
            user(PDUBytes.item(0x58, [1, 0, 0, 200])),
            user(PDUBytes.item(0x58, [1, 0, 0, 1, 65, 0, 9])),
            user(PDUBytes.item(0x59, [0, 0])),
            user(PDUBytes.item(0x54, [0, 200, 1, 1])),
            user(PDUBytes.item(0x56, [0])),
            user(PDUBytes.item(0x56, [0, 9, 1])),
        ])
    func malformed(pdu: [UInt8]) {
        #expect(throws: AssociatePDU.Malformation.self) { try AssociateRequest(parsing: pdu) }
    }

    @Test("any prefix and any single changed byte is read or refused, never trapped on")
    func mutations() {
        let pdu = PDUBytes.associateRequest(
            user: PDUBytes.maximumLength() + PDUBytes.implementation + PDUBytes.userIdentity)
        for count in 6..<pdu.count {
            #expect(throws: AssociatePDU.Malformation.self) { try AssociateRequest(parsing: Array(pdu[..<count])) }
        }
        for index in 6..<pdu.count {
            for value in [0, 1, 0x7F, 0x80, 0xFF] as [UInt8] {
                var changed = pdu
                changed[index] = value
                _ = try? AssociateRequest(parsing: changed)
            }
        }
    }
}

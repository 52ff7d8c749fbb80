// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// An A-ASSOCIATE-RQ PDU (PS3.8 9.3.2), ours or a peer's.
///
/// DUL 3.6.7 never parses a peer's bytes: it leaks what it has read so far when it meets an error, one user identity for each
/// repetition of that item (CVE-2026-50254), and loses its place after a secondary field. It gets `reduced` instead.
struct AssociateRequest: Equatable {
    var calledAETitle: AETitle?
    var callingAETitle: AETitle?
    var isVersionSupported = true
    var applicationContextName: UID?
    var contexts: [ProposedPresentationContext]
    /// By abstract syntax (PS3.7 D.3.3.4); what is not listed has the default roles.
    var roles: [UID: RoleSelection] = [:]
    /// What the requestor receives; 0 is unlimited (PS3.8 D.1).
    var maximumPDULength: UInt32
    /// The two titles as they were sent, 32 bytes: the answer repeats them (PS3.8 9.3.3).
    var titles: [UInt8] = []
    /// As sent, for logs: printable ASCII.
    var callingText = ""
    var calledText = ""

    init(
        calledAETitle: AETitle, callingAETitle: AETitle, contexts: [ProposedPresentationContext],
        maximumPDULength: UInt32
    ) {
        self.calledAETitle = calledAETitle
        self.callingAETitle = callingAETitle
        self.contexts = contexts
        self.maximumPDULength = maximumPDULength
        applicationContextName = AssociatePDU.applicationContextName
        titles = Self.padded(calledAETitle) + Self.padded(callingAETitle)
    }

    private static func padded(_ title: AETitle) -> [UInt8] {
        let bytes = Array(title.string.utf8)
        return bytes + [UInt8](repeating: 0x20, count: 16 - bytes.count)
    }

    /// `pdu` is the whole PDU with its head of six bytes.
    init(parsing pdu: [UInt8]) throws(AssociatePDU.Malformation) {
        typealias Malformation = AssociatePDU.Malformation
        guard pdu.count >= 74 else {
            throw Malformation(reason: "the request has \(pdu.count) bytes, fewer than its fixed part")
        }
        isVersionSupported = pdu[7] & 1 == 1
        calledAETitle = AETitle(bytes: pdu[10..<26])
        callingAETitle = AETitle(bytes: pdu[26..<42])
        calledText = Self.printable(pdu[10..<26])
        titles = Array(pdu[10..<42])
        callingText = Self.printable(pdu[26..<42])
        let items = try AssociatePDU.items(of: pdu[74...], in: "the request")
        applicationContextName = try AssociatePDU.uid(AssociatePDU.only(0x10, of: items, "application context"))
        contexts = []
        var ids: Set<UInt8> = []
        for item in items where item.type == 0x20 {
            guard contexts.count < AssociatePDU.maximumContexts else {
                throw Malformation(reason: "more than \(AssociatePDU.maximumContexts) presentation contexts")
            }
            let context = try Self.context(item)
            guard ids.insert(context.id).inserted else {
                throw Malformation(reason: "presentation context \(context.id) repeated")
            }
            contexts.append(context)
        }
        guard !contexts.isEmpty else { throw Malformation(reason: "no presentation context") }
        // DUL would read it as one more proposal.
        guard !items.contains(where: { $0.type == 0x21 }) else {
            throw Malformation(reason: "an answer among the proposals")
        }
        (maximumPDULength, roles) = try Self.userInformation(AssociatePDU.only(0x50, of: items, "user information"))
    }

    private static func context(_ item: AssociatePDU.Item) throws(AssociatePDU.Malformation)
        -> ProposedPresentationContext
    {
        guard item.body.count >= 4 else { throw AssociatePDU.Malformation(reason: "a presentation context is cut off") }
        let id = item.body[item.body.startIndex]
        guard id & 1 == 1 else { throw AssociatePDU.Malformation(reason: "presentation context \(id) is even") }
        let items = try AssociatePDU.items(of: item.body.dropFirst(4), in: "a presentation context")
        var transferSyntaxes: [UID?] = []
        for item in items where item.type == 0x40 { transferSyntaxes.append(try AssociatePDU.uid(item)) }
        guard !transferSyntaxes.isEmpty else {
            throw AssociatePDU.Malformation(reason: "presentation context \(id) proposes no transfer syntax")
        }
        return ProposedPresentationContext(
            id: id, abstractSyntax: try AssociatePDU.uid(AssociatePDU.only(0x30, of: items, "abstract syntax")),
            transferSyntaxes: transferSyntaxes)
    }

    private static func userInformation(
        _ item: AssociatePDU.Item
    ) throws(AssociatePDU.Malformation) -> (maximumPDULength: UInt32, roles: [UID: RoleSelection]) {
        typealias Malformation = AssociatePDU.Malformation
        let items = try AssociatePDU.items(of: item.body, in: "the user information")
        let maximum = try AssociatePDU.only(0x51, of: items, "maximum length")
        guard maximum.body.count == 4 else {
            throw Malformation(reason: "the maximum length has \(maximum.body.count) bytes")
        }
        var identities = 0
        var roles: [UID: RoleSelection] = [:]
        for item in items {
            let body = item.body
            switch item.type {
            case 0x52, 0x55:
                guard body.count <= 64 else {
                    throw Malformation(reason: "an implementation name has \(body.count) bytes")
                }
            case 0x54:
                if let (uid, role) = try AssociatePDU.roleSelection(item) { roles[uid] = role }
            case 0x56:
                // PS3.7 D.3.3.5: UID length (2), UID, application information.
                guard body.count >= 2, number(body.prefix(2)) <= body.count - 2 else {
                    throw Malformation(reason: "an extended negotiation's lengths do not fit")
                }
            case 0x58, 0x59:
                identities += 1
                guard identities == 1, item.type == 0x58 else {
                    throw Malformation(reason: "more than one user identity, or the answer to one")
                }
                try checkUserIdentity(body)
            default: break
            }
        }
        let length = maximum.body.reduce(0) { $0 << 8 | UInt32($1) }
        // Heads take 12 bytes; what is left must carry something.
        guard length == 0 || length >= 32 else {
            throw Malformation(reason: "a maximum length of \(length) bytes carries nothing")
        }
        return (length, roles)
    }

    /// PS3.7 D.3.3.7.1: type (1), response wanted (1), two fields of length (2) and value.
    private static func checkUserIdentity(_ body: ArraySlice<UInt8>) throws(AssociatePDU.Malformation) {
        let malformation = AssociatePDU.Malformation(reason: "a user identity's lengths do not fit")
        guard body.count >= 6 else { throw malformation }
        let primary = number(body.dropFirst(2).prefix(2))
        guard primary <= body.count - 6 else { throw malformation }
        let secondary = number(body.dropFirst(4 + primary).prefix(2))
        guard 6 + primary + secondary == body.count else { throw malformation }
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int { bytes.reduce(0) { $0 << 8 | Int($1) } }

    private static func printable(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes.map { (0x21...0x7E).contains($0) ? $0 : 0x20 }, as: UTF8.self)
        return text.split(separator: " ").joined(separator: " ")
    }

    /// What DUL is shown of a request, which we answer: the titles, the maximum length and one context.
    var reduced: AssociateRequest {
        var copy = self
        copy.roles = [:]
        copy.contexts = [
            ProposedPresentationContext(
                id: 1, abstractSyntax: Self.verification, transferSyntaxes: [TransferSyntax.implicitVRLittleEndian.uid])
        ]
        return copy
    }

    /// Verification SOP Class (PS3.4 A.4).
    static let verification = UID(literal: "1.2.840.10008.1.1")

    /// The whole PDU. Proposals that are no UIDs are left out.
    func encoded() -> [UInt8] {
        var body: [UInt8] = [0, 1, 0, 0] + titles + [UInt8](repeating: 0, count: 32)
        body += AssociatePDU.item(0x10, AssociatePDU.applicationContextName)
        for context in contexts {
            var inner: [UInt8] = [context.id, 0, 0, 0]
            if let abstractSyntax = context.abstractSyntax { inner += AssociatePDU.item(0x30, abstractSyntax) }
            for case let transferSyntax? in context.transferSyntaxes {
                inner += AssociatePDU.item(0x40, transferSyntax)
            }
            body += AssociatePDU.item(0x20, inner)
        }
        body += AssociatePDU.item(
            0x50,
            AssociatePDU.item(0x51, AssociatePDU.bigEndian(maximumPDULength))
                + AssociatePDU.item(0x52, Implementation.classUID)
                + AssociatePDU.roleSelections(roles)
                + AssociatePDU.item(0x55, Array(Implementation.versionName.utf8)))
        return AssociatePDU.pdu(AssociatePDU.requestType, body)
    }
}

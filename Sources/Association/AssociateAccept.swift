// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// An A-ASSOCIATE-AC PDU (PS3.8 9.3.3), ours or a peer's.
struct AssociateAccept: Equatable {
    var answers: [PresentationContextAnswer]
    /// What the acceptor receives; 0 is unlimited.
    var maximumPDULength: UInt32
    /// Those that were answered; peers leave the item out where they should not.
    var roles: [UID: RoleSelection] = [:]

    init(answers: [PresentationContextAnswer], roles: [UID: RoleSelection], maximumPDULength: UInt32) {
        self.answers = answers
        self.roles = roles
        self.maximumPDULength = maximumPDULength
    }

    /// `pdu` is the whole PDU with its head of six bytes.
    init(parsing pdu: [UInt8]) throws(AssociatePDU.Malformation) {
        typealias Malformation = AssociatePDU.Malformation
        guard pdu.count >= 74 else {
            throw Malformation(reason: "the answer has \(pdu.count) bytes, fewer than its fixed part")
        }
        let items = try AssociatePDU.items(of: pdu[74...], in: "the answer")
        answers = []
        for item in items where item.type == 0x21 {
            guard answers.count < AssociatePDU.maximumContexts, item.body.count >= 4 else {
                throw Malformation(reason: "a presentation context's answer is cut off")
            }
            let start = item.body.startIndex
            let result = PresentationContextAnswer.Result(rawValue: item.body[start + 2]) ?? .noReason
            var answer = PresentationContextAnswer(id: item.body[start], result: result, transferSyntax: nil)
            // Not significant in a refusal, and then often broken.
            if result == .acceptance {
                let inner = try AssociatePDU.items(of: item.body.dropFirst(4), in: "a presentation context's answer")
                answer.transferSyntax = try AssociatePDU.uid(AssociatePDU.only(0x40, of: inner, "transfer syntax"))
            }
            answers.append(answer)
        }
        let user = try AssociatePDU.only(0x50, of: items, "user information")
        let userItems = try AssociatePDU.items(of: user.body, in: "the user information")
        for item in userItems where item.type == 0x54 {
            if let (uid, role) = try AssociatePDU.roleSelection(item) { roles[uid] = role }
        }
        let maximum = try AssociatePDU.only(0x51, of: userItems, "maximum length")
        guard maximum.body.count == 4 else {
            throw Malformation(reason: "the maximum length has \(maximum.body.count) bytes")
        }
        maximumPDULength = maximum.body.reduce(0) { $0 << 8 | UInt32($1) }
        guard maximumPDULength == 0 || maximumPDULength >= 32 else {
            throw Malformation(reason: "a maximum length of \(maximumPDULength) bytes carries nothing")
        }
    }

    /// The whole PDU, to the request whose titles it repeats.
    func encoded(to request: AssociateRequest) -> [UInt8] {
        var body: [UInt8] = [0, 1, 0, 0] + request.titles + [UInt8](repeating: 0, count: 32)
        body += AssociatePDU.item(0x10, AssociatePDU.applicationContextName)
        for answer in answers {
            // What a refused context names has no meaning, but must be there (9.3.3.2).
            let transferSyntax = answer.transferSyntax ?? TransferSyntax.implicitVRLittleEndian.uid
            body += AssociatePDU.item(
                0x21, [answer.id, 0, answer.result.rawValue, 0] + AssociatePDU.item(0x40, transferSyntax))
        }
        body += AssociatePDU.item(
            0x50,
            AssociatePDU.item(0x51, AssociatePDU.bigEndian(maximumPDULength))
                + AssociatePDU.item(0x52, Implementation.classUID) + AssociatePDU.roleSelections(roles)
                + AssociatePDU.item(0x55, Array(Implementation.versionName.utf8)))
        return AssociatePDU.pdu(AssociatePDU.acceptType, body)
    }
}

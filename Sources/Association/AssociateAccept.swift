// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What a peer's A-ASSOCIATE-AC PDU says (PS3.8 9.3.3).
struct AssociateAccept: Equatable {
    var answers: [PresentationContextAnswer]
    /// What the acceptor receives; 0 is unlimited.
    var maximumPDULength: UInt32

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
        let maximum = try AssociatePDU.only(
            0x51, of: AssociatePDU.items(of: user.body, in: "the user information"), "maximum length")
        guard maximum.body.count == 4 else {
            throw Malformation(reason: "the maximum length has \(maximum.body.count) bytes")
        }
        maximumPDULength = maximum.body.reduce(0) { $0 << 8 | UInt32($1) }
        guard maximumPDULength == 0 || maximumPDULength >= 32 else {
            throw Malformation(reason: "a maximum length of \(maximumPDULength) bytes carries nothing")
        }
    }
}

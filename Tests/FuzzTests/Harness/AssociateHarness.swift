// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

@testable import Association

/// Byte 0 chooses; the rest is a whole PDU, or an identifier.
enum AssociateHarness {
    static func violation(of input: [UInt8]) -> String? {
        guard input.count > 7 else { return nil }
        let bytes = Array(input[1...])
        return switch input[0] % 4 {
        case 0: request(bytes)
        case 1: accept(bytes)
        case 2: identifier(bytes, isExplicitVR: true)
        default: identifier(bytes, isExplicitVR: false)
        }
    }

    private static func request(_ pdu: [UInt8]) -> String? {
        guard let request = try? AssociateRequest(parsing: pdu) else { return nil }
        guard (1...128).contains(request.contexts.count),
            Set(request.contexts.map(\.id)).count == request.contexts.count
        else { return "\(request.contexts.count) contexts, or an identifier twice" }
        for text in [request.callingText, request.calledText] {
            guard text.utf8.count <= 16, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
                return "a title that is not plain"
            }
        }
        let policy = AcceptancePolicy(calledAETitle: nil, callingAETitles: nil)
        let answers = request.contexts.map { policy.answer(to: $0) }
        guard answers.map(\.id) == request.contexts.map(\.id) else { return "answers to other contexts" }
        // What DUL is shown is ours: whatever came, it is short and is read back as what it says.
        let reduced = request.reduced.encoded()
        guard reduced.count < 400, let again = try? AssociateRequest(parsing: reduced), again.contexts.count == 1,
            again.maximumPDULength == request.maximumPDULength, again.callingAETitle == request.callingAETitle
        else { return "the reduced request is not read back" }
        return nil
    }

    private static func accept(_ pdu: [UInt8]) -> String? {
        guard let accept = try? AssociateAccept(parsing: pdu) else { return nil }
        return accept.answers.count <= 128 ? nil : "\(accept.answers.count) answers"
    }

    private static func identifier(_ bytes: [UInt8], isExplicitVR: Bool) -> String? {
        for tag in [Identifier.sopInstanceUID, Identifier.studyInstanceUID] {
            if let uid = Identifier.uid(tag, in: bytes, isExplicitVR: isExplicitVR),
                !CommandHarness.isSafe(uid.string)
            {
                return "a UID that is none: \(uid)"
            }
        }
        return nil
    }
}

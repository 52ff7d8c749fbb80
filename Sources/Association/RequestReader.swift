// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Reads a whole A-ASSOCIATE-RQ against one deadline, however the peer drips its bytes.
enum RequestReader {
    struct Failure: Error {
        var kind: AssociationRefusal.Kind
        var reason: String
        /// The PDU to send before closing; nil where nobody listens or nobody would understand.
        var answer: [UInt8]?
        var rejection: Rejection?
    }

    static func read(from socket: borrowing Socket, until deadline: ContinuousClock.Instant) throws(Failure)
        -> AssociateRequest
    {
        var pdu: [UInt8] = []
        try fill(&pdu, to: 6, from: socket, until: deadline)
        // PS3.8 9.2.3, state 2: anything else is answered with an abort.
        guard pdu[0] == AssociatePDU.requestType else { throw stranger(pdu) }
        let length = pdu[2..<6].reduce(0) { $0 << 8 | Int($1) }
        guard length <= AssociatePDU.maximumLength else {
            throw Failure(
                kind: .malformed,
                reason: "an association request of \(length) bytes, more than \(AssociatePDU.maximumLength)",
                answer: AssociatePDU.abort(source: 2, reason: 6))
        }
        try fill(&pdu, to: 6 + length, from: socket, until: deadline)
        do throws(AssociatePDU.Malformation) {
            return try AssociateRequest(parsing: pdu)
        } catch {
            throw Failure(
                kind: .malformed, reason: "malformed association request: \(error.reason)",
                answer: AssociatePDU.rejection(.malformedRequest), rejection: .malformedRequest)
        }
    }

    private static func fill(
        _ bytes: inout [UInt8], to count: Int, from socket: borrowing Socket, until deadline: ContinuousClock.Instant
    ) throws(Failure) {
        do throws(Socket.Failure) {
            while bytes.count < count { try socket.read(into: &bytes, limit: count - bytes.count, until: deadline) }
        } catch {
            switch error {
            case .timedOut:
                // ARTIM expired (PS3.8 9.1.5): the connection is closed without a word.
                throw Failure(
                    kind: .tooSlow,
                    reason: "no whole association request in time" + (bytes.isEmpty ? ": the peer sent nothing" : ""))
            case .closed where bytes.isEmpty:
                throw Failure(kind: .noRequest, reason: "the peer connected and closed without a request")
            case .closed, .tooLong, .system, .tls, .plain:
                throw Failure(
                    kind: .lost, reason: "the connection ended within the association request: \(error.words)")
            }
        }
    }

    /// Who sends these first bytes, if not a DICOM peer that wants an association.
    private static func stranger(_ bytes: [UInt8]) -> Failure {
        let verbs = ["GET ", "HEAD ", "POST ", "PUT ", "PATCH ", "DELETE", "OPTION", "CONNEC", "TRACE ", "PRI * "]
        let isKnown = (0x01...0x07).contains(bytes[0])
        let kind: AssociationRefusal.Kind
        let reason: String
        switch bytes[0] {
        case 0x01...0x07: (kind, reason) = (.malformed, "PDU type \(bytes[0]) where an association request was due")
        // RFC 8446 5.1: a handshake record, of whatever version 3.x.
        case 0x16 where bytes[1] == 0x03: (kind, reason) = (.tls, "TLS client on the plain port")
        case _ where verbs.contains(where: { bytes.starts(with: $0.utf8) }):
            (kind, reason) = (.http, "HTTP request on the DICOM port")
        default: (kind, reason) = (.notDICOM, "the first bytes are no DICOM PDU")
        }
        return Failure(
            kind: kind, reason: reason, answer: AssociatePDU.abort(source: 2, reason: isKnown ? 2 : 1))
    }
}

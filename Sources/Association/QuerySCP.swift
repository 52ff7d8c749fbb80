// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The matches of one query, a few at a time. Used by the association's thread only, which may take its time between two calls:
/// nothing that others wait for may be held.
package protocol QueryAnswers: AnyObject {
    /// Identifiers of the next matches, perhaps none; nil when there are no more.
    func next() throws(QueryRefusal) -> [[DataElement]]?
}

/// What the Query SCP needs from the node. Called on the thread of the association, and may block.
package struct QueryNeeds: Sendable {
    package var find: @Sendable (Query, AssociationInfo) throws(QueryRefusal) -> any QueryAnswers

    package init(find: @escaping @Sendable (Query, AssociationInfo) throws(QueryRefusal) -> any QueryAnswers) {
        self.find = find
    }
}

/// C-FIND of the Patient Root and Study Root models (PS3.4 C.4.1): one response a match.
struct QuerySCP: ServiceProvider {
    let needs: QueryNeeds
    let info: AssociationInfo

    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .cFindRequest else { return try stream.refuseOperation(command, on: context) }
        let messageID = try stream.value { () throws(CommandSet.Malformation) in try command.messageID() }
        let identifier = try stream.readIdentifier(of: command, on: context)
        let answers: any QueryAnswers
        let pending: Status
        do throws(QueryRefusal) {
            let query = try Query(
                identifier: try identifier.get(), model: try .init(abstractSyntax: context.abstractSyntax))
            pending = query.hasUnsupportedKeys ? .pendingWithWarning : .pending
            answers = try needs.find(query, info)
        } catch {
            return try stream.respond(to: command, on: context, error.status, comment: error.comment)
        }
        while true {
            if try stream.isCanceled(messageID) { return try stream.respond(to: command, on: context, .canceled) }
            let matches: [[DataElement]]?
            do throws(QueryRefusal) { matches = try answers.next() } catch {
                return try stream.respond(to: command, on: context, error.status, comment: error.comment)
            }
            guard let matches else { return try stream.respond(to: command, on: context, .success) }
            for match in matches {
                if try stream.isCanceled(messageID) { return try stream.respond(to: command, on: context, .canceled) }
                try stream.respond(to: command, on: context, pending, identifier: match)
            }
        }
    }
}

extension Query.Model {
    /// PS3.4 C.6.1.3 and C.6.2.3.
    init(abstractSyntax: UID) throws(QueryRefusal) {
        if abstractSyntax.string.hasPrefix("1.2.840.10008.5.1.4.1.2.1.") {
            self = .patientRoot
        } else if abstractSyntax.string.hasPrefix("1.2.840.10008.5.1.4.1.2.2.") {
            self = .studyRoot
        } else {
            throw QueryRefusal(.sopClassNotSupported, "neither Patient Root nor Study Root")
        }
    }
}

extension MessageStream {
    /// The identifier of a request. What is no data set is told to the peer by a status; the association goes on.
    func readIdentifier(
        of command: CommandSet, on context: PresentationContext
    ) throws(Ending) -> Result<[DataElement], QueryRefusal> {
        guard try value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) else {
            return .failure(QueryRefusal(.dataSetDoesNotMatchSOPClass, "the request has no identifier"))
        }
        let bytes = try readIdentifier(on: context)
        do throws(ScanError) {
            return .success(try [DataElement](decoding: bytes, transferSyntaxUID: context.transferSyntax))
        } catch {
            return .failure(QueryRefusal(.cannotUnderstand, "\(error)"))
        }
    }

    func respond(
        to command: CommandSet, on context: PresentationContext, _ status: Status, identifier: [DataElement]
    ) throws(Ending) {
        let response = try value { () throws(CommandSet.Malformation) in
            try CommandSet.response(to: command, status: status, hasDataSet: true)
        }
        try write(response, on: context)
        // Negotiated: see AcceptancePolicy.
        let syntax = TransferSyntax(uid: context.transferSyntax) ?? .implicitVRLittleEndian
        try write(identifier: identifier.encoded(as: syntax), on: context)
    }
}

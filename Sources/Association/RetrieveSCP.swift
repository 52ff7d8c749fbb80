// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What the Retrieve SCP needs from the node. Called on the thread of the association, and may block.
package struct RetrieveNeeds: Sendable {
    /// The instances that are asked for, with absolute paths.
    package var instances: @Sendable (Query, AssociationInfo) throws(QueryRefusal) -> [StoredInstance]
    /// How to reach a C-MOVE's destination; nil where it is unknown.
    package var destination: @Sendable (AETitle) -> Requestor?
    /// The last response has been written.
    package var ended: @Sendable (RetrievalReport, AssociationInfo) -> Void

    package init(
        instances: @escaping @Sendable (Query, AssociationInfo) throws(QueryRefusal) -> [StoredInstance],
        destination: @escaping @Sendable (AETitle) -> Requestor?,
        ended: @escaping @Sendable (RetrievalReport, AssociationInfo) -> Void = { _, _ in }
    ) {
        self.instances = instances
        self.destination = destination
        self.ended = ended
    }
}

/// What left the node, for the log.
package struct RetrievalReport: Sendable, Equatable {
    /// Nil for a C-GET.
    package var destination: AETitle?
    package var status: Status
    package var completed: Int
    package var failed: Int
    package var warning: Int
    /// Why sub-operations failed, the last of the reasons.
    package var comment: String?
}

/// C-MOVE and C-GET of the Patient Root and Study Root models (PS3.4 C.4.2 and C.4.3). Instances go out as they are stored, in
/// the transfer syntax that they are stored in; where that was not negotiated, the sub-operation fails.
struct RetrieveSCP: ServiceProvider {
    let needs: RetrieveNeeds
    let info: AssociationInfo
    /// Of the association, for C-GET.
    let contexts: [PresentationContext]

    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        // …1.2 and …2.2 are MOVE, …1.3 and …2.3 GET.
        let isGet = context.abstractSyntax.string.hasSuffix(".3")
        guard field == (isGet ? .cGetRequest : .cMoveRequest) else {
            return try stream.refuseOperation(command, on: context)
        }
        let messageID = try stream.value { () throws(CommandSet.Malformation) in try command.messageID() }
        let identifier = try stream.readIdentifier(of: command, on: context)
        let instances: [StoredInstance]
        var destination: Requestor?
        do throws(QueryRefusal) {
            let query = try Query(
                retrieving: try identifier.get(), model: try .init(abstractSyntax: context.abstractSyntax))
            if !isGet {
                destination = AETitle(bytes: command.bytes(0x0600) ?? []).flatMap(needs.destination)
                guard destination != nil else {
                    throw QueryRefusal(.moveDestinationUnknown, "the Move Destination is not a peer of this node")
                }
            }
            instances = try needs.instances(query, info)
        } catch {
            return try stream.respond(to: command, on: context, error.status, comment: error.comment)
        }
        var retrieval = Retrieval(
            stream: stream, command: command, context: context, messageID: messageID, instances: instances)
        if let destination {
            try retrieval.move(to: destination, for: MoveOriginator(aeTitle: info.callingAETitle, messageID: messageID))
        } else {
            try retrieval.get(contexts)
        }
        needs.ended(try retrieval.finish(to: destination?.calledAETitle), info)
    }
}

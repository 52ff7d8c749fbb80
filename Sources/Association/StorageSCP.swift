// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Storage Service Class (PS3.4 B): hands each data set on as it arrives, and answers what the node says.
struct StorageSCP: ServiceProvider {
    let needs: StorageNeeds
    let policy: AcceptancePolicy
    let info: AssociationInfo
    let refused: @Sendable (AssociationRefusal) -> Void

    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .cStoreRequest else { return try stream.refuseOperation(command, on: context) }
        // What cannot be answered ends the association before its data set is read.
        let messageID = try stream.value { () throws(CommandSet.Malformation) in try command.messageID() }
        guard try stream.value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) else {
            return try stream.respond(
                to: command, on: context, .cannotUnderstand, comment: "C-STORE without a data set")
        }
        let opened = Result { () throws(StoreRefusal) in
            try needs.open(try request(command, messageID: messageID, on: context), info)
        }
        let answer: StoreAnswer
        switch opened {
        case .success(let sink):
            answer = try receive(into: sink, on: context, over: stream)
        case .failure(let refusal):
            try stream.dropDataSet(on: context)
            answer = StoreAnswer(refusal.status, comment: refusal.comment)
        }
        if answer.status.category == .failure {
            let words = answer.comment.map { ": \($0)" } ?? ""
            refused(info.refusal(.store, reason: "C-STORE refused with \(answer.status)\(words)"))
        }
        try stream.respond(to: command, on: context, answer.status, comment: answer.comment)
        needs.answered()
    }

    /// The statuses of PS3.7 9.1.1.1.9.
    private func request(
        _ command: CommandSet, messageID: UInt16, on context: PresentationContext
    ) throws(StoreRefusal) -> StoreRequest {
        // A context that was accepted for what C-GET brings (PS3.4 C.5.3) is no leave to store.
        guard info.caller.services.contains(.storage) else {
            throw StoreRefusal(status: .notAuthorized, comment: "this peer may not store here")
        }
        guard let sopClass = UID(bytes: command.bytes(0x0002) ?? []), policy.isStorage(sopClass),
            policy.isStorage(context.abstractSyntax)
        else { throw StoreRefusal(status: .sopClassNotSupported, comment: "not a storage SOP class of this node") }
        // PS3.4 B.2.2 wants the class of the context. Requestors that map variants of a class to one context exist, the data
        // set says what it is, and refusing would lose it; so both are handed on.
        guard let instance = UID(bytes: command.bytes(0x1000) ?? []) else {
            throw StoreRefusal(status: .invalidSOPInstance, comment: "Affected SOP Instance UID is not a UID")
        }
        return StoreRequest(
            messageID: messageID, affectedSOPClassUID: sopClass, affectedSOPInstanceUID: instance,
            abstractSyntaxUID: context.abstractSyntax, transferSyntaxUID: context.transferSyntax)
    }

    private func receive(
        into sink: any InstanceSink, on context: PresentationContext, over stream: MessageStream
    ) throws(Ending) -> StoreAnswer {
        var refusal: StoreRefusal?
        var dropped = 0
        do throws(Ending) {
            try stream.readDataSet(on: context) { bytes throws(Ending) in
                guard refusal == nil else {
                    dropped += bytes.count
                    guard dropped <= Limits.droppedBytes else { throw .violated("a refused data set without end") }
                    return
                }
                do throws(StoreRefusal) {
                    try sink.append(bytes)
                } catch {
                    refusal = error
                    sink.abandon()
                }
            }
        } catch {
            if refusal == nil { sink.abandon() }
            throw error
        }
        if let refusal { return StoreAnswer(refusal.status, comment: refusal.comment) }
        return sink.finish()
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// One C-MOVE or C-GET under way.
struct Retrieval {
    let stream: MessageStream
    let command: CommandSet
    let context: PresentationContext
    let messageID: UInt16
    let instances: [StoredInstance]
    private var progress: SubOperations
    private var isCanceled = false
    /// Why the last sub-operations failed, for the final response.
    private var comment: String?

    init(
        stream: MessageStream, command: CommandSet, context: PresentationContext, messageID: UInt16,
        instances: [StoredInstance]
    ) {
        self.stream = stream
        self.command = command
        self.context = context
        self.messageID = messageID
        self.instances = instances
        progress = SubOperations(count: instances.count)
    }

    // MARK: C-MOVE

    /// Over associations of our own, one after the other. Each has its deadlines, and a destination that twice in a row does
    /// not answer is not asked again.
    mutating func move(to destination: Requestor, for originator: MoveOriginator) throws(Ending) {
        var rest = instances[...]
        while !rest.isEmpty, !isCanceled {
            // An association has room for 128 contexts; each pair of class and syntax has its own.
            var proposals: [Requestor.Proposal] = []
            var count = 0
            for instance in rest {
                if !proposals.contains(instance.proposal) {
                    guard proposals.count < AssociatePDU.maximumContexts else { break }
                    proposals.append(instance.proposal)
                }
                count += 1
            }
            try move(rest.prefix(count), proposals, to: destination, for: originator)
            rest = rest.dropFirst(count)
        }
    }

    private mutating func move(
        _ batch: ArraySlice<StoredInstance>, _ proposals: [Requestor.Proposal], to destination: Requestor,
        for originator: MoveOriginator
    ) throws(Ending) {
        var association: RequestedAssociation?
        defer { association?.release() }
        var losses = 0
        for instance in batch {
            if try stream.isCanceled(messageID) {
                isCanceled = true
                return
            }
            if association == nil, losses < 2 {
                do throws(RequestFailure) { association = try destination.associate(for: proposals) } catch {
                    losses = 2
                    comment = "destination: \(error)"
                }
            }
            guard let open = association else {
                try ended(instance, with: .processingFailure)
                continue
            }
            switch open.store(instance, for: originator) {
            case .answered(let answer):
                losses = 0
                try ended(instance, with: answer.status)
            case .failed(.contextNotAccepted(let sopClass, let syntax)):
                comment = "destination takes no \(sopClass) in \(syntax?.string ?? "any syntax")"
                try ended(instance, with: .sopClassNotSupported)
            case .failed(.local):
                comment = "a stored file cannot be read"
                try ended(instance, with: .processingFailure)
            case .failed(.associationEnded(let reason)), .failed(.notConnected(let reason)), .unanswered(let reason):
                comment = "destination: \(reason)"
                association = nil
                losses += 1
                try ended(instance, with: .processingFailure)
            case .failed(.rejected): preconditionFailure("an established association is not rejected")
            }
        }
    }

    // MARK: C-GET

    /// Over the association of the request, where its requestor takes the part of the SCP (PS3.4 C.5.3).
    mutating func get(_ contexts: [PresentationContext]) throws(Ending) {
        let storage = contexts.filter(\.role.isSCP)
        var subMessageID: UInt16 = 0
        for instance in instances {
            if !isCanceled { isCanceled = try stream.isCanceled(messageID) }
            if isCanceled { return }
            guard
                let context = storage.first(where: {
                    $0.abstractSyntax == instance.sopClassUID && $0.transferSyntax == instance.transferSyntaxUID
                })
            else {
                comment = "no context for \(instance.sopClassUID) as stored, with the SCP role"
                try ended(instance, with: .sopClassNotSupported)
                continue
            }
            subMessageID &+= 1
            try ended(instance, with: try send(instance, subMessageID, on: context))
        }
    }

    private mutating func send(
        _ instance: StoredInstance, _ subMessageID: UInt16, on context: PresentationContext
    ) throws(Ending) -> Status {
        let file: Part10Body
        do throws(Part10Body.Failure) {
            file = try Part10Body.open(path: instance.path, transferSyntaxUID: instance.transferSyntaxUID)
        } catch {
            comment = "a stored file cannot be read"
            return .processingFailure
        }
        try stream.write(.storeRequest(instance, messageID: subMessageID), on: context)
        let limit = stream.fragmentLimit
        let isWhole = try file.forEachFragment(limit: limit) { fragment, isLast throws(Ending) in
            try stream.writeFragment(fragment, on: context, isCommand: false, isLast: isLast)
        }
        // Half a data set cannot be taken back.
        guard isWhole else { throw .violated("a stored file cannot be read to its end") }
        while true {
            let (answered, response) = try stream.readCommand(idle: stream.timeouts.response)
            let field = try stream.value { () throws(CommandSet.Malformation) in try response.field() }
            guard field == CommandField.cStoreRequest.response else {
                if try stream.takeCancel(response, on: answered, of: messageID) { isCanceled = true }
                continue
            }
            return try stream.value { () throws(CommandSet.Malformation) -> Status in
                guard answered == context else { throw .badValue(element: 0x0100) }
                guard try response.messageIDBeingRespondedTo() == subMessageID else {
                    throw .badValue(element: 0x0120)
                }
                return try response.status()
            }
        }
    }

    // MARK: responses

    /// A pending response for each sub-operation, so that the peer sees that it goes on.
    private mutating func ended(_ instance: StoredInstance, with status: Status) throws(Ending) {
        progress.ended(instance.sopInstanceUID, with: status)
        guard progress.remaining > 0, !isCanceled else { return }
        try stream.write(try response(.pending, hasDataSet: false), on: context)
    }

    func finish(to destination: AETitle?) throws(Ending) -> RetrievalReport {
        let status = progress.finalStatus(isCanceled: isCanceled && progress.remaining > 0)
        let hasDataSet = status != .success
        try stream.write(try response(status, hasDataSet: hasDataSet), on: context)
        if hasDataSet {
            let syntax = TransferSyntax(uid: context.transferSyntax) ?? .implicitVRLittleEndian
            try stream.write(identifier: progress.identifier.encoded(as: syntax), on: context)
        }
        return RetrievalReport(
            destination: destination, status: status, completed: progress.completed, failed: progress.failed,
            warning: progress.warning, comment: comment)
    }

    private func response(_ status: Status, hasDataSet: Bool) throws(Ending) -> CommandSet {
        var response = try stream.value { () throws(CommandSet.Malformation) in
            try CommandSet.response(
                to: command, status: status, errorComment: status.category == .pending ? nil : comment,
                hasDataSet: hasDataSet)
        }
        progress.set(in: &response, status: status)
        return response
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Requestor.Proposal {
    /// To ask for commitment: the SCU's role, which whoever opens an association has.
    package static let storageCommitment = Requestor.Proposal(
        abstractSyntax: StorageCommitment.sopClassUID,
        transferSyntaxes: [TransferSyntax.explicitVRLittleEndian.uid, TransferSyntax.implicitVRLittleEndian.uid])
}

extension RequestedAssociation {
    /// N-ACTION (PS3.4 J.3.2). The report comes later: to `takeReport`, or on an association of the peer's own.
    package func requestCommitment(_ request: CommitmentRequest) -> RequestOutcome<StatusAnswer> {
        perform(StorageCommitment.sopClassUID) { context, messageID throws(Interruption) in
            var command = CommandSet()
            command.set(0x0003, StorageCommitment.sopClassUID)
            command.set(0x0100, CommandField.nActionRequest.rawValue)
            command.set(0x0110, messageID)
            command.set(0x0800, UInt16(0x0001))
            command.set(0x1001, StorageCommitment.sopInstanceUID)
            command.set(0x1008, StorageCommitment.requestAction)
            let bytes = request.encoded(
                isExplicitVR: context.transferSyntax == TransferSyntax.explicitVRLittleEndian.uid)
            try self.prepare { () throws(Ending) in try self.stream.write(command, on: context) }
            try self.send { () throws(Ending) in try self.stream.write(dataSet: bytes, on: context) }
            let (answer, hasDataSet) = try self.response(to: messageID, of: .nActionRequest, on: context)
            if hasDataSet { try self.send { () throws(Ending) in try self.stream.dropDataSet(on: context) } }
            return answer
        }
    }

    /// Gives the peer so long to bring a report here; false where it brought none, or the association is over.
    package func awaitReport(within patience: Duration) -> Bool {
        guard isOpen else { return false }
        do throws(Ending) {
            guard try stream.hasMessage(within: patience) else { return false }
            let (context, command) = try stream.readCommand(idle: stream.timeouts.message)
            guard try answersReport(command, on: context) else { throw .violated("a message that nobody asked for") }
            return true
        } catch {
            end(because: error.words, error)
            return false
        }
    }

    /// False where the command is no report, and nothing of a data set has been read then.
    func answersReport(_ command: CommandSet, on context: PresentationContext) throws(Ending) -> Bool {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .nEventReportRequest, context.abstractSyntax == StorageCommitment.sopClassUID else {
            return false
        }
        try stream.answerReport(command, on: context) { report in
            takeReport?(report) ?? StatusAnswer(status: .processingFailure, errorComment: "nobody awaits it")
        }
        return true
    }
}

extension MessageStream {
    /// Reads an N-EVENT-REPORT (PS3.7 10.3.1.1, PS3.4 J.3.3), has it taken, and answers it.
    func answerReport(
        _ command: CommandSet, on context: PresentationContext, take: (CommitmentReport) -> StatusAnswer
    ) throws(Ending) {
        let answer: StatusAnswer
        if let event = try? command.unsignedShort(0x1002), ![1, 2].contains(event) {
            try dropDataSet(of: command, on: context)
            answer = StatusAnswer(status: .noSuchEventType, errorComment: "Event Type ID is 1 or 2")
        } else if try value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) {
            if let dataSet = try readArgument(on: context, limit: Limits.actionInformation) {
                do throws(CommitmentReport.Malformation) {
                    answer = take(
                        try CommitmentReport(decoding: dataSet, transferSyntaxUID: context.transferSyntax))
                } catch {
                    answer = StatusAnswer(status: .invalidArgumentValue, errorComment: error.comment)
                }
            } else {
                answer = StatusAnswer(status: .resourceLimitation, errorComment: "the Event Information is too long")
            }
        } else {
            answer = StatusAnswer(status: .invalidArgumentValue, errorComment: "a report without Event Information")
        }
        try respond(to: command, on: context, answer.status, comment: answer.errorComment)
    }

    /// A data set of ours in fragments.
    func write(dataSet bytes: [UInt8], on context: PresentationContext) throws(Ending) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let part = rest.prefix(fragmentLimit)
            rest = rest.dropFirst(part.count)
            let result = part.withUnsafeBytes { buffer in
                Result { () throws(Ending) in
                    try writeFragment(buffer, on: context, isCommand: false, isLast: rest.isEmpty)
                }
            }
            try result.get()
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Storage Commitment Push Model (PS3.4 J): takes requests, and brings their reports while the association is open and idle. A
/// destination brings its own reports here, in the SCP's role, to us as its SCU.
final class StorageCommitmentSCP: ServiceProvider {
    private struct Sent {
        var transactionUID: UID
        var deadline: ContinuousClock.Instant
        var isGivenUp = false
    }

    /// Nil where the node commits to nothing.
    private let needs: CommitmentNeeds?
    /// Takes the reports of destinations on what we asked them for.
    private let takeReport: (@Sendable (CommitmentReport, AssociationInfo) -> StatusAnswer)?
    private let info: AssociationInfo
    /// Where the last request came, and reports go.
    private var context: PresentationContext?
    private var lastMessageID: UInt16 = 0
    /// Reports without a response, by message ID.
    private var sent: [UInt16: Sent] = [:]

    /// A peer that does not answer a report here may do so on an association of ours.
    private static let patience = Duration.seconds(10)

    init(
        needs: CommitmentNeeds?, takeReport: (@Sendable (CommitmentReport, AssociationInfo) -> StatusAnswer)?,
        info: AssociationInfo
    ) {
        self.needs = needs
        self.takeReport = takeReport
        self.info = info
    }

    // MARK: N-ACTION

    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        if field == .nEventReportRequest, info.caller.isDestination, let takeReport {
            return try stream.answerReport(command, on: context) { takeReport($0, info) }
        }
        guard field == .nActionRequest else { return try stream.refuseOperation(command, on: context) }
        _ = try stream.value { () throws(CommandSet.Malformation) in try command.messageID() }
        let answer: StatusAnswer
        if needs == nil || !info.caller.services.contains(.storageCommitment) {
            // A destination has the context for its reports to us.
            try stream.dropDataSet(of: command, on: context)
            answer = StatusAnswer(
                status: .notAuthorized, errorComment: "storage commitment is not allowed to this peer")
        } else if let refusal = Self.refusal(of: command) {
            try stream.dropDataSet(of: command, on: context)
            answer = refusal
        } else if try stream.value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) {
            let dataSet = try stream.readArgument(on: context, limit: Limits.actionInformation)
            answer = dataSet.map { request($0, on: context) } ?? Self.tooLong
        } else {
            answer = StatusAnswer(status: .invalidArgumentValue, errorComment: "N-ACTION without Action Information")
        }
        try stream.respond(to: command, on: context, answer.status, comment: answer.errorComment)
    }

    private static let tooLong = StatusAnswer(
        status: .resourceLimitation,
        errorComment: "Action Information of more than \(Limits.actionInformation) bytes")

    /// The statuses of PS3.7 10.1.4.1.10; Requested SOP Class UID (0000,0003) and Instance UID (0000,1001), Action Type ID (0000,1008).
    private static func refusal(of command: CommandSet) -> StatusAnswer? {
        guard UID(bytes: command.bytes(0x0003) ?? []) == StorageCommitment.sopClassUID else {
            return StatusAnswer(status: .sopClassNotSupported, errorComment: "not Storage Commitment Push Model")
        }
        guard UID(bytes: command.bytes(0x1001) ?? []) == StorageCommitment.sopInstanceUID else {
            return StatusAnswer(status: .noSuchSOPInstance, errorComment: "not the well-known instance of the class")
        }
        guard (try? command.unsignedShort(0x1008)) == StorageCommitment.requestAction else {
            return StatusAnswer(status: .noSuchAction, errorComment: "the only Action Type ID is 1")
        }
        return nil
    }

    private func request(_ dataSet: [UInt8], on context: PresentationContext) -> StatusAnswer {
        do throws(CommitmentRequest.Refusal) {
            let request = try CommitmentRequest(decoding: dataSet, transferSyntaxUID: context.transferSyntax)
            guard let answer = needs?.request(request, info) else { preconditionFailure("refused above") }
            if answer.status == .success { self.context = context }
            return answer
        } catch {
            return StatusAnswer(status: error.status, errorComment: error.comment)
        }
    }

    // MARK: N-EVENT-REPORT

    var maySpeak: Bool { context != nil && (!sent.isEmpty || needs?.isAwaited(info) ?? false) }

    func speak(over stream: MessageStream) throws(Ending) {
        let now = ContinuousClock.now
        for (messageID, report) in sent where !report.isGivenUp && report.deadline <= now {
            sent[messageID]?.isGivenUp = true
            needs?.reported(report.transactionUID, info, .unanswered(reason: "no response to the report in time"))
        }
        guard let context, !sent.values.contains(where: { !$0.isGivenUp }), let report = needs?.nextReport(info) else {
            return
        }
        lastMessageID &+= 1
        sent[lastMessageID] = Sent(transactionUID: report.transactionUID, deadline: now + Self.patience)
        try stream.write(report, messageID: lastMessageID, on: context)
    }

    func take(_ response: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending)
        -> Bool
    {
        guard let (messageID, status) = try? (response.messageIDBeingRespondedTo(), response.status()),
            (try? response.field()) == CommandField.nEventReportRequest.response, context == self.context,
            let report = sent.removeValue(forKey: messageID)
        else { return false }
        // Event Reply is nobody's concern (PS3.7 10.3.1.2), but may follow.
        try stream.dropDataSet(of: response, on: context)
        let answer = StatusAnswer(status: status, errorComment: response.errorComment)
        needs?.reported(report.transactionUID, info, .answered(answer))
        return true
    }

    func ended() {
        for report in sent.values where !report.isGivenUp {
            needs?.reported(
                report.transactionUID, info, .unanswered(reason: "the association ended before the response"))
        }
        needs?.ended(info)
    }
}

extension MessageStream {
    /// An N-EVENT-REPORT-RQ with its data set (PS3.7 10.3.1.1).
    func write(_ report: CommitmentReport, messageID: UInt16, on context: PresentationContext) throws(Ending) {
        var command = CommandSet.request(
            .nEventReportRequest, messageID: messageID, affectedSOPClassUID: StorageCommitment.sopClassUID,
            hasDataSet: true)
        command.set(0x1000, StorageCommitment.sopInstanceUID)
        command.set(0x1002, report.eventTypeID)
        try write(command, on: context)
        try write(
            dataSet: report.encoded(
                isExplicitVR: context.transferSyntax == TransferSyntax.explicitVRLittleEndian.uid), on: context)
    }

    /// A data set that is held whole; nil where it is longer than `limit`, and then it is read to its end and dropped.
    func readArgument(on context: PresentationContext, limit: Int) throws(Ending) -> [UInt8]? {
        var argument: [UInt8]? = []
        var count = 0
        try readDataSet(on: context) { bytes throws(Ending) in
            count += bytes.count
            guard count <= Limits.droppedBytes else { throw .violated("a refused data set without end") }
            if count <= limit { argument?.append(contentsOf: bytes) } else { argument = nil }
        }
        return argument
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// One association, message by message: each goes to its service, one file each.
struct ServiceLoop {
    let stream: MessageStream
    let verification: VerificationSCP
    let storage: StorageSCP

    /// Until the association ends, and says how. Never returns otherwise.
    func run() -> Ending {
        do throws(Ending) {
            while true { try answerNextMessage() }
        } catch {
            return error
        }
    }

    private func answerNextMessage() throws(Ending) {
        let (context, command) = try stream.readCommand(idle: stream.timeouts.idle)
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        switch field {
        case .cEchoRequest: try verification.answer(command, on: context, over: stream)
        case .cStoreRequest: try storage.answer(command, on: context, over: stream)
        // What it would cancel has been answered already (PS3.7 9.3.2.3).
        case .cCancelRequest: try dropDataSet(of: command, on: context)
        case _ where field.isResponse: throw .violated("response \(field.rawValue) to no request of ours")
        default:
            try dropDataSet(of: command, on: context)
            try stream.respond(to: command, on: context, .unrecognizedOperation)
        }
    }

    private func dropDataSet(of command: CommandSet, on context: PresentationContext) throws(Ending) {
        if try stream.value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) {
            try stream.dropDataSet(on: context)
        }
    }
}

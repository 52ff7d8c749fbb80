// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// One association, message by message: each goes to the provider of its service, one file each.
struct ServiceLoop {
    let stream: MessageStream
    let policy: AcceptancePolicy
    let providers: [ServiceClass: any ServiceProvider]

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
        // What it would cancel has been answered already (PS3.7 9.3.2.3).
        if field == .cCancelRequest { return try stream.dropDataSet(of: command, on: context) }
        guard !field.isResponse else { throw .violated("response \(field.rawValue) to no request of ours") }
        let service: ServiceClass? =
            switch field {
            // Peers verify on whatever context they have.
            case .cEchoRequest: .verification
            // It has a status of its own for a context of another service.
            case .cStoreRequest: .storage
            default: policy.service(of: context.abstractSyntax)
            }
        guard let provider = service.flatMap({ providers[$0] }) else {
            return try stream.refuseOperation(command, on: context)
        }
        try provider.answer(command, on: context, over: stream)
    }
}

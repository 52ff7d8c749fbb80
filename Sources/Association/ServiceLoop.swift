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
        defer { for provider in providers.values { provider.ended() } }
        do throws(Ending) {
            while true {
                try speakWhileSilent()
                try answerNextMessage()
            }
        } catch {
            return error
        }
    }

    /// Reports of ours go out between the peer's messages, and only after a silence: a peer that releases at once, or sends on,
    /// should not have to deal with a request that crosses its own.
    private static let silence = Duration.milliseconds(200)

    /// Returns where the peer says something, or no provider has anything to say.
    private func speakWhileSilent() throws(Ending) {
        let deadline = ContinuousClock.now + stream.timeouts.idle
        while providers.values.contains(where: \.maySpeak) {
            if try stream.hasMessage(within: Self.silence) { return }
            guard ContinuousClock.now < deadline else { throw .timedOut }
            for provider in providers.values where provider.maySpeak { try provider.speak(over: stream) }
        }
    }

    private func answerNextMessage() throws(Ending) {
        let (context, command) = try stream.readCommand(idle: stream.timeouts.idle)
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        // What it would cancel has been answered already (PS3.7 9.3.2.3).
        if field == .cCancelRequest { return try stream.dropDataSet(of: command, on: context) }
        if field.isResponse {
            for provider in providers.values where try provider.take(command, on: context, over: stream) { return }
            throw .violated("response \(field.rawValue) to no request of ours")
        }
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

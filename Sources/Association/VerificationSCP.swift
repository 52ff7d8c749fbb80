// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Verification Service Class (PS3.4 A): every C-ECHO succeeds.
struct VerificationSCP: ServiceProvider {
    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        let field = try stream.value { () throws(CommandSet.Malformation) in try command.field() }
        guard field == .cEchoRequest else { return try stream.refuseOperation(command, on: context) }
        // A C-ECHO-RQ has no data set; one that says otherwise is taken at its word, so that the next message is found.
        try stream.dropDataSet(of: command, on: context)
        try stream.respond(to: command, on: context, .success)
    }
}

extension MessageStream {
    /// What the command set must say for the message to go on; PS3.7 has no answer to one that does not say it.
    func value<Value>(_ body: () throws(CommandSet.Malformation) -> Value) throws(Ending) -> Value {
        do throws(CommandSet.Malformation) {
            return try body()
        } catch {
            throw .violated("\(error)")
        }
    }

    func dropDataSet(of command: CommandSet, on context: PresentationContext) throws(Ending) {
        if try value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) {
            try dropDataSet(on: context)
        }
    }

    /// PS3.7 C.5.22: an operation that the service of this context does not have.
    func refuseOperation(_ command: CommandSet, on context: PresentationContext) throws(Ending) {
        try dropDataSet(of: command, on: context)
        try respond(to: command, on: context, .unrecognizedOperation)
    }

    func respond(
        to command: CommandSet, on context: PresentationContext, _ status: Status, comment: String? = nil,
        adding: (inout CommandSet) -> Void = { _ in }
    ) throws(Ending) {
        var response = try value { () throws(CommandSet.Malformation) in
            try CommandSet.response(to: command, status: status, errorComment: comment)
        }
        adding(&response)
        try write(response, on: context)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Verification Service Class (PS3.4 A): every C-ECHO succeeds.
struct VerificationSCP {
    func answer(_ command: CommandSet, on context: PresentationContext, over stream: MessageStream) throws(Ending) {
        // A C-ECHO-RQ has no data set; one that says otherwise is taken at its word, so that the next message is found.
        if try stream.value({ () throws(CommandSet.Malformation) in try command.hasDataSet() }) {
            try stream.dropDataSet(on: context)
        }
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

    func respond(
        to command: CommandSet, on context: PresentationContext, _ status: Status, comment: String? = nil
    ) throws(Ending) {
        let response = try value { () throws(CommandSet.Malformation) in
            try CommandSet.response(to: command, status: status, errorComment: comment)
        }
        try write(response, on: context)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The input is a command set.
enum CommandHarness {
    static func violation(of input: [UInt8]) -> String? {
        let command: CommandSet
        do throws(CommandSet.Malformation) { command = try CommandSet(decoding: input) } catch { return nil }

        let encoded = command.encoded()
        guard let again = try? CommandSet(decoding: encoded), again.encoded() == encoded else {
            return "what was encoded is not read back"
        }
        let hasField = (try? command.field()) != nil && (try? command.messageID()) != nil
        _ = try? command.hasDataSet()
        _ = try? command.messageIDBeingRespondedTo()
        _ = try? command.status()
        for uid in [try? command.affectedSOPClassUID(), try? command.affectedSOPInstanceUID()] {
            if let text = uid?.string, !isSafe(text) { return "a UID that is none: \(text)" }
        }
        if let comment = command.errorComment,
            comment.utf8.count > 64 || !comment.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        {
            return "an error comment of \(comment.utf8.count) bytes that is not plain"
        }
        let response = try? CommandSet.response(to: command, status: .success, errorComment: command.errorComment)
        guard (response != nil) == hasField else { return "a response \(response == nil ? "missing" : "to nothing")" }
        if let bytes = response?.encoded(), bytes.count > 512 { return "a response of \(bytes.count) bytes" }
        return nil
    }

    /// May stand in a file name and in SQL.
    static func isSafe(_ uid: String) -> Bool {
        (1...64).contains(uid.utf8.count) && !uid.contains("..") && uid.utf8.first != UInt8(ascii: ".")
            && uid.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    }
}

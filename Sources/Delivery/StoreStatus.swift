// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What the status of a C-STORE-RSP says about sending the object (again).
package enum StoreStatus: Sendable, Equatable {
    case success
    /// Stored, with a remark that must be kept.
    case warning(String)
    /// The destination has an object of that UID. Ours has one byte string for ever, so that it is to be looked up.
    case alreadyThere
    /// About the destination at this time.
    case transient(String)
    /// About this object: the same bytes will be refused again.
    case permanent(String)

    package init(_ status: Status) {
        switch status.category {
        case .success: self = .success
        case .warning: self = .warning(Self.words(for: status))
        // Neither belongs in a C-STORE-RSP (PS3.4 B.2.3); what it did with the object is not known.
        case .pending, .cancel: self = .transient(Self.words(for: status))
        case .failure:
            switch status.rawValue {
            case 0x0111: self = .alreadyThere
            case 0xA900...0xA9FF, 0xC000...0xCFFF: self = .permanent(Self.words(for: status))
            case 0x0105, 0x0106, 0x0115, 0x0117, 0x0118, 0x0119, 0x0120, 0x0121, 0x0122, 0x0124, 0x0211, 0x0212:
                self = .permanent(Self.words(for: status))
            // 0110, 0210, 0213, A7xx, and what no standard names: trying again can only help.
            default: self = .transient(Self.words(for: status))
            }
        }
    }

    /// PS3.4 B.2.3 and PS3.7 C.
    package static func words(for status: Status) -> String {
        let meaning =
            switch status.rawValue {
            case 0x0105: "no such attribute"
            case 0x0106: "invalid attribute value"
            case 0x0107: "attribute list error"
            case 0x0110: "processing failure"
            case 0x0111: "duplicate SOP instance"
            case 0x0112: "no such object instance"
            case 0x0115: "invalid argument value"
            case 0x0116: "attribute value out of range"
            case 0x0117: "invalid SOP instance"
            case 0x0118: "no such SOP class"
            case 0x0119: "class-instance conflict"
            case 0x0120: "missing attribute"
            case 0x0121: "missing attribute value"
            case 0x0122: "SOP class not supported"
            case 0x0124: "not authorized"
            case 0x0131: "duplicate transaction UID"
            case 0x0210: "duplicate invocation"
            case 0x0211: "unrecognized operation"
            case 0x0212: "mistyped argument"
            case 0x0213: "resource limitation"
            case 0xA700...0xA7FF: "out of resources"
            case 0xA900...0xA9FF: "data set does not match SOP class"
            case 0xB000: "coercion of data elements"
            case 0xB006: "elements discarded"
            case 0xB007: "data set does not match SOP class, stored nevertheless"
            case 0xC000...0xCFFF: "cannot understand"
            case 0x0000: "success"
            default: "status outside the standard"
            }
        return "\(status) \(meaning)"
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Command Field (0000,0100): which DIMSE message a command set is (PS3.7 E.1).
package struct CommandField: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let cStoreRequest = CommandField(rawValue: 0x0001)
    package static let cGetRequest = CommandField(rawValue: 0x0010)
    package static let cFindRequest = CommandField(rawValue: 0x0020)
    package static let cMoveRequest = CommandField(rawValue: 0x0021)
    package static let cEchoRequest = CommandField(rawValue: 0x0030)
    package static let nEventReportRequest = CommandField(rawValue: 0x0100)
    package static let nGetRequest = CommandField(rawValue: 0x0110)
    package static let nSetRequest = CommandField(rawValue: 0x0120)
    package static let nActionRequest = CommandField(rawValue: 0x0130)
    package static let nCreateRequest = CommandField(rawValue: 0x0140)
    package static let nDeleteRequest = CommandField(rawValue: 0x0150)
    package static let cCancelRequest = CommandField(rawValue: 0x0FFF)

    package var isResponse: Bool { rawValue & 0x8000 != 0 }
    /// The response that answers this request.
    package var response: CommandField { CommandField(rawValue: rawValue | 0x8000) }
}

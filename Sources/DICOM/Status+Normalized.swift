// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Statuses of the normalized services (PS3.7 10.1.4.1.10, C.5), and Failure Reasons (0008,1197), which share their codes (PS3.3 C.14).
extension Status {
    package static let noSuchSOPInstance = Status(rawValue: 0x0112)
    package static let noSuchEventType = Status(rawValue: 0x0113)
    package static let noSuchArgument = Status(rawValue: 0x0114)
    package static let invalidArgumentValue = Status(rawValue: 0x0115)
    package static let classInstanceConflict = Status(rawValue: 0x0119)
    package static let noSuchAction = Status(rawValue: 0x0123)
    package static let resourceLimitation = Status(rawValue: 0x0213)
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// The C-STORE sub-operations of one C-MOVE or C-GET, counted as its responses tell them (PS3.4 C.4.2.1.6 ff.).
struct SubOperations: Equatable {
    private(set) var remaining: Int
    private(set) var completed = 0
    private(set) var failed = 0
    private(set) var warning = 0
    private(set) var failedInstances: [UID] = []

    init(count: Int) { remaining = count }

    mutating func ended(_ instance: UID, with status: Status) {
        remaining -= 1
        switch status.category {
        case .success: completed += 1
        case .warning: warning += 1
        case .pending, .cancel, .failure:
            failed += 1
            // What a UI value of 16-bit length holds at most; the counts go on.
            if failedInstances.count < 1000 { failedInstances.append(instance) }
        }
    }

    /// Once nothing remains, or the peer has canceled.
    func finalStatus(isCanceled: Bool) -> Status {
        if isCanceled { return .canceled }
        if failed == 0, warning == 0 { return .success }
        return completed == 0 && warning == 0 ? .unableToPerformSubOperations : .subOperationsFailed
    }

    /// PS3.7 9.3.4.2: Number of Remaining Sub-operations only while some do.
    func set(in command: inout CommandSet, status: Status) {
        if status.category == .pending || status.category == .cancel { command.set(0x1020, Self.count(remaining)) }
        command.set(0x1021, Self.count(completed))
        command.set(0x1022, Self.count(failed))
        command.set(0x1023, Self.count(warning))
    }

    private static func count(_ number: Int) -> UInt16 { UInt16(clamping: number) }

    /// Failed SOP Instance UID List (0008,0058), in all but a success (PS3.4 C.4.2.1.4.2).
    var identifier: [DataElement] {
        let list = failedInstances.map(\.string).joined(separator: "\\")
        return [DataElement(.failedSOPInstanceUIDList, "UI", .bytes(Array(list.utf8)))]
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// What the requestor is told: Event Information (PS3.4 Table J.3-2).
package struct CommitmentReport: Hashable, Sendable {
    package struct Failure: Hashable, Sendable {
        package var instance: SOPReference
        /// Failure Reason (0008,1197).
        package var reason: Status

        package init(instance: SOPReference, reason: Status) {
            self.instance = instance
            self.reason = reason
        }
    }

    package var transactionUID: UID
    package var committed: [SOPReference]
    package var failed: [Failure]

    package init(transactionUID: UID, committed: [SOPReference], failed: [Failure]) {
        self.transactionUID = transactionUID
        self.committed = committed
        self.failed = failed
    }

    /// 1: all are committed to; 2: some are not (J.3.3.1).
    package var eventTypeID: UInt16 { failed.isEmpty ? 1 : 2 }

    /// In Explicit or Implicit VR Little Endian.
    package func encoded(isExplicitVR: Bool) -> [UInt8] {
        var list = AttributeList()
        list.set(StorageCommitment.transactionUID, transactionUID)
        // "Shall be present if there are" such instances: an empty sequence is none (Table J.3-2).
        if !failed.isEmpty {
            list.set(
                StorageCommitment.failedSOPSequence,
                items: failed.map { failure in
                    var item = Self.item(failure.instance)
                    item.set(StorageCommitment.failureReason, failure.reason.rawValue)
                    return item
                })
        }
        if !committed.isEmpty {
            list.set(StorageCommitment.referencedSOPSequence, items: committed.map(Self.item))
        }
        return list.encoded(isExplicitVR: isExplicitVR)
    }

    private static func item(_ instance: SOPReference) -> AttributeList {
        var item = AttributeList()
        item.set(StorageCommitment.referencedSOPClassUID, instance.sopClassUID)
        item.set(StorageCommitment.referencedSOPInstanceUID, instance.sopInstanceUID)
        return item
    }
}

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
                    var item = AttributeList(referring: failure.instance)
                    item.set(StorageCommitment.failureReason, failure.reason.rawValue)
                    return item
                })
        }
        if !committed.isEmpty {
            list.set(StorageCommitment.referencedSOPSequence, items: committed.map(AttributeList.init(referring:)))
        }
        return list.encoded(isExplicitVR: isExplicitVR)
    }

    /// Why a report cannot be read, for the comment of its response.
    package struct Malformation: Error, Hashable, Sendable {
        package var comment: String
    }

    /// In one of the little-endian transfer syntaxes. Items that name no instance say nothing, and are passed over; one of a failure
    /// without its reason is a processing failure.
    package init(decoding dataSet: [UInt8], transferSyntaxUID: UID) throws(Malformation) {
        let list: AttributeList
        do throws(AttributeList.Malformation) {
            list = try AttributeList(decoding: dataSet, transferSyntax: transferSyntaxUID)
        } catch {
            throw Malformation(comment: "\(error)")
        }
        guard let transactionUID = list.uid(StorageCommitment.transactionUID) else {
            throw Malformation(comment: "(0008,1195) Transaction UID is missing or not a UID")
        }
        self.transactionUID = transactionUID
        committed = list.items(StorageCommitment.referencedSOPSequence).compactMap(\.reference)
        failed = list.items(StorageCommitment.failedSOPSequence).compactMap { item in
            guard let instance = item.reference else { return nil }
            return Failure(
                instance: instance,
                reason: item.unsignedShort(StorageCommitment.failureReason).map(Status.init(rawValue:))
                    ?? .processingFailure)
        }
    }
}

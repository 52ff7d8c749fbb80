// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// An instance as it is named to somebody else: Referenced SOP Class UID (0008,1150) and Instance UID (0008,1155).
package struct SOPReference: Hashable, Sendable {
    package var sopClassUID: UID
    package var sopInstanceUID: UID

    package init(sopClassUID: UID, sopInstanceUID: UID) {
        self.sopClassUID = sopClassUID
        self.sopInstanceUID = sopInstanceUID
    }
}

/// Storage Commitment Push Model (PS3.4 J.3).
package enum StorageCommitment {
    package static let sopClassUID = UID(literal: "1.2.840.10008.1.20.1")
    /// The only instance of the class is well known (J.3.5).
    package static let sopInstanceUID = UID(literal: "1.2.840.10008.1.20.1.1")
    package static let requestAction: UInt16 = 1
    /// A list longer than any study of today; what it costs is bounded with it.
    package static let maximumReferences = 20_000

    package static let transactionUID = Tag(0x0008, 0x1195)
    package static let failedSOPSequence = Tag(0x0008, 0x1198)
    package static let referencedSOPSequence = Tag(0x0008, 0x1199)
    package static let referencedSOPClassUID = Tag(0x0008, 0x1150)
    package static let referencedSOPInstanceUID = Tag(0x0008, 0x1155)
    package static let failureReason = Tag(0x0008, 0x1197)
}

/// What a requestor asks to be committed: Action Information (PS3.4 Table J.3-1).
package struct CommitmentRequest: Hashable, Sendable {
    package var transactionUID: UID
    /// Each once, in the order of the request.
    package var instances: [SOPReference]

    /// Why it is refused, and the status that says so.
    package struct Refusal: Error, Hashable, Sendable {
        package var status: Status
        /// Error Comment (0000,0902).
        package var comment: String
    }

    package init(transactionUID: UID, instances: [SOPReference]) {
        self.transactionUID = transactionUID
        self.instances = instances
    }

    /// In one of the little-endian transfer syntaxes. All that J.3.2.1.1 demands must be there: 0115 otherwise.
    package init(decoding dataSet: [UInt8], transferSyntaxUID: UID) throws(Refusal) {
        let list: AttributeList
        do throws(AttributeList.Malformation) {
            list = try AttributeList(decoding: dataSet, transferSyntax: transferSyntaxUID)
        } catch {
            throw Self.refusal("\(error)")
        }
        guard let transactionUID = list.uid(StorageCommitment.transactionUID) else {
            throw Self.refusal("(0008,1195) Transaction UID is missing or not a UID")
        }
        let items = list.items(StorageCommitment.referencedSOPSequence)
        guard !items.isEmpty else { throw Self.refusal("(0008,1199) Referenced SOP Sequence is missing or empty") }
        guard items.count <= StorageCommitment.maximumReferences else {
            throw Refusal(
                status: .resourceLimitation, comment: "more than \(StorageCommitment.maximumReferences) references")
        }
        var seen: Set<SOPReference> = []
        instances = []
        for item in items {
            guard let reference = item.reference else {
                throw Self.refusal("an item of (0008,1199) lacks a UID (0008,1150), (0008,1155)")
            }
            if seen.insert(reference).inserted { instances.append(reference) }
        }
        self.transactionUID = transactionUID
    }

    private static func refusal(_ comment: String) -> Refusal {
        Refusal(status: .invalidArgumentValue, comment: comment)
    }

    /// In Explicit or Implicit VR Little Endian.
    package func encoded(isExplicitVR: Bool) -> [UInt8] {
        var list = AttributeList()
        list.set(StorageCommitment.transactionUID, transactionUID)
        list.set(StorageCommitment.referencedSOPSequence, items: instances.map(AttributeList.init(referring:)))
        return list.encoded(isExplicitVR: isExplicitVR)
    }
}

extension AttributeList {
    init(referring instance: SOPReference) {
        self.init()
        set(StorageCommitment.referencedSOPClassUID, instance.sopClassUID)
        set(StorageCommitment.referencedSOPInstanceUID, instance.sopInstanceUID)
    }

    /// The instance that an item names; nil where it lacks a UID.
    var reference: SOPReference? {
        guard let sopClass = uid(StorageCommitment.referencedSOPClassUID),
            let instance = uid(StorageCommitment.referencedSOPInstanceUID)
        else { return nil }
        return SOPReference(sopClassUID: sopClass, sopInstanceUID: instance)
    }
}

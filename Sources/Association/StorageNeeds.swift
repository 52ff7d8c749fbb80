// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// A C-STORE-RQ whose UIDs are valid (PS3.7 9.3.1.1).
package struct StoreRequest: Sendable, Hashable {
    package var messageID: UInt16
    package var affectedSOPClassUID: UID
    package var affectedSOPInstanceUID: UID
    /// Of the presentation context: nearly always `affectedSOPClassUID`.
    package var abstractSyntaxUID: UID
    package var transferSyntaxUID: UID

    package init(
        messageID: UInt16, affectedSOPClassUID: UID, affectedSOPInstanceUID: UID, abstractSyntaxUID: UID,
        transferSyntaxUID: UID
    ) {
        self.messageID = messageID
        self.affectedSOPClassUID = affectedSOPClassUID
        self.affectedSOPInstanceUID = affectedSOPInstanceUID
        self.abstractSyntaxUID = abstractSyntaxUID
        self.transferSyntaxUID = transferSyntaxUID
    }
}

/// An instance that is not stored: the status that the peer gets.
package struct StoreRefusal: Error, Sendable, Equatable {
    package var status: Status
    /// Error Comment (0000,0902): at most 64 characters of ASCII, no patient data.
    package var comment: String

    package init(status: Status, comment: String) {
        self.status = status
        self.comment = comment
    }
}

/// Where one instance goes while it arrives. Used by the association's thread only.
/// Exactly one of `finish` and `abandon` is called, once, as the last call.
package protocol InstanceSink: AnyObject {
    /// The next bytes of the data set. After a throw comes `abandon`; the rest of the data set is read and dropped.
    func append(_ bytes: UnsafeRawBufferPointer) throws(StoreRefusal)
    /// The data set is whole. Success only once the instance survives a power cut (decision 1).
    func finish() -> StoreAnswer
    /// The association was lost, the message was broken, or `append` threw: nothing may remain.
    func abandon()
}

/// What a C-STORE-RSP says.
package struct StoreAnswer: Sendable, Equatable {
    package var status: Status
    package var comment: String?

    package init(_ status: Status, comment: String? = nil) {
        self.status = status
        self.comment = comment
    }
}

/// What the Storage SCP needs from the node. Called on the thread of the association, and may block.
package struct StorageNeeds: Sendable {
    /// A C-STORE-RQ command has been read, its data set not yet.
    package var open: @Sendable (StoreRequest, AssociationInfo) throws(StoreRefusal) -> any InstanceSink

    /// A C-STORE-RSP has been written.
    package var answered: @Sendable () -> Void

    package init(
        answered: @escaping @Sendable () -> Void = {},
        open: @escaping @Sendable (StoreRequest, AssociationInfo) throws(StoreRefusal) -> any InstanceSink
    ) {
        self.open = open
        self.answered = answered
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What Storage Commitment needs of the node. Called on the association's thread, and may block it.
package struct CommitmentNeeds: Sendable {
    /// Makes a request durable. When it returns success, the request will be answered by a report, restarts or not.
    package var request: @Sendable (CommitmentRequest, AssociationInfo) -> StatusAnswer
    /// True while a request made on this association has a report to come that may still go over it.
    package var isAwaited: @Sendable (AssociationInfo) -> Bool
    /// A report that is ready, to be sent now; `reported` follows for each, once or twice (a response may come too late).
    package var nextReport: @Sendable (AssociationInfo) -> CommitmentReport?
    package var reported: @Sendable (UID, AssociationInfo, RequestOutcome<StatusAnswer>) -> Void
    /// Nothing goes over the association any more.
    package var ended: @Sendable (AssociationInfo) -> Void

    package init(
        request: @escaping @Sendable (CommitmentRequest, AssociationInfo) -> StatusAnswer,
        isAwaited: @escaping @Sendable (AssociationInfo) -> Bool,
        nextReport: @escaping @Sendable (AssociationInfo) -> CommitmentReport?,
        reported: @escaping @Sendable (UID, AssociationInfo, RequestOutcome<StatusAnswer>) -> Void,
        ended: @escaping @Sendable (AssociationInfo) -> Void
    ) {
        self.request = request
        self.isAwaited = isAwaited
        self.nextReport = nextReport
        self.reported = reported
        self.ended = ended
    }
}

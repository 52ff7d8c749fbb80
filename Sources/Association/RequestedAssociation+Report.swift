// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

extension Requestor.Proposal {
    /// Whoever opens an association is its SCU unless it says otherwise (PS3.4 J.3.3).
    package static let storageCommitmentReport = Requestor.Proposal(
        abstractSyntax: StorageCommitment.sopClassUID,
        transferSyntaxes: [TransferSyntax.explicitVRLittleEndian.uid, TransferSyntax.implicitVRLittleEndian.uid],
        role: .onlySCP)
}

extension RequestedAssociation {
    /// Brings a report of storage commitment to the peer that asked for it.
    package func report(_ report: CommitmentReport) -> RequestOutcome<StatusAnswer> {
        perform(StorageCommitment.sopClassUID) { context, messageID throws(Interruption) in
            try self.send { () throws(Ending) in try self.stream.write(report, messageID: messageID, on: context) }
            let (answer, hasDataSet) = try self.response(to: messageID, of: .nEventReportRequest, on: context)
            if hasDataSet { try self.send { () throws(Ending) in try self.stream.dropDataSet(on: context) } }
            return answer
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// Study Root Query/Retrieve (PS3.4 C.6.2).
enum StudyRootQuery {
    static let find = UID(literal: "1.2.840.10008.5.1.4.1.2.2.1")
    /// A query for one instance has one match; a peer that ignores the keys must not keep us.
    static let maximumMatches = 1000
}

extension RequestedAssociation {
    /// C-FIND at IMAGE level: does the peer hold this instance?
    package func find(studyInstanceUID: UID, seriesInstanceUID: UID, sopInstanceUID: UID) -> RequestOutcome<FindAnswer>
    {
        perform(StudyRootQuery.find) { context, messageID throws(Interruption) in
            var command = CommandSet.request(
                .cFindRequest, messageID: messageID, affectedSOPClassUID: context.abstractSyntax, hasDataSet: true)
            command.set(0x0700, UInt16(0))
            let isExplicit = context.transferSyntax == TransferSyntax.explicitVRLittleEndian.uid
            let identifier = Identifier.encoded(
                [
                    (Identifier.sopInstanceUID, sopInstanceUID.string), (Identifier.queryRetrieveLevel, "IMAGE"),
                    (Identifier.studyInstanceUID, studyInstanceUID.string),
                    (Identifier.seriesInstanceUID, seriesInstanceUID.string),
                ], isExplicitVR: isExplicit)
            // A query changes nothing over there, so one that stops half way has no effect either.
            try self.prepare { () throws(Ending) in
                try self.stream.write(command, on: context)
                try self.stream.write(identifier: identifier, on: context)
            }
            var isFound = false
            for _ in 0..<StudyRootQuery.maximumMatches {
                let (answer, hasDataSet) = try self.response(to: messageID, of: .cFindRequest, on: context)
                if hasDataSet {
                    var match: [UInt8] = []
                    try self.send { () throws(Ending) in match = try self.stream.readIdentifier(on: context) }
                    if Identifier.uid(Identifier.sopInstanceUID, in: match, isExplicitVR: isExplicit) == sopInstanceUID
                    {
                        isFound = true
                    }
                }
                switch answer.status.category {
                case .pending: continue
                case .success: return isFound ? .found : .notFound
                case .warning, .failure, .cancel: return isFound ? .found : .refused(answer)
                }
            }
            throw .after(.violated("more than \(StudyRootQuery.maximumMatches) matches for one instance"))
        }
    }
}

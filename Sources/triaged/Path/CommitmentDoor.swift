// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Index
import Logging

/// What an association needs of storage commitment: requests become rows, and reports find their way back.
struct CommitmentDoor: Sendable {
    let index: StudyIndex
    let desk: CommitmentDesk
    let logger: Logger
    /// Wakes the loop.
    let wake: @Sendable () -> Void

    var needs: CommitmentNeeds {
        CommitmentNeeds(
            request: { request($0, $1) }, isAwaited: { desk.isAwaited(on: $0.id) },
            nextReport: { desk.take(on: $0.id, at: MonotonicTime.now.seconds) },
            reported: { reported($0, $1, $2) },
            ended: { association in
                desk.close(association.id)
                wake()
            })
    }

    private func key(_ transactionUID: UID, _ association: AssociationInfo) -> CommitmentDesk.Key {
        .init(callingAETitle: association.callingAETitle, transactionUID: transactionUID)
    }

    /// A peer that is not configured, and so cannot be called, is served all the same: its report can go over this association,
    /// and a peer that never gets one keeps its images. Refusing would deny the service to peers that wait for the report here.
    private func request(_ request: CommitmentRequest, _ association: AssociationInfo) -> StatusAnswer {
        let key = key(request.transactionUID, association)
        var metadata: Logger.Metadata = [
            "callingAETitle": "\(association.callingAETitle)", "transactionUID": "\(request.transactionUID)",
            "association": "\(association.id)",
        ]
        // Before the row: the loop must not call the peer back while it waits here.
        desk.expect(key, on: association.id)
        do throws(IndexError) {
            switch try index.requestCommitment(request, by: association.callingAETitle) {
            case .new, .again:
                metadata["instances"] = "\(request.instances.count)"
                logger.info("storage commitment requested", metadata: metadata)
                CrashPoint.reach(.commitmentRequested)
                wake()
                return StatusAnswer(status: .success)
            case .duplicateTransactionUID:
                desk.forget(key)
                // The reasons of a report could say 0131, but a report under this Transaction UID is that of the other list.
                logger.warning("storage commitment refused: the Transaction UID is in use", metadata: metadata)
                return StatusAnswer(
                    status: .processingFailure, errorComment: "Transaction UID is in use for other instances")
            case .tooMany:
                desk.forget(key)
                logger.warning("storage commitment refused: too many requests wait already", metadata: metadata)
                return StatusAnswer(status: .resourceLimitation, errorComment: "too many requests wait already")
            }
        } catch {
            desk.forget(key)
            logger.error("the index cannot be written: \(error)", metadata: metadata)
            return StatusAnswer(
                status: error.isOutOfSpace ? .resourceLimitation : .processingFailure,
                errorComment: "the index cannot be written")
        }
    }

    /// What came of a report over the association of its request. Where it did not arrive, it takes one of its own at once: most
    /// peers that do not answer here have no ear for it here.
    private func reported(
        _ transactionUID: UID, _ association: AssociationInfo, _ outcome: RequestOutcome<StatusAnswer>
    ) {
        let key = key(transactionUID, association)
        let metadata: Logger.Metadata = [
            "callingAETitle": "\(association.callingAETitle)", "transactionUID": "\(transactionUID)",
            "association": "\(association.id)",
        ]
        if case .answered(let answer) = outcome, [.success, .warning].contains(answer.status.category) {
            do throws(IndexError) {
                CrashPoint.reach(.commitmentReported)
                try index.reported(transactionUID, by: association.callingAETitle)
                logger.info("storage commitment reported on the association of the request", metadata: metadata)
            } catch {
                logger.error("the index cannot be written: \(error)", metadata: metadata)
            }
        } else {
            logger.info(
                "storage commitment not reported on the association of the request: \(outcome)", metadata: metadata)
        }
        desk.forget(key)
        wake()
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Index
import Logging

/// What peers tell of performed work, on its way into the index and to the completeness of series.
struct PerformedSteps: Sendable {
    let index: StudyIndex
    let logger: Logger
    /// Told after a list was kept.
    let listed: @Sendable () -> Void

    var needs: ProcedureStepNeeds {
        ProcedureStepNeeds(
            create: { step, association in
                keep("performed procedure step created", step.sopInstanceUID, association) { () throws(IndexError) in
                    try index.createStep(step, callingAETitle: association.callingAETitle)
                }
            },
            set: { uid, state, series, association in
                keep("performed procedure step set", uid, association) { () throws(IndexError) in
                    try index.setStep(uid, state: state, series: series)
                }
            },
            available: { uid, series, association in
                keep("instance availability notification", uid, association) { () throws(IndexError) in
                    try index.noteAvailability(uid, series: series)
                    return .kept
                }
            })
    }

    private func keep(
        _ what: String, _ uid: UID, _ association: AssociationInfo, _ body: () throws(IndexError) -> StepAnswer
    ) -> ListingAnswer {
        var metadata: Logger.Metadata = [
            "sopInstanceUID": "\(uid)", "callingAETitle": "\(association.callingAETitle)",
        ]
        do throws(IndexError) {
            let answer = try body()
            metadata["answer"] = "\(answer)"
            logger.info("\(what)", metadata: metadata)
            switch answer {
            case .kept:
                listed()
                return .kept
            case .duplicate: return .duplicate
            case .unknown: return .unknown
            case .ended: return .ended
            }
        } catch {
            logger.error("\(what): \(error)", metadata: metadata)
            return .failed
        }
    }
}

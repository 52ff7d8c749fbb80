// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import Delivery
import Index

/// DIMSE: one association after the other.
struct AssociationRoute: DeliveryRoute {
    var requestor: Requestor
    /// The strongest proof to ask for.
    var proof: Proof
    /// Takes reports that come over an association of ours.
    var takeReport: @Sendable (CommitmentReport) -> StatusAnswer

    func open(for deliveries: [Delivery]) throws(RouteFailure) -> any DeliveryChannel {
        var proposals: [Requestor.Proposal] = []
        for delivery in deliveries {
            let proposal = Requestor.Proposal(
                abstractSyntax: delivery.sopClassUID, transferSyntaxes: [delivery.transferSyntaxUID])
            if !proposals.contains(proposal) { proposals.append(proposal) }
        }
        // Always: a response may go unseen on this very association.
        proposals.append(.find)
        if proof == .commitment { proposals.append(.storageCommitment) }
        do throws(RequestFailure) {
            let association = try requestor.associate(for: proposals)
            association.takeReport = takeReport
            return AssociationChannel(association: association)
        } catch {
            throw RouteFailure(words: "\(error)", isTransient: error.isTransient)
        }
    }
}

struct AssociationChannel: DeliveryChannel {
    let association: RequestedAssociation

    func store(_ delivery: Delivery, path: String) -> Outcome {
        Outcome(
            association.store(
                Association.StoredInstance(
                    path: path, sopClassUID: delivery.sopClassUID, sopInstanceUID: delivery.sopInstanceUID,
                    transferSyntaxUID: delivery.transferSyntaxUID)))
    }

    func find(_ delivery: Delivery) -> Outcome {
        Outcome(
            association.find(
                studyInstanceUID: delivery.studyInstanceUID, seriesInstanceUID: delivery.resultSeriesInstanceUID,
                sopInstanceUID: delivery.sopInstanceUID))
    }

    func commit(_ request: CommitmentRequest) -> Outcome { Outcome(association.requestCommitment(request)) }

    func awaitReport(seconds: Double) -> Bool {
        _ = association.awaitReport(within: .seconds(seconds))
        return association.isOpen
    }

    func close() { association.release() }
}

extension Outcome {
    fileprivate init(_ outcome: RequestOutcome<StatusAnswer>) {
        switch outcome {
        case .answered(let answer): self = .status(answer.status, comment: answer.errorComment ?? "")
        case .failed(let failure): self.init(failure)
        case .unanswered(let reason): self = .responseUnseen(reason)
        }
    }

    fileprivate init(_ outcome: RequestOutcome<FindAnswer>) {
        switch outcome {
        case .answered(.found): self = .found
        case .answered(.notFound): self = .notFound
        case .answered(.refused(let answer)): self = .status(answer.status, comment: answer.errorComment ?? "")
        case .failed(let failure): self.init(failure)
        case .unanswered(let reason): self = .responseUnseen(reason)
        }
    }

    private init(_ failure: RequestFailure) {
        switch failure {
        case .notConnected, .associationEnded, .local: self = .notConnected("\(failure)")
        case .rejected(let rejection): self = .rejected(isPermanent: !rejection.isTransient, words: "\(failure)")
        case .contextNotAccepted: self = .contextNotAccepted("\(failure)")
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Support
import Synchronization
import Testing

@testable import Association

@Suite("Storage commitment as requestor") struct CommitmentRequestTests {
    private static let instance = SOPReference(
        sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.66.4"), sopInstanceUID: UID(literal: "2.25.7"))

    /// A node that sends to PACS, and what reports it took.
    private final class Taker: Sendable {
        let acceptor: Acceptor

        init(destinations: [String]) throws {
            var policy = AcceptancePolicy(
                calledAETitle: AETitle(literal: "TRIAGED"),
                peers: (destinations + ["CT1"]).compactMap { title in
                    AETitle(title).map {
                        KnownPeer(
                            aeTitle: $0, services: [.verification], isDestination: destinations.contains(title))
                    }
                }, strangers: nil)
            policy.takesReports = true
            let box = Box()
            acceptor = try Acceptor(
                configuration: Acceptor.Configuration(
                    host: "127.0.0.1", port: 0, policy: policy, timeouts: Node.quick),
                needs: AcceptorNeeds(
                    storage: StorageNeeds { _, _ throws(StoreRefusal) in
                        throw StoreRefusal(status: .outOfResources, comment: "no")
                    },
                    takeReport: { report, _ in
                        box.taken.withLock { $0.append(report) }
                        return StatusAnswer(status: .success)
                    }))
            self.box = box
            acceptor.start()
        }

        final class Box: Sendable { let taken = Mutex<[CommitmentReport]>([]) }
        private let box: Box
        var reports: [CommitmentReport] { box.taken.withLock { $0 } }
        deinit { acceptor.drain(within: .zero) }
    }

    private func requestor(_ calling: String, port: UInt16) -> Requestor {
        Requestor(
            callingAETitle: AETitle(calling) ?? AETitle(literal: "X"), calledAETitle: AETitle(literal: "TRIAGED"),
            host: "127.0.0.1", port: port, timeouts: Node.quick)
    }

    @Test("a destination brings its report on an association of its own, as SCP or without a role; nobody else does")
    func ownAssociation() throws {
        let taker = try Taker(destinations: ["PACS"])
        let report = CommitmentReport(
            transactionUID: UID(literal: "2.25.5"), committed: [Self.instance],
            failed: [
                .init(
                    instance: SOPReference(
                        sopClassUID: Self.instance.sopClassUID, sopInstanceUID: UID(literal: "2.25.8")),
                    reason: .noSuchSOPInstance)
            ])
        for role in [RoleSelection.onlySCP, nil] {
            var proposal = Requestor.Proposal.storageCommitmentReport
            proposal.role = role
            let association = try requestor("PACS", port: taker.acceptor.port).associate(for: [proposal])
            #expect(association.contexts.first?.role == (role ?? RoleSelection.none))
            #expect(association.report(report) == .answered(StatusAnswer(status: .success)))
            // It may not ask us to commit to anything.
            let request = CommitmentRequest(transactionUID: UID(literal: "2.25.6"), instances: [Self.instance])
            guard case .answered(let answer) = association.requestCommitment(request) else {
                Issue.record("no answer")
                return
            }
            #expect(answer.status == .notAuthorized)
            association.release()
        }
        #expect(taker.reports == [report, report])
        // A peer to which nothing is sent has nothing to report.
        let other = try requestor("CT1", port: taker.acceptor.port).associate(for: [.storageCommitmentReport])
        #expect(other.contexts.isEmpty)
        other.release()
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DCMTK
import DICOM
import Logging
import ServiceLifecycle
import Synchronization

/// The front door as a service: takes associations until shutdown, then lets them end.
final class ListenerService: Service {
    /// How long a shutdown waits for associations, seconds; the unit's TimeoutStopSec is longer.
    static let drainLimit = 30

    private let acceptor: Acceptor
    private let logger: Logger
    private let isAccepting = Atomic<Bool>(false)
    private let drained: @Sendable () -> Void

    /// Binds at once, so that a port in use is an error of the start.
    init(
        configuration: Configuration, credentials: TLSCredentials?, reception: Reception,
        procedureSteps: ProcedureStepNeeds,
        commitment: CommitmentNeeds?, reports: CommitmentReports, refusals: RefusalMemory, logger: Logger,
        ended: @escaping @Sendable (AssociationInfo, AssociationEnd) -> Void,
        drained: @escaping @Sendable () -> Void
    ) throws {
        self.logger = logger
        self.drained = drained
        let counters = reception.counters
        let retrieval = QueryRetrieve(
            index: reception.index, store: reception.store, configuration: configuration, credentials: credentials,
            logger: logger)
        var listening = Acceptor.Configuration(
            host: configuration.host, port: UInt16(configuration.port),
            policy: configuration.acceptancePolicy, maximumAssociations: configuration.maximumAssociations,
            urgentReserve: configuration.effectiveUrgentReserve, timeouts: configuration.timeouts)
        listening.acceptsPlain = configuration.acceptsPlain
        listening.certificateNames = configuration.certificateNames
        if let tls = configuration.tls, let credentials {
            listening.tls = .init(port: UInt16(tls.port)) { credentials.current }
        }
        acceptor = try Acceptor(
            configuration: listening,
            needs: AcceptorNeeds(
                storage: StorageNeeds(answered: { CrashPoint.reach(.responded) }) {
                    request, association throws(StoreRefusal) in
                    try ReceivedInstance(reception: reception, request: request, association: association)
                },
                procedureSteps: procedureSteps, commitment: commitment,
                takeReport: { reports.take($0, from: $1.callingAETitle) },
                query: retrieval.query, retrieve: retrieval.retrieve,
                opened: { association in
                    counters.associationOpened()
                    logger.info("association opened", metadata: Self.metadata(association))
                },
                ended: { association, end in
                    counters.associationEnded()
                    logger.info("association \(end)", metadata: Self.metadata(association))
                    ended(association, end)
                },
                refused: { refusal in
                    if refusal.endsConnection { counters.associationRejected() }
                    refusals.note(refusal)
                }))
    }

    func run() async throws {
        acceptor.start()
        isAccepting.store(true, ordering: .releasing)
        if acceptor.port != 0 {
            logger.info("listening for associations", metadata: ["port": "\(acceptor.port)"])
        }
        if acceptor.tlsPort != 0 {
            logger.info("listening for associations with TLS", metadata: ["port": "\(acceptor.tlsPort)"])
        }
        try? await gracefulShutdown()
        isAccepting.store(false, ordering: .releasing)
        let (acceptor, limit) = (acceptor, Duration.seconds(Self.drainLimit))
        let aborted = await offPool { acceptor.drain(within: limit) }
        if aborted > 0 { logger.warning("\(aborted) associations were aborted, as they did not end in time") }
        drained()
    }

    var isListening: Bool { isAccepting.load(ordering: .acquiring) }
    var associationCount: Int { acceptor.associationCount }

    private static func metadata(_ association: AssociationInfo) -> Logger.Metadata {
        var metadata: Logger.Metadata = [
            "association": "\(association.id)", "callingAETitle": "\(association.callingAETitle)",
            "peer": "\(association.peerAddress)",
        ]
        if let tls = association.tls {
            metadata["tls"] = "\(tls.version) \(tls.cipher)"
            metadata["certificate"] = "\(tls.subject)"
        }
        return metadata
    }
}

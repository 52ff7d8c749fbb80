// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Glibc
import Synchronization

// Association takes connections from peers, and gives the data sets of their C-STOREs to the storage, byte by byte; it asks
// peers to verify, store and find, and gives what they answered. It keeps nothing but open associations. It never parses a
// data set, never buffers one, and never lets a peer wait for another: each connection has a thread of its own.

/// What can stop the acceptor from listening.
package enum AssociationError: Error, Sendable, Equatable, CustomStringConvertible {
    case cannotListen(host: String, port: UInt16, reason: String)

    /// A port in use may be free later.
    package var isTransient: Bool { true }

    package var hint: String { "Check dicom.host and dicom.port, and that no other program listens there." }

    package var description: String {
        switch self {
        case .cannotListen(let host, let port, let reason): "cannot listen on \(host) port \(port): \(reason)"
        }
    }
}

/// What the acceptor tells the node. Called on the association's thread, and may block it.
package struct AcceptorNeeds: Sendable {
    package var storage: StorageNeeds
    /// Nil where neither Modality Performed Procedure Step nor Instance Availability Notification is offered.
    package var procedureSteps: ProcedureStepNeeds?
    /// Nil where the node commits to nothing.
    package var commitment: CommitmentNeeds?
    /// Takes the reports that destinations bring on what the node asked them to commit to: on disk when it returns success.
    package var takeReport: (@Sendable (CommitmentReport, AssociationInfo) -> StatusAnswer)?
    /// Without them the services are not there, whatever the policy offers.
    package var query: QueryNeeds?
    package var retrieve: RetrieveNeeds?
    package var opened: @Sendable (AssociationInfo) -> Void
    /// After the last response was written.
    package var ended: @Sendable (AssociationInfo, AssociationEnd) -> Void
    package var refused: @Sendable (AssociationRefusal) -> Void

    package init(
        storage: StorageNeeds, procedureSteps: ProcedureStepNeeds? = nil, commitment: CommitmentNeeds? = nil,
        takeReport: (@Sendable (CommitmentReport, AssociationInfo) -> StatusAnswer)? = nil,
        query: QueryNeeds? = nil, retrieve: RetrieveNeeds? = nil,
        opened: @escaping @Sendable (AssociationInfo) -> Void = { _ in },
        ended: @escaping @Sendable (AssociationInfo, AssociationEnd) -> Void = { _, _ in },
        refused: @escaping @Sendable (AssociationRefusal) -> Void = { _ in }
    ) {
        self.storage = storage
        self.procedureSteps = procedureSteps
        self.commitment = commitment
        self.takeReport = takeReport
        self.query = query
        self.retrieve = retrieve
        self.opened = opened
        self.ended = ended
        self.refused = refused
    }
}

/// The front door (decision 13): listens, and gives each connection a thread.
package final class Acceptor: Sendable {
    package struct Configuration: Sendable {
        package var host: String
        /// 0 lets the system choose.
        package var port: UInt16
        package var policy: AcceptancePolicy
        package var maximumAssociations: Int
        /// Of them, for urgent peers only.
        package var urgentReserve: Int
        /// Connections whose request has not been read or refused yet. Beyond it, the one that waits longest is closed.
        package var maximumHalfOpen: Int
        /// Of them, from one address.
        package var maximumHalfOpenPerAddress: Int
        package var timeouts: Timeouts
        /// A second port, for TLS.
        package var tls: TLS?
        /// False closes the port for plain DICOM; `port` has no meaning then.
        package var acceptsPlain = true
        /// Names that the certificate of a calling AE title must carry, by TLS alone.
        package var certificateNames: [AETitle: String] = [:]

        package struct TLS: Sendable {
            /// 0 lets the system choose.
            package var port: UInt16
            /// Asked for each connection, on its thread, so that certificates can be renewed.
            package var context: @Sendable () -> TLSContext

            package init(port: UInt16, context: @escaping @Sendable () -> TLSContext) {
                self.port = port
                self.context = context
            }
        }

        package init(
            host: String, port: UInt16, policy: AcceptancePolicy, maximumAssociations: Int = 64,
            urgentReserve: Int = 0, maximumHalfOpen: Int = 64, maximumHalfOpenPerAddress: Int? = nil,
            timeouts: Timeouts = Timeouts()
        ) {
            self.host = host
            self.port = port
            self.policy = policy
            self.maximumAssociations = maximumAssociations
            self.urgentReserve = urgentReserve
            self.maximumHalfOpen = maximumHalfOpen
            self.maximumHalfOpenPerAddress = maximumHalfOpenPerAddress ?? max(1, maximumHalfOpen / 2)
            self.timeouts = timeouts
        }
    }

    /// As bound; 0 where there is none.
    package let port: UInt16
    package let tlsPort: UInt16
    private let configuration: Configuration
    private let needs: AcceptorNeeds
    private let connections: Connections
    /// The plain port, and the one for TLS.
    private let listening: Mutex<(plain: Listener?, tls: Listener?)>

    /// Binds and listens; connections queue until `start`.
    package init(configuration: Configuration, needs: AcceptorNeeds) throws(AssociationError) {
        let plain = configuration.acceptsPlain ? try Listener(host: configuration.host, port: configuration.port) : nil
        var tls: Listener?
        if let secure = configuration.tls { tls = try Listener(host: configuration.host, port: secure.port) }
        self.configuration = configuration
        self.needs = needs
        port = plain?.port ?? 0
        tlsPort = tls?.port ?? 0
        connections = Connections(
            Connections.Bounds(
                associations: configuration.maximumAssociations, urgentReserve: configuration.urgentReserve,
                halfOpen: configuration.maximumHalfOpen, halfOpenPerAddress: configuration.maximumHalfOpenPerAddress))
        listening = Mutex((plain, tls))
    }

    deinit { stopAccepting() }

    /// Starts to accept, on a thread for each port. Once.
    package func start() {
        let (plain, tls) = listening.withLock { $0 }
        if let plain { start(plain, context: nil) }
        if let tls, let secure = configuration.tls { start(tls, context: secure.context) }
    }

    private func start(_ listener: Listener, context: (@Sendable () -> TLSContext)?) {
        let (configuration, needs, connections) = (configuration, needs, connections)
        let started = BlockingThread.start {
            listener.run(
                accepted: { socket, address in
                    let connection = Connection(
                        configuration: configuration, needs: needs, connections: connections, peerAddress: address,
                        tlsContext: context)
                    connection.start(owning: socket)
                },
                failed: { reason in needs.refused(AssociationRefusal(.system, peerAddress: "", reason: reason)) })
        }
        precondition(started, "no thread to accept on")
    }

    /// The number of established associations.
    package var associationCount: Int { connections.associationCount }

    /// Ends listening; what is established goes on. Idempotent. The ports are free when it returns.
    package func stopAccepting() {
        let (plain, tls) = listening.withLock { listeners in
            defer { listeners = (nil, nil) }
            return listeners
        }
        plain?.stop()
        tls?.stop()
    }

    /// Stops accepting and waits until the associations have ended; what has not by then is aborted.
    /// Gives the number of those; some may end a little later, when what they wait for lets them go.
    @discardableResult
    package func drain(within limit: Duration) -> Int {
        stopAccepting()
        connections.closeHalfOpen()
        let now = ContinuousClock.now
        if connections.waitUntilEmpty(until: now + limit) { return 0 }
        let aborted = connections.stopAll()
        if !connections.waitUntilEmpty(until: .now + configuration.timeouts.close) {
            connections.disconnectAll()
            _ = connections.waitUntilEmpty(until: .now + configuration.timeouts.close)
        }
        return aborted
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM
import DICOMweb
import Delivery
import Inference
import Results

/// What the administrator decided: the contents of triaged.yaml, checked.
struct Configuration: Sendable, Equatable {
    struct Peer: Sendable, Equatable {
        var aeTitle: AETitle
        /// Where we answer it; where it may call from is `addresses`.
        var host: String
        var port: Int
        /// Empty: from anywhere.
        var addresses: [AddressRange] = []
        /// Nil: all that the node offers.
        var services: Set<ServiceClass>?
        var maximumAssociations: Int?
        var isUrgent = false
        var tls = PeerTLS()
    }

    struct Destination: Sendable, Equatable {
        /// How the worklist and the metrics call it.
        var name: String
        var aeTitle: AETitle
        var host: String
        var port: Int
        var negativeReports: Bool { template.negativeReport }
        /// What it gets.
        var template = ResultTemplate()
        /// Of which runs.
        var condition = DeliveryCondition()
        var tls = PeerTLS()
        /// The strongest proof to ask for.
        var proof = Proof.commitment
        /// Associations, or requests of DICOMweb, at once.
        var maximumAssociations = 1
        var retraction = Retraction.none
        /// Where it is a DICOMweb server; AE title, host and port mean nothing then.
        var web: DICOMwebPlace?
    }

    /// How superseded objects are taken back.
    enum Retraction: String, Sendable, CaseIterable { case none, keyObjects }
    enum UnknownPeers: String, Sendable, CaseIterable { case reject, accept }
    enum CalledAETitle: String, Sendable, CaseIterable { case exact, any }

    var aeTitle = AETitle(literal: "TRIAGED")
    var calledAETitle = CalledAETitle.exact
    var host = "0.0.0.0"
    var port = 11112
    /// False closes the port above.
    var acceptsPlain = true
    var tls: TLS?
    var maximumAssociations = 64
    /// Nil: `defaultUrgentReserve`.
    var urgentReserve: Int?
    var timeouts = Timeouts()
    var privateStorageSOPClasses: Set<UID> = []
    var unknownPeers = UnknownPeers.reject
    var peers: [Peer] = []
    var storageDirectory = "/var/lib/triaged"
    var isArchive = false
    /// Bytes that are kept free.
    var reserve: Int64 = 10_000_000_000
    /// Names of destinations whose word that they hold an instance lets it expire here.
    var archives: [String] = []
    var modelsDirectory = "/etc/triaged/models"
    var allowDemonstration = false
    /// Worker processes, and threads of the engine in each.
    var workers = Machine.current.workers
    var threads = max(1, Machine.current.cores / Machine.current.workers)
    /// Bytes that runs under way may take together, by the budgets of their packages.
    var inferenceMemory = Machine.current.inferenceMemory
    /// Seconds after which a job goes before more urgent ones.
    var maximumWait = 900.0
    /// Bytes of images' embeddings that are kept below the storage directory; 0 keeps none.
    var embeddingLimit = 1 << 30
    /// Packages whose networks run elsewhere.
    var servers: [ServerRoute] = []
    var destinations: [Destination] = []
    /// Seconds.
    var quietPeriod = 10.0
    var webHost = "127.0.0.1"
    var webPort = 8104
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Association
import DICOM

/// Who is who: one place for the front door, for `triaged echo`, and for whoever answers a peer.
extension Configuration {
    /// What we call: a peer or a destination.
    struct Place: Sendable, Hashable {
        var aeTitle: AETitle
        var host: String
        var port: Int
        var tls: PeerTLS
    }

    /// A destination by name, then a destination or a peer by AE title.
    func place(of name: String) -> Place? {
        if let named = dicomDestinations.first(where: { $0.name == name }) { return Place(named) }
        guard let title = AETitle(name) else { return nil }
        return title.match(among: places, title: \.aeTitle)
    }

    /// All that can be called, each once: destinations before peers.
    var places: [Place] {
        var seen: Set<Place> = []
        return (dicomDestinations.map(Place.init) + peers.map(Place.init)).filter { seen.insert($0).inserted }
    }

    /// The peer that a calling AE title means.
    func peer(calling: AETitle) -> Peer? { calling.match(among: peers, title: \.aeTitle) }

    /// An association to whoever calls itself so: a peer before a destination of the same title. Nil where nobody is configured.
    func requestor(to title: AETitle, credentials: TLSCredentials?) -> Requestor? {
        let place =
            title.match(among: peers.map(Place.init), title: \.aeTitle)
            ?? title.match(among: dicomDestinations.map(Place.init), title: \.aeTitle)
        guard let place else { return nil }
        var requestor = Requestor(
            callingAETitle: aeTitle, calledAETitle: place.aeTitle, host: place.host, port: UInt16(place.port))
        requestor.tls = place.tls.requestorTLS(credentials)
        return requestor
    }

    /// Places that only urgent peers may take. Where nothing is said and a peer is urgent, a quarter, and 4 at most.
    var effectiveUrgentReserve: Int {
        urgentReserve ?? (peers.contains(where: \.isUrgent) ? min(4, maximumAssociations / 4) : 0)
    }

    var acceptancePolicy: AcceptancePolicy {
        var policy = AcceptancePolicy(
            calledAETitle: calledAETitle == .any ? nil : aeTitle, peers: knownPeers,
            // Enough to send studies; what gives images away is for peers that are named.
            strangers: unknownPeers == .accept ? [.verification, .storage, .storageCommitment] : nil,
            privateStorageSOPClasses: privateStorageSOPClasses, services: offered)
        policy.takesReports = true
        return policy
    }

    /// What the node offers at all.
    private var offered: Set<ServiceClass> {
        // Who is committed to deletes what it sent (PS3.4 J.1): only an archive commits.
        var offered: Set<ServiceClass> = [
            .verification, .storage, .query, .retrieve, .performedProcedureStep, .instanceAvailability,
        ]
        if isArchive { offered.insert(.storageCommitment) }
        return offered
    }

    /// What the front door knows of callers. A destination may verify, and report on the storage commitment that we asked it for
    /// (decision 10), whatever its entry under peers allows; one without such an entry may do nothing else.
    private var knownPeers: [KnownPeer] {
        let titles = Set(dicomDestinations.map(\.aeTitle))
        let listed = peers.map { peer in
            let isDestination = titles.contains(peer.aeTitle)
            return KnownPeer(
                aeTitle: peer.aeTitle, addresses: peer.addresses,
                services: (peer.services ?? Set(ServiceClass.allCases)).union(isDestination ? [.verification] : []),
                maximumAssociations: peer.maximumAssociations, isUrgent: peer.isUrgent, isDestination: isDestination)
        }
        let unlisted = titles.subtracting(peers.map(\.aeTitle)).sorted { $0.string < $1.string }
        return listed + unlisted.map { KnownPeer(aeTitle: $0, services: [.verification], isDestination: true) }
    }
}

extension Configuration.Place {
    init(_ destination: Configuration.Destination) {
        self.init(aeTitle: destination.aeTitle, host: destination.host, port: destination.port, tls: destination.tls)
    }
    init(_ peer: Configuration.Peer) {
        self.init(aeTitle: peer.aeTitle, host: peer.host, port: peer.port, tls: peer.tls)
    }
}

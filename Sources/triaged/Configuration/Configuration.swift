// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM

/// What the administrator decided: the contents of triaged.yaml, checked.
struct Configuration: Sendable, Equatable {
    struct Peer: Sendable, Equatable {
        var aeTitle: AETitle
        var host: String
        var port: Int
    }

    struct Destination: Sendable, Equatable {
        /// How the worklist and the metrics call it.
        var name: String
        var aeTitle: AETitle
        var host: String
        var port: Int
        var negativeReports: Bool
    }

    enum UnknownPeers: String, Sendable, CaseIterable { case reject, accept }

    var aeTitle = AETitle(literal: "TRIAGED")
    var host = "0.0.0.0"
    var port = 11112
    var maximumAssociations = 64
    var unknownPeers = UnknownPeers.reject
    var peers: [Peer] = []
    var storageDirectory = "/var/lib/triaged"
    var isArchive = false
    var modelsDirectory = "/etc/triaged/models"
    var allowDemonstration = false
    var destinations: [Destination] = []
    /// Seconds.
    var quietPeriod = 10.0
    var webHost = "127.0.0.1"
    var webPort = 8104

    /// The peer or destination of that name or AE title, for `triaged echo`.
    func address(of name: String) -> (aeTitle: AETitle, host: String, port: Int)? {
        if let found = destinations.first(where: { $0.name == name || $0.aeTitle.string == name }) {
            return (found.aeTitle, found.host, found.port)
        }
        return peers.first { $0.aeTitle.string == name }.map { ($0.aeTitle, $0.host, $0.port) }
    }

    /// A destination is a known peer: it must be able to send its N-EVENT-REPORT (decision 10).
    func isKnown(_ calling: AETitle) -> Bool {
        unknownPeers == .accept || peers.contains { $0.aeTitle == calling }
            || destinations.contains { $0.aeTitle == calling }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// Why a server gave no answer that can be used.
package struct ServerError: Error, Equatable, CustomStringConvertible {
    package enum Kind: String, Sendable, Codable, CaseIterable {
        /// No connection, or UNAVAILABLE in every attempt.
        case unavailable
        /// No answer in time.
        case deadline
        /// The server lives, and it or the model is still loading.
        case notReady
        /// UNAUTHENTICATED or PERMISSION_DENIED.
        case denied
        /// A file of ours (certificate, key, token) is not usable.
        case credentials
        /// Short of memory or places, by its own words.
        case exhausted
        /// A message is longer than this node, or the server, lets through.
        case messageLimit
        case notFound
        /// Every other status: the server read the request and will not have it.
        case rejected
        /// The answer does not fit what was asked.
        case unusable
        case cancelled
    }

    package var server: String
    package var kind: Kind
    package var reason: String

    package init(server: String, _ kind: Kind, _ reason: String) {
        self.server = server
        self.kind = kind
        self.reason = reason
    }

    /// True where the same request may do well later, without a change to the package or to the model.
    package var isTransient: Bool {
        switch kind {
        case .unavailable, .deadline, .notReady, .denied, .credentials, .exhausted, .cancelled: true
        case .messageLimit, .notFound, .rejected, .unusable: false
        }
    }

    package var description: String { "inference server \(server): \(reason)" }

    package var hint: String {
        switch kind {
        case .unavailable: "see whether the server runs and whether host, port and tls of `models.servers` are its own"
        case .deadline: "see how busy the server is; raise `deadline`, or lower `inFlight`, of the server"
        case .notReady: "see the server's log: the model is still loading, or could not be loaded"
        case .denied: "see `tokenFile` or the client certificate of the server in `models.servers`"
        case .credentials: "correct the files that the server's entry in `models.servers` names"
        case .exhausted: "see the server's memory and its limits on requests"
        case .messageLimit: "see docs/scaling.md: which setting it is on each server"
        case .notFound: "see `model` and `version` of the package in `models.servers`"
        case .rejected, .unusable:
            "see whether the server's model is the package's network: `triaged check` compares them"
        case .cancelled: "it runs again"
        }
    }
}

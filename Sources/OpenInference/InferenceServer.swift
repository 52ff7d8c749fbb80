// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

/// OpenInference: the wire to a server that speaks the Open Inference Protocol v2 over gRPC (Triton, KServe, MLServer, OVMS).
/// Takes where a server is, and tensors; gives what a model there wants, and tensors. Keeps one connection for each server.
/// Its calls block, each with a deadline, and belong on a thread of the caller's. gRPC's types never leave it, and it knows
/// no package, volume or patient.

/// Where a server is and how it is spoken to. Secrets are paths of files, which are read when they are needed.
package struct InferenceServer: Codable, Sendable, Equatable {
    package struct TLS: Codable, Sendable, Equatable {
        /// PEM: what the server's certificate must lead to; nil takes what the system trusts.
        package var trusted: String?
        /// PEM: the node's certificate with its key, where the server asks for one.
        package var certificate: String?
        package var key: String?
        /// A name for which the certificate of the server counts, beside its address; nil: `host`.
        package var certificateName: String?

        package init(
            trusted: String? = nil, certificate: String? = nil, key: String? = nil, certificateName: String? = nil
        ) {
            self.trusted = trusted
            self.certificate = certificate
            self.key = key
            self.certificateName = certificateName
        }
    }

    /// How logs, the worklist and the configuration call it.
    package var name: String
    package var host: String
    package var port: Int
    /// nil: in clear.
    package var tls: TLS?
    /// Holds a bearer token, read when a connection is made: after a start, and after a server that refused the last one.
    package var tokenFile: String?
    /// Bytes of one request or answer.
    package var maximumMessage: Int
    /// Passes that are sent before the first of them is answered.
    package var inFlight: Int
    /// Seconds for one pass, with what waits before it at the server and with every attempt.
    package var deadline: Double

    package init(
        name: String, host: String, port: Int, tls: TLS? = nil, tokenFile: String? = nil,
        maximumMessage: Int = 256 << 20, inFlight: Int = 4, deadline: Double = 60
    ) {
        self.name = name
        self.host = host
        self.port = port
        self.tls = tls
        self.tokenFile = tokenFile
        self.maximumMessage = maximumMessage
        self.inFlight = inFlight
        self.deadline = deadline
    }

    /// The most that protobuf takes in one message, less what surrounds the tensors.
    package static let maximumMessageLimit = Int(Int32.max) - (1 << 20)
}

/// A model by its names on a server.
package struct ServedModel: Codable, Sendable, Equatable {
    package var name: String
    /// Empty: the server's choice, as a rule the newest.
    package var version: String

    package init(name: String, version: String = "") {
        self.name = name
        self.version = version
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK

/// Certificate, key and trust of the node, for TLS connections of both roles. Unchangeable: new files need a new one.
///
/// Unchecked: the C object does not change once it is made, and OpenSSL counts its references atomically.
package final class TLSContext: @unchecked Sendable {
    /// Paths of PEM files.
    package struct Files: Sendable, Hashable {
        /// The node's, with the certificates that lead to a root in the peers' trust, if any, behind it.
        package var certificate: String
        package var key: String
        /// A peer's certificate is trusted that leads to one of these.
        package var trusted: String

        package init(certificate: String, key: String, trusted: String) {
            self.certificate = certificate
            self.key = key
            self.trusted = trusted
        }
    }

    /// Seconds since 1970 between which the node's certificate is valid.
    package let validity: ClosedRange<Int64>
    private let pointer: OpaquePointer

    /// `requiresCertificate` is about requestors; an acceptor that we call has to show one in any case. The error's text names
    /// the file at fault.
    package init(files: Files, requiresCertificate: Bool) throws(DCMTKError) {
        var pointer: OpaquePointer?
        let condition = files.certificate.withCString { certificate in
            files.key.withCString { key in
                files.trusted.withCString { trusted in
                    var named = cdcmtk_tls_files(
                        certificate: certificate, key: key, trusted: trusted, requires_certificate: requiresCertificate)
                    return cdcmtk_tls_context_create(&named, &pointer)
                }
            }
        }
        try DCMTKError.check(condition, "read the TLS certificates")
        guard let pointer else { preconditionFailure("a good condition without a TLS context") }
        self.pointer = pointer
        var (start, end): (Int64, Int64) = (0, 0)
        cdcmtk_tls_context_validity(pointer, &start, &end)
        validity = start...max(start, end)
    }

    deinit { cdcmtk_tls_context_destroy(pointer) }

    /// The socket stays the caller's and must be non-blocking.
    package func session(on socket: Int32, isAcceptor: Bool) -> TLSSession? {
        cdcmtk_tls_session_create(pointer, socket, isAcceptor).map(TLSSession.init)
    }
}

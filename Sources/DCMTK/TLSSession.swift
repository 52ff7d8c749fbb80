// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import CDCMTK

/// One TLS connection over a socket of the caller's. It never waits: the caller does, for what it wants. Used by one thread at
/// a time.
///
/// A bare pointer, so that who owns the socket can own it as well and give both away: `destroy` it once, or hand it to an
/// `AssociationHandle`.
package struct TLSSession {
    let pointer: OpaquePointer

    package enum Progress: Equatable {
        /// With a count of bytes where there are any.
        case done(Int)
        case wantsRead, wantsWrite
        /// The deadline may have passed meanwhile.
        case again
        /// The peer ended the connection, or its direction.
        case closed
        /// Plain DICOM, as acceptor; nothing was read yet.
        case plain
        case failed(String)
    }

    /// What was agreed on, and with whom.
    package struct Peer: Sendable, Hashable {
        /// Such as TLSv1.3.
        package var version: String
        package var cipher: String
        /// As RFC 2253 writes it; empty where the peer sent no certificate.
        package var subject: String
    }

    package func destroy() { cdcmtk_tls_session_destroy(pointer) }

    package func handshake() -> Progress { progress(cdcmtk_tls_session_handshake(pointer), 0) }

    /// `done` with at least one byte.
    package func read(into buffer: UnsafeMutableRawBufferPointer) -> Progress {
        guard let base = buffer.baseAddress else { return .done(0) }
        var count = 0
        return progress(cdcmtk_tls_session_read(pointer, base, buffer.count, &count), count)
    }

    /// `done` with at least one byte taken; after anything else to be called again with the same bytes.
    package func write(_ bytes: UnsafeRawBufferPointer) -> Progress {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return .done(0) }
        var count = 0
        return progress(cdcmtk_tls_session_write(pointer, base, bytes.count, &count), count)
    }

    package var peer: Peer {
        var peer = cdcmtk_tls_peer()
        cdcmtk_tls_session_peer(pointer, &peer)
        func text(_ bytes: UnsafeRawBufferPointer) -> String {
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return Peer(
            version: withUnsafeBytes(of: peer.version, text), cipher: withUnsafeBytes(of: peer.cipher, text),
            subject: withUnsafeBytes(of: peer.subject, text))
    }

    /// Whether the peer's certificate carries it as common name, DNS name or IP address.
    package func peerHasName(_ name: String) -> Bool { cdcmtk_tls_session_peer_has_name(pointer, name) }

    private func progress(_ progress: cdcmtk_tls_progress, _ count: Int) -> Progress {
        switch progress {
        case CDCMTK_TLS_DONE: .done(count)
        case CDCMTK_TLS_WANTS_READ: .wantsRead
        case CDCMTK_TLS_WANTS_WRITE: .wantsWrite
        case CDCMTK_TLS_AGAIN: .again
        case CDCMTK_TLS_CLOSED: .closed
        case CDCMTK_TLS_PLAIN: .plain
        default: .failed(String(cString: cdcmtk_tls_session_failure(pointer)))
        }
    }
}

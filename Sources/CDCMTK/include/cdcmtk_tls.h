// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_condition.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Certificate, key, trust and cipher suites for TLS sessions of both roles; unchangeable once made.
typedef struct cdcmtk_tls_context cdcmtk_tls_context;

typedef struct cdcmtk_tls_files {
    /// Zero-terminated paths of PEM files: the node's certificate with its chain, its key, and the certificates that a peer's
    /// must lead to. Ownership: the caller's.
    const char *_Nonnull certificate;
    const char *_Nonnull key;
    const char *_Nonnull trusted;
    /// As acceptor: false lets peers in that send no certificate. As requestor the peer always has to show one.
    bool requires_certificate;
} cdcmtk_tls_files;

/// Reads the files. The condition's text names the file at fault.
/// Ownership: `*context` is the caller's when the condition is good. Sessions outlive it where need be. Thread: any.
cdcmtk_condition cdcmtk_tls_context_create(
    const cdcmtk_tls_files *_Nonnull files, cdcmtk_tls_context *_Nullable *_Nonnull context);
void cdcmtk_tls_context_destroy(cdcmtk_tls_context *_Nonnull context);
/// Seconds since 1970 between which the node's certificate is valid. Thread: any.
void cdcmtk_tls_context_validity(
    const cdcmtk_tls_context *_Nonnull context, int64_t *_Nonnull not_before, int64_t *_Nonnull not_after);

/// One TLS connection over a non-blocking socket. It waits for nothing: the caller polls the socket for what it wants.
/// Thread: one at a time.
typedef struct cdcmtk_tls_session cdcmtk_tls_session;

/// Ownership: the session is the caller's, NULL where memory is short; the socket stays the caller's. Thread: any.
cdcmtk_tls_session *_Nullable cdcmtk_tls_session_create(
    const cdcmtk_tls_context *_Nonnull context, int socket, bool is_acceptor);
/// Without a word to the peer.
void cdcmtk_tls_session_destroy(cdcmtk_tls_session *_Nonnull session);

typedef enum cdcmtk_tls_progress {
    CDCMTK_TLS_DONE,
    /// To be called again once the socket can be read, or written.
    CDCMTK_TLS_WANTS_READ,
    CDCMTK_TLS_WANTS_WRITE,
    /// To be called again at once; the deadline may have passed meanwhile.
    CDCMTK_TLS_AGAIN,
    /// The peer ended its direction, or the connection.
    CDCMTK_TLS_CLOSED,
    /// See cdcmtk_tls_session_failure.
    CDCMTK_TLS_FAILED,
    /// As acceptor: the first byte is not TLS but an A-ASSOCIATE-RQ. Nothing was taken from the socket.
    CDCMTK_TLS_PLAIN,
} cdcmtk_tls_progress;

/// Until DONE.
cdcmtk_tls_progress cdcmtk_tls_session_handshake(cdcmtk_tls_session *_Nonnull session);
/// DONE with `*count` bytes, at least one; less than `capacity` is normal.
cdcmtk_tls_progress cdcmtk_tls_session_read(
    cdcmtk_tls_session *_Nonnull session, void *_Nonnull buffer, size_t capacity, size_t *_Nonnull count);
/// DONE with `*count` bytes taken, at least one. When called again after another progress, with the same bytes.
cdcmtk_tls_progress cdcmtk_tls_session_write(
    cdcmtk_tls_session *_Nonnull session, const void *_Nonnull bytes, size_t length, size_t *_Nonnull count);
/// Sends close_notify (RFC 8446 6.1) where the socket takes it at once.
void cdcmtk_tls_session_close(cdcmtk_tls_session *_Nonnull session);
/// Why FAILED, in words. Ownership: the session's.
const char *_Nonnull cdcmtk_tls_session_failure(const cdcmtk_tls_session *_Nonnull session);

typedef struct cdcmtk_tls_peer {
    /// Zero-terminated, cut to fit: such as "TLSv1.3", "TLS_AES_256_GCM_SHA384", and the subject as RFC 2253 writes it, empty
    /// where the peer sent no certificate.
    char version[16];
    char cipher[64];
    char subject[512];
} cdcmtk_tls_peer;

/// After the handshake.
void cdcmtk_tls_session_peer(const cdcmtk_tls_session *_Nonnull session, cdcmtk_tls_peer *_Nonnull peer);
/// Whether the peer's certificate carries this name, as common name, DNS name or IP address. No wildcards.
bool cdcmtk_tls_session_peer_has_name(const cdcmtk_tls_session *_Nonnull session, const char *_Nonnull name);

#ifdef __cplusplus
}
#endif

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "include/cdcmtk_tls.h"

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include <sys/types.h>

/// An SSL over a socket of somebody else's, by a BIO of our own: OpenSSL's would raise SIGPIPE, and read each record in two
/// calls.
struct cdcmtk_tls_session {
    /// Throws std::bad_alloc.
    cdcmtk_tls_session(SSL_CTX *context, int socket, bool is_acceptor);
    ~cdcmtk_tls_session();
    cdcmtk_tls_session(const cdcmtk_tls_session &) = delete;
    cdcmtk_tls_session &operator=(const cdcmtk_tls_session &) = delete;

    cdcmtk_tls_progress handshake();
    cdcmtk_tls_progress read(void *buffer, size_t capacity, size_t &count);
    cdcmtk_tls_progress write(const void *bytes, size_t length, size_t &count);
    void close();

    /// For the BIO.
    ssize_t receive(void *buffer, size_t count);
    ssize_t send(const void *bytes, size_t count);

    SSL *ssl = nullptr;
    bool is_at_end = false;
    std::string failure;

private:
    cdcmtk_tls_progress look_at_first_byte();
    cdcmtk_tls_progress progress(int result);
    void explain();

    int socket_;
    bool is_acceptor_;
    bool has_begun_ = false;
    /// After a fatal error OpenSSL must not be asked to close.
    bool has_failed_ = false;
    /// Ciphertext read ahead.
    std::vector<uint8_t> ahead_;
    size_t ahead_start_ = 0, ahead_end_ = 0;
};

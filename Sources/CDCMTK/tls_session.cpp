// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "tls_session.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace {

/// Two records of the greatest length (RFC 8446 5.2).
constexpr size_t ahead_capacity = 2 * (16384 + 256 + 5);
/// ContentType handshake (RFC 8446 5.1), and A-ASSOCIATE-RQ (PS3.8 9.3.2).
constexpr uint8_t tls_handshake = 22, associate_request = 1;

cdcmtk_tls_session &session_of(BIO *bio) { return *static_cast<cdcmtk_tls_session *>(BIO_get_data(bio)); }

int bio_read(BIO *bio, char *buffer, int count) {
    BIO_clear_retry_flags(bio);
    const ssize_t received = session_of(bio).receive(buffer, size_t(count));
    if (received < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_read(bio);
    return int(received);
}

int bio_write(BIO *bio, const char *bytes, int count) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent = session_of(bio).send(bytes, size_t(count));
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) BIO_set_retry_write(bio);
    return int(sent);
}

long bio_control(BIO *bio, int command, long, void *) {
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return session_of(bio).is_at_end;
    default: return 0;
    }
}

BIO_METHOD *bio_method() {
    static BIO_METHOD *const method = [] {
        BIO_METHOD *made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "non-blocking socket");
        if (!made) throw std::bad_alloc();
        BIO_meth_set_read(made, bio_read);
        BIO_meth_set_write(made, bio_write);
        BIO_meth_set_ctrl(made, bio_control);
        return made;
    }();
    return method;
}

} // namespace

cdcmtk_tls_session::cdcmtk_tls_session(SSL_CTX *context, int socket, bool is_acceptor)
    : socket_(socket), is_acceptor_(is_acceptor), ahead_(ahead_capacity) {
    BIO *bio = BIO_new(bio_method());
    ssl = SSL_new(context);
    if (!bio || !ssl) {
        BIO_free(bio);
        SSL_free(ssl);
        throw std::bad_alloc();
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    if (is_acceptor) SSL_set_accept_state(ssl);
    else SSL_set_connect_state(ssl);
}

cdcmtk_tls_session::~cdcmtk_tls_session() { SSL_free(ssl); }

ssize_t cdcmtk_tls_session::receive(void *buffer, size_t count) {
    if (ahead_start_ == ahead_end_) {
        ssize_t received;
        do received = recv(socket_, ahead_.data(), ahead_.size(), 0);
        while (received < 0 && errno == EINTR);
        is_at_end = received == 0;
        if (received <= 0) return received;
        // A peer that leaves Nagle on waits for our acknowledgement; the kernel forgets this setting by itself.
        const int on = 1;
        setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
        ahead_start_ = 0;
        ahead_end_ = size_t(received);
    }
    const size_t taken = std::min(count, ahead_end_ - ahead_start_);
    memcpy(buffer, ahead_.data() + ahead_start_, taken);
    ahead_start_ += taken;
    return ssize_t(taken);
}

ssize_t cdcmtk_tls_session::send(const void *bytes, size_t count) {
    ssize_t sent;
    do sent = ::send(socket_, bytes, count, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent;
}

cdcmtk_tls_progress cdcmtk_tls_session::look_at_first_byte() {
    uint8_t first = 0;
    const ssize_t count = recv(socket_, &first, 1, MSG_PEEK);
    if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) return CDCMTK_TLS_WANTS_READ;
    if (count <= 0) return CDCMTK_TLS_CLOSED;
    has_begun_ = true;
    if (first == tls_handshake) return CDCMTK_TLS_AGAIN;
    has_failed_ = true;
    if (first == associate_request) return CDCMTK_TLS_PLAIN;
    failure = "the first bytes are no TLS";
    return CDCMTK_TLS_FAILED;
}

cdcmtk_tls_progress cdcmtk_tls_session::handshake() {
    if (is_acceptor_ && !has_begun_) return look_at_first_byte();
    ERR_clear_error();
    return progress(SSL_do_handshake(ssl));
}

cdcmtk_tls_progress cdcmtk_tls_session::read(void *buffer, size_t capacity, size_t &count) {
    ERR_clear_error();
    return progress(SSL_read_ex(ssl, buffer, capacity, &count));
}

cdcmtk_tls_progress cdcmtk_tls_session::write(const void *bytes, size_t length, size_t &count) {
    ERR_clear_error();
    return progress(SSL_write_ex(ssl, bytes, length, &count));
}

void cdcmtk_tls_session::close() {
    if (has_failed_ || !SSL_is_init_finished(ssl)) return;
    ERR_clear_error();
    SSL_shutdown(ssl);
}

cdcmtk_tls_progress cdcmtk_tls_session::progress(int result) {
    if (result > 0) return CDCMTK_TLS_DONE;
    switch (SSL_get_error(ssl, result)) {
    // Without SSL_MODE_AUTO_RETRY a record that holds nothing for us ends the call, so that a peer which sends nothing else
    // is held against the deadline; the next one may have been read already, and poll would not tell of it.
    case SSL_ERROR_WANT_READ: return ahead_start_ < ahead_end_ ? CDCMTK_TLS_AGAIN : CDCMTK_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE: return CDCMTK_TLS_WANTS_WRITE;
    // A connection that ends without close_notify is no truncation that PDUs would not show.
    case SSL_ERROR_ZERO_RETURN: return CDCMTK_TLS_CLOSED;
    case SSL_ERROR_SYSCALL: has_failed_ = true; return CDCMTK_TLS_CLOSED;
    default:
        has_failed_ = true;
        explain();
        return CDCMTK_TLS_FAILED;
    }
}

void cdcmtk_tls_session::explain() {
    unsigned long code = ERR_get_error();
    while (code != 0 && ERR_GET_LIB(code) != ERR_LIB_SSL) code = ERR_get_error();
    ERR_clear_error();
    const int reason = ERR_GET_REASON(code);
    const char *text = code == 0 ? nullptr : ERR_reason_error_string(code);
    const std::string words = text ? text : "unknown";
    switch (reason) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        failure = std::string("the peer's certificate is not trusted: ") +
                  X509_verify_cert_error_string(SSL_get_verify_result(ssl));
        return;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: failure = "the peer sent no certificate"; return;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
    case SSL_R_TLSV1_ALERT_INSUFFICIENT_SECURITY:
        failure = "no common TLS version or cipher: " + words;
        return;
    case SSL_R_WRONG_VERSION_NUMBER: failure = "the peer speaks no TLS on this port"; return;
    default: break;
    }
    if (code != 0 && reason >= SSL_AD_REASON_OFFSET) {
        const int alert = reason - SSL_AD_REASON_OFFSET;
        const bool is_about_certificate =
            (alert >= SSL_AD_BAD_CERTIFICATE && alert <= SSL_AD_CERTIFICATE_UNKNOWN) || alert == SSL_AD_UNKNOWN_CA ||
            alert == SSL_AD_CERTIFICATE_REQUIRED;
        failure = std::string(is_about_certificate ? "the peer does not trust our certificate: " : "the peer ended TLS: ") +
                  SSL_alert_desc_string_long(alert);
        return;
    }
    failure = "TLS error: " + words;
}

cdcmtk_tls_progress cdcmtk_tls_session_handshake(cdcmtk_tls_session *session) { return session->handshake(); }

cdcmtk_tls_progress cdcmtk_tls_session_read(cdcmtk_tls_session *session, void *buffer, size_t capacity, size_t *count) {
    return session->read(buffer, capacity, *count);
}

cdcmtk_tls_progress cdcmtk_tls_session_write(
    cdcmtk_tls_session *session, const void *bytes, size_t length, size_t *count) {
    return session->write(bytes, length, *count);
}

void cdcmtk_tls_session_close(cdcmtk_tls_session *session) { session->close(); }
void cdcmtk_tls_session_destroy(cdcmtk_tls_session *session) { delete session; }
const char *cdcmtk_tls_session_failure(const cdcmtk_tls_session *session) { return session->failure.c_str(); }

void cdcmtk_tls_session_peer(const cdcmtk_tls_session *session, cdcmtk_tls_peer *peer) {
    memset(peer, 0, sizeof *peer);
    snprintf(peer->version, sizeof peer->version, "%s", SSL_get_version(session->ssl));
    snprintf(peer->cipher, sizeof peer->cipher, "%s", SSL_get_cipher_name(session->ssl));
    const X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    if (!certificate) return;
    BIO *text = BIO_new(BIO_s_mem());
    if (!text) return;
    // Control characters and bytes above 127 are escaped.
    X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    BIO_read(text, peer->subject, sizeof peer->subject - 1);
    BIO_free(text);
}

bool cdcmtk_tls_session_peer_has_name(const cdcmtk_tls_session *session, const char *name) {
    X509 *certificate = SSL_get0_peer_certificate(session->ssl);
    if (!certificate) return false;
    const unsigned flags = X509_CHECK_FLAG_ALWAYS_CHECK_SUBJECT | X509_CHECK_FLAG_NO_WILDCARDS;
    return X509_check_host(certificate, name, 0, flags, nullptr) == 1 || X509_check_ip_asc(certificate, name, 0) == 1;
}

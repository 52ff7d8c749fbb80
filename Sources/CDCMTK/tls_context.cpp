// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "condition.h"
#include "tls_session.h"

#include <dcmtk/dcmtls/tlslayer.h>

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>

#include <fcntl.h>
#include <unistd.h>

struct cdcmtk_tls_context {
    DcmTLSTransportLayer layer{NET_ACCEPTORREQUESTOR, nullptr, OFFalse};
    int64_t not_before = 0, not_after = 0;

    SSL_CTX *native() { return layer.getNativeHandle(); }
};

namespace {

/// Those of TLS 1.2 that RFC 9325 4.2 recommends: DCMTK's BCP195_ND profile without its DHE suites, which RFC 9325 4.1 says
/// should not be negotiated, and with the ECDSA suites of its Extended profile, which would forbid TLS 1.3.
constexpr char suites_1_2[] = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
                              "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256";
/// Named, so that no openssl.cnf changes them.
constexpr char suites_1_3[] = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256";
/// DCMTK enables binary and Koblitz curves too, and leaves out X25519.
constexpr char groups[] = "X25519:P-256:P-384:P-521";
/// SHA-256 and above; level 2 would let SHA-224 pass.
constexpr char signatures[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:"
                              "rsa_pss_pss_sha256:rsa_pss_pss_sha384:rsa_pss_pss_sha512:"
                              "RSA+SHA256:RSA+SHA384:RSA+SHA512";
/// 112 bits: RSA of 2048 bits, no SHA-1 in the signatures of certificates. DCMTK sets 0.
constexpr int security_level = 2;

/// Why OpenSSL could not do something with a file. The first error says more than those that follow from it.
std::string reason() {
    const unsigned long code = ERR_peek_error();
    const char *text = ERR_reason_error_string(code);
    ERR_clear_error();
    return text ? text : "unknown OpenSSL error";
}

cdcmtk_condition fault(const char *file, const std::string &words) {
    return cdcmtk_failed((std::string(file) + ": " + words).c_str());
}

/// Says in the system's words what OpenSSL would call a "system lib" error.
bool is_readable(const char *file, cdcmtk_condition &condition) {
    const int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0) {
        condition = fault(file, std::string("cannot be read: ") + strerror(errno));
        return false;
    }
    close(descriptor);
    return true;
}

int64_t seconds(const ASN1_TIME *time) {
    tm broken_down = {};
    return ASN1_TIME_to_tm(time, &broken_down) == 1 ? int64_t(timegm(&broken_down)) : 0;
}

bool restrict(SSL_CTX *native, DcmTLSTransportLayer &layer) {
    if (layer.setTLSProfile(TSP_Profile_BCP195_ND).bad() || layer.activateCipherSuites().bad()) return false;
    SSL_CTX_set_security_level(native, security_level);
    SSL_CTX_set_options(
        native, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET | SSL_OP_CIPHER_SERVER_PREFERENCE |
                    SSL_OP_IGNORE_UNEXPECTED_EOF);
    // No session is resumed: each peer shows its certificate each time, and one that was withdrawn counts no more.
    SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(native, 0);
    SSL_CTX_clear_mode(native, SSL_MODE_AUTO_RETRY);
    SSL_CTX_set_mode(
        native, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    return SSL_CTX_set_min_proto_version(native, TLS1_2_VERSION) == 1 && SSL_CTX_set_max_proto_version(native, 0) == 1 &&
           SSL_CTX_set_cipher_list(native, suites_1_2) == 1 && SSL_CTX_set_ciphersuites(native, suites_1_3) == 1 &&
           SSL_CTX_set1_groups_list(native, groups) == 1 && SSL_CTX_set1_sigalgs_list(native, signatures) == 1;
}

} // namespace

cdcmtk_condition cdcmtk_tls_context_create(const cdcmtk_tls_files *files, cdcmtk_tls_context **result) {
    *result = nullptr;
    return cdcmtk_guard([&] {
        cdcmtk_condition condition = cdcmtk_good();
        for (const char *file : {files->certificate, files->key, files->trusted})
            if (!is_readable(file, condition)) return condition;
        ERR_clear_error();
        auto context = std::make_unique<cdcmtk_tls_context>();
        SSL_CTX *native = context->native();
        if (!native || !restrict(native, context->layer)) return cdcmtk_failed("OpenSSL lacks what the TLS profile needs");
        context->layer.setCertificateVerification(
            files->requires_certificate ? DCV_requireCertificate : DCV_checkCertificate);
        // A key with a passphrase is an error, not a question on the terminal.
        context->layer.setPrivateKeyPasswd("");

        if (SSL_CTX_use_certificate_chain_file(native, files->certificate) != 1)
            return fault(files->certificate, "no usable certificate: " + reason());
        if (SSL_CTX_use_PrivateKey_file(native, files->key, SSL_FILETYPE_PEM) != 1) {
            const unsigned long code = ERR_peek_last_error();
            const bool is_other =
                ERR_GET_LIB(code) == ERR_LIB_X509 && ERR_GET_REASON(code) == X509_R_KEY_VALUES_MISMATCH;
            return is_other ? fault(files->key, std::string("the key does not fit the certificate ") + files->certificate)
                            : fault(files->key, "no usable key (PEM, without a passphrase): " + reason());
        }
        if (SSL_CTX_check_private_key(native) != 1)
            return fault(files->key, std::string("the key does not fit the certificate ") + files->certificate);
        if (SSL_CTX_load_verify_file(native, files->trusted) != 1)
            return fault(files->trusted, "no usable certificate: " + reason());
        // Tells a peer with several certificates which of them we would trust.
        if (auto *names = SSL_load_client_CA_file(files->trusted)) SSL_CTX_set_client_CA_list(native, names);
        ERR_clear_error();

        const X509 *certificate = SSL_CTX_get0_certificate(native);
        context->not_before = seconds(X509_get0_notBefore(certificate));
        context->not_after = seconds(X509_get0_notAfter(certificate));
        *result = context.release();
        return cdcmtk_good();
    });
}

void cdcmtk_tls_context_destroy(cdcmtk_tls_context *context) { delete context; }

void cdcmtk_tls_context_validity(const cdcmtk_tls_context *context, int64_t *not_before, int64_t *not_after) {
    *not_before = context->not_before;
    *not_after = context->not_after;
}

cdcmtk_tls_session *cdcmtk_tls_session_create(const cdcmtk_tls_context *context, int socket, bool is_acceptor) {
    try {
        return new cdcmtk_tls_session(const_cast<cdcmtk_tls_context *>(context)->native(), socket, is_acceptor);
    } catch (...) {
        return nullptr;
    }
}

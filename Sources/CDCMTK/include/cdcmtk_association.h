// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "cdcmtk_condition.h"
#include "cdcmtk_tls.h"

#ifdef __cplusplus
extern "C" {
#endif

/// An established association over a socket of ours; DCMTK's upper layer (DUL) reads and writes its PDUs.
/// Thread: one at a time, except where a function says otherwise.
typedef struct cdcmtk_association cdcmtk_association;

/// Hands a connected socket to DUL, once the handshake is over, with a whole A-ASSOCIATE-RQ PDU of the caller's making (DUL shall
/// not parse a peer's) that tells it the peer's maximum length. DUL believes that it accepted one association, in either role.
/// `max_pdu` is what we receive, 4096 to 131072.
/// With a TLS session, whose handshake is done, PDUs go through it.
/// Ownership: takes `socket` and `session` in every case; `*association` is the caller's when the condition is good.
/// Thread: any; calls queue for a lock that is held for no I/O.
cdcmtk_condition cdcmtk_association_establish(
    int socket, cdcmtk_tls_session *_Nullable session, const uint8_t *_Nonnull request, size_t length, uint32_t max_pdu,
    cdcmtk_association *_Nullable *_Nonnull association);

/// Closes the socket, without a word to the peer.
void cdcmtk_association_destroy(cdcmtk_association *_Nonnull association);

typedef enum cdcmtk_event {
    /// A P-DATA-TF PDU has arrived; its fragments are read with cdcmtk_association_next_fragment.
    CDCMTK_EVENT_DATA,
    CDCMTK_EVENT_RELEASE_REQUESTED,
    CDCMTK_EVENT_ABORTED,
    /// The connection ended, or was reset, without release or abort.
    CDCMTK_EVENT_CLOSED,
    /// Nothing came within `idle_ms`, or a PDU did not arrive whole within `pdu_ms` of its first byte.
    CDCMTK_EVENT_IDLE_TIMEOUT,
    CDCMTK_EVENT_PDU_TIMEOUT,
    /// The peer sent what is no PDU, or one that does not belong here. The association is to be aborted.
    CDCMTK_EVENT_ILLEGAL,
} cdcmtk_event;

/// Waits for the next PDU and reads it whole. `text` says what was illegal.
cdcmtk_event cdcmtk_association_read(
    cdcmtk_association *_Nonnull association, int idle_ms, int pdu_ms, cdcmtk_condition *_Nonnull text);

typedef struct cdcmtk_fragment {
    uint8_t context_id;
    bool is_command;
    bool is_last;
    /// Ownership: the association's, until its next read.
    const uint8_t *_Nullable bytes;
    size_t length;
} cdcmtk_fragment;

/// The next presentation data value of the PDU that was read last; false when there are no more.
bool cdcmtk_association_next_fragment(cdcmtk_association *_Nonnull association, cdcmtk_fragment *_Nonnull fragment);

/// Sends a fragment, in as many PDUs as the peer's maximum length asks for. `timeout_ms` bounds it all.
cdcmtk_condition cdcmtk_association_write(
    cdcmtk_association *_Nonnull association, const cdcmtk_fragment *_Nonnull fragment, int timeout_ms);

/// The most bytes of a fragment that fit in one PDU to the peer.
size_t cdcmtk_association_fragment_limit(cdcmtk_association *_Nonnull association);

/// Answers a release request.
cdcmtk_condition cdcmtk_association_acknowledge_release(cdcmtk_association *_Nonnull association, int timeout_ms);
/// Requests release and waits for the answer.
cdcmtk_condition cdcmtk_association_release(cdcmtk_association *_Nonnull association, int timeout_ms);
/// Sends an A-ABORT (PS3.8 9.3.8) where the connection takes it within `timeout_ms`.
void cdcmtk_association_abort(
    cdcmtk_association *_Nonnull association, uint8_t source, uint8_t reason, int timeout_ms);
/// After release or abort: ends our direction and gives the peer `timeout_ms` to close its own, so that what we sent last
/// is not lost in a reset.
void cdcmtk_association_linger(cdcmtk_association *_Nonnull association, int timeout_ms);

/// Accepts a connection, non-blocking and close-on-exec from the first moment (Swift's Glibc module lacks accept4), and writes
/// the peer's numeric address, "unknown" where it has none. -1 with errno when there is nothing to accept. Thread: any.
int cdcmtk_socket_accept(int listener, char *_Nonnull host, size_t capacity);

/// The storage SOP classes that this DCMTK knows, for comparison. NULL past the end. Ownership: static storage.
const char *_Nullable cdcmtk_storage_sop_class(size_t index);

#ifdef __cplusplus
}
#endif

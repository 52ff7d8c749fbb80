// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "association_channel.h"
#include "condition.h"
#include "include/cdcmtk_association.h"

#include <dcmtk/dcmdata/dcuid.h>
#include <dcmtk/dcmnet/assoc.h>
#include <dcmtk/dcmnet/cond.h>
#include <dcmtk/dcmnet/dul.h>
#include <dcmtk/dcmnet/dulstruc.h>
#include <dcmtk/dcmnet/lst.h>
#include <dcmtk/ofstd/ofstd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>

struct cdcmtk_association {
    std::shared_ptr<Channel> channel;
    DUL_NETWORKKEY *network = nullptr;
    DUL_ASSOCIATIONKEY *key = nullptr;
    size_t fragment_limit = 0;
    /// What is left to be given out of the P-DATA-TF PDU that was read last, in DUL's buffer.
    const uint8_t *unread = nullptr, *unread_end = nullptr;

    ~cdcmtk_association() {
        if (key) DUL_DropAssociation(&key);
        if (network) DUL_DropNetwork(&network);
    }
};

namespace {

/// dcmExternalSocketHandle is one variable for the whole process, and DUL's first initialization is not thread-safe.
std::mutex &hand_over() {
    static std::mutex mutex;
    return mutex;
}

/// Both what DUL read from the request and the answer that it is to send.
struct Parameters : DUL_ASSOCIATESERVICEPARAMETERS {
    Parameters() { memset(static_cast<DUL_ASSOCIATESERVICEPARAMETERS *>(this), 0, sizeof(DUL_ASSOCIATESERVICEPARAMETERS)); }
    ~Parameters() { DUL_ClearServiceParameters(this); }
};

/// DUL takes this socket instead of accepting one, for as long as the object lives.
struct ExternalSocket {
    explicit ExternalSocket(int socket) { dcmExternalSocketHandle.set(socket); }
    ~ExternalSocket() { dcmExternalSocketHandle.set(DCMNET_INVALID_SOCKET); }
};

OFCondition receive_request(cdcmtk_association &association, uint32_t max_pdu, Parameters &parameters) {
    std::lock_guard<std::mutex> lock(hand_over());
    // A reverse look-up would stall on a name server.
    dcmDisableGethostbyaddr.set(OFTrue);
    ExternalSocket external(association.channel->socket());
    int port = 0;
    OFCondition condition = DUL_InitializeNetwork(DUL_AEACCEPTOR, &port, 30, 0, &association.network);
    if (condition.bad()) return condition;
    // The layer is the network's; a failure leaves it to us.
    auto *layer = new ChannelLayer(association.channel);
    condition = DUL_setTransportLayer(association.network, layer, 1);
    if (condition.bad()) {
        delete layer;
        return condition;
    }
    parameters.maxPDU = max_pdu;
    return DUL_ReceiveAssociationRQ(&association.network, DUL_BLOCK, 0, &parameters, &association.key, 0);
}

/// DUL refuses to send an empty title, and trims spaces when it reads one.
void keep_title(char *title) {
    if (title[0] == 0) strcpy(title, " ");
}

/// DUL writes an answer that nobody reads, for one context: the peer has had ours.
OFCondition answer(cdcmtk_association &association, Parameters &parameters) {
    keep_title(parameters.callingAPTitle);
    keep_title(parameters.calledAPTitle);
    OFStandard::strlcpy(
        parameters.applicationContextName, UID_StandardApplicationContext, sizeof parameters.applicationContextName);
    OFStandard::strlcpy(
        parameters.calledImplementationClassUID, OFFIS_IMPLEMENTATION_CLASS_UID,
        sizeof parameters.calledImplementationClassUID);
    parameters.acceptedPresentationContext = LST_Create();
    // The list frees its nodes with free().
    auto *node = static_cast<DUL_PRESENTATIONCONTEXT *>(calloc(1, sizeof(DUL_PRESENTATIONCONTEXT)));
    if (!node) return EC_MemoryExhausted;
    node->presentationContextID = 1;
    node->result = DUL_PRESENTATION_ACCEPT;
    node->proposedSCRole = node->acceptedSCRole = DUL_SC_ROLE_DEFAULT;
    OFStandard::strlcpy(
        node->acceptedTransferSyntax, UID_LittleEndianImplicitTransferSyntax, sizeof node->acceptedTransferSyntax);
    LST_Enqueue(&parameters.acceptedPresentationContext, reinterpret_cast<LST_NODE *>(node));
    return DUL_AcknowledgeAssociationRQ(&association.key, &parameters, 0);
}

} // namespace

cdcmtk_condition cdcmtk_association_establish(
    int socket, cdcmtk_tls_session *session, const uint8_t *request, size_t length, uint32_t max_pdu,
    cdcmtk_association **result) {
    *result = nullptr;
    return cdcmtk_guard([&] {
        auto association = std::make_unique<cdcmtk_association>();
        association->channel = std::make_shared<Channel>(socket, session);
        Channel &channel = *association->channel;
        channel.push_back(request, length);
        std::vector<uint8_t> unread;
        channel.captured = &unread;
        Parameters parameters;
        OFCondition condition = receive_request(*association, max_pdu, parameters);
        if (condition.good()) condition = answer(*association, parameters);
        channel.captured = nullptr;
        if (condition.bad()) return cdcmtk_copy(condition);
        // 12 bytes of heads; DUL's own limit where the peer states none.
        const unsigned long peer = parameters.peerMaxPDU;
        association->fragment_limit = (peer == 0 || peer > ASC_MAXIMUMPDUSIZE ? ASC_MAXIMUMPDUSIZE : peer) - 12;
        *result = association.release();
        return cdcmtk_good();
    });
}

void cdcmtk_association_destroy(cdcmtk_association *association) { delete association; }

cdcmtk_event cdcmtk_association_read(
    cdcmtk_association *association, int idle_ms, int pdu_ms, cdcmtk_condition *text) {
    *text = cdcmtk_good();
    Channel &channel = *association->channel;
    // A wait that was cut short before leaves nothing behind: what is read now has an end of its own.
    if (channel.end == Channel::End::timedOut) channel.end = Channel::End::open;
    channel.set_deadline(idle_ms);
    // A wait in vain, such as a look whether the peer cancels, must not be taken for the end of a later one.
    if (channel.end == Channel::End::timedOut) channel.end = Channel::End::open;
    if (!channel.wait_readable())
        return channel.end == Channel::End::timedOut ? CDCMTK_EVENT_IDLE_TIMEOUT : CDCMTK_EVENT_CLOSED;
    channel.set_deadline(pdu_ms);
    association->unread = association->unread_end = nullptr;
    const uint8_t *head = channel.peek(6);
    if (!head) return channel.end == Channel::End::timedOut ? CDCMTK_EVENT_PDU_TIMEOUT : CDCMTK_EVENT_CLOSED;
    const size_t length = size_t(head[2]) << 24 | size_t(head[3]) << 16 | size_t(head[4]) << 8 | head[5];
    cdcmtk_event event = CDCMTK_EVENT_ILLEGAL;
    *text = cdcmtk_guard([&] {
        DUL_PDVLIST list;
        memset(&list, 0, sizeof list);
        const OFCondition condition = DUL_ReadPDVs(&association->key, &list, DUL_BLOCK, 0);
        // What the channel saw comes first: DUL calls a lost connection an abort.
        if (condition == DUL_PDATAPDUARRIVED) {
            // DUL has checked that the lengths of the PDVs add up to that of the PDU. Its DUL_NextPDV, though, steps over
            // each by the length of the one after it, and so loses its place, and its memory, in a PDU of three or more of
            // unequal length. It is asked for the first one only, which tells where they lie.
            DUL_PDV first;
            if (DUL_NextPDV(&association->key, &first).bad()) return cdcmtk_failed("P-DATA-TF PDU without a PDV");
            association->unread = static_cast<const uint8_t *>(first.data) - 6;
            association->unread_end = association->unread + length;
            event = CDCMTK_EVENT_DATA;
        }
        else if (channel.end == Channel::End::timedOut) event = CDCMTK_EVENT_PDU_TIMEOUT;
        else if (channel.end == Channel::End::closed) event = CDCMTK_EVENT_CLOSED;
        else if (condition == DUL_PEERREQUESTEDRELEASE) event = CDCMTK_EVENT_RELEASE_REQUESTED;
        else if (condition == DUL_PEERABORTEDASSOCIATION) event = CDCMTK_EVENT_ABORTED;
        else if (condition.good()) return cdcmtk_failed("PDU that does not belong in an established association");
        return cdcmtk_copy(condition);
    });
    return event;
}

bool cdcmtk_association_next_fragment(cdcmtk_association *association, cdcmtk_fragment *fragment) {
    const uint8_t *&at = association->unread;
    const size_t left = size_t(association->unread_end - at);
    if (left < 6) return false;
    const size_t length = size_t(at[0]) << 24 | size_t(at[1]) << 16 | size_t(at[2]) << 8 | at[3];
    if (length < 2 || length > left - 4) return false;
    fragment->context_id = at[4];
    fragment->is_command = at[5] & 1;
    fragment->is_last = at[5] & 2;
    fragment->bytes = at + 6;
    fragment->length = length - 2;
    at += 4 + length;
    return true;
}

cdcmtk_condition cdcmtk_association_write(
    cdcmtk_association *association, const cdcmtk_fragment *fragment, int timeout_ms) {
    return cdcmtk_guard([&] {
        association->channel->set_deadline(timeout_ms);
        DUL_PDV pdv;
        pdv.fragmentLength = fragment->length;
        pdv.presentationContextID = fragment->context_id;
        pdv.pdvType = fragment->is_command ? DUL_COMMANDPDV : DUL_DATASETPDV;
        pdv.lastPDV = fragment->is_last;
        pdv.data = const_cast<uint8_t *>(fragment->bytes);
        DUL_PDVLIST list;
        memset(&list, 0, sizeof list);
        list.count = 1;
        list.pdv = &pdv;
        return cdcmtk_copy(DUL_WritePDVs(&association->key, &list));
    });
}

size_t cdcmtk_association_fragment_limit(cdcmtk_association *association) { return association->fragment_limit; }

cdcmtk_condition cdcmtk_association_acknowledge_release(cdcmtk_association *association, int timeout_ms) {
    return cdcmtk_guard([&] {
        association->channel->set_deadline(timeout_ms);
        return cdcmtk_copy(DUL_AcknowledgeRelease(&association->key));
    });
}

cdcmtk_condition cdcmtk_association_release(cdcmtk_association *association, int timeout_ms) {
    return cdcmtk_guard([&] {
        association->channel->set_deadline(timeout_ms);
        return cdcmtk_copy(DUL_ReleaseAssociation(&association->key));
    });
}

void cdcmtk_association_abort(cdcmtk_association *association, uint8_t source, uint8_t reason, int timeout_ms) {
    // Not through DUL_AbortAssociation, which then reads what the peer sends for as long as it does.
    const uint8_t pdu[10] = {0x07, 0, 0, 0, 0, 4, 0, 0, source, reason};
    association->channel->set_deadline(timeout_ms);
    association->channel->write(pdu, sizeof pdu);
}

void cdcmtk_association_linger(cdcmtk_association *association, int timeout_ms) {
    Channel &channel = *association->channel;
    channel.shutdown_writing();
    channel.set_deadline(timeout_ms);
    uint8_t sink[16384];
    while (channel.read(sink, sizeof sink) > 0) {
        if (!channel.has_time()) break;
    }
}

int cdcmtk_socket_accept(int listener, char *host, size_t capacity) {
    sockaddr_storage address;
    socklen_t length = sizeof address;
    auto *generic = reinterpret_cast<sockaddr *>(&address);
    const int socket = accept4(listener, generic, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) return -1;
    if (getnameinfo(generic, length, host, socklen_t(capacity), nullptr, 0, NI_NUMERICHOST) != 0)
        snprintf(host, capacity, "unknown");
    return socket;
}

const char *cdcmtk_storage_sop_class(size_t index) {
    return index < size_t(numberOfDcmAllStorageSOPClassUIDs) ? dcmAllStorageSOPClassUIDs[index] : nullptr;
}

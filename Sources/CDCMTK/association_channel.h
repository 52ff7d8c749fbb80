// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "tls_session.h"

#include <dcmtk/config/osconfig.h>
#include <dcmtk/dcmnet/dcmlayer.h>
#include <dcmtk/dcmnet/dcmtrans.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include <sys/uio.h>

/// A non-blocking socket, read and written against monotonic deadlines. It outlives the DcmTransportConnection that DUL
/// deletes when it pleases (on abort, release, error), so that we can still send an abort and see why DUL gave up.
class Channel {
public:
    enum class End { open, closed, timedOut };

    /// Takes both. With a session, whose handshake is done, what is read and written is its plain text.
    Channel(int socket, cdcmtk_tls_session *session);
    ~Channel();
    Channel(const Channel &) = delete;
    Channel &operator=(const Channel &) = delete;

    static int64_t now();

    /// Until `set_deadline` is called again. Milliseconds from now; reading and writing share it.
    void set_deadline(int timeout_ms);
    /// True when a byte can be read; false with `end` set where none came in time.
    bool wait_readable();
    /// Waits for the next `count` bytes, a few, and shows them without taking them; NULL where they did not come.
    const uint8_t *peek(size_t count);
    /// At least one byte; 0 at the peer's end, -1 on error or timeout (errno ETIMEDOUT). Never EINTR.
    ssize_t read(void *buffer, size_t count);
    /// All of it or -1.
    ssize_t write(const void *buffer, size_t count);
    void push_back(const uint8_t *bytes, size_t count);
    void shutdown_writing();
    bool has_time() const { return now() < deadline_; }
    int socket() const { return socket_; }

    End end = End::open;
    /// Where set, takes what is written instead of the socket.
    std::vector<uint8_t> *captured = nullptr;

private:
    bool wait(short events);
    ssize_t receive(iovec *parts, int count);
    ssize_t receive_from_session(void *buffer, size_t count);
    bool write_to_session(const uint8_t *bytes, size_t count);
    bool wait_for(cdcmtk_tls_progress progress);
    bool is_late();

    int socket_;
    std::unique_ptr<cdcmtk_tls_session> session_;
    int64_t deadline_;
    /// Bytes read ahead: the tail of the last receive, or those pushed back.
    std::vector<uint8_t> ahead_;
    size_t ahead_start_ = 0, ahead_end_ = 0;
    /// The head of a P-DATA-TF PDU that DUL wrote, kept until its body follows, so that both leave in one segment.
    uint8_t head_[12];
    bool has_head_ = false;
};

/// DUL's view of a channel.
class ChannelConnection : public DcmTransportConnection {
public:
    explicit ChannelConnection(std::shared_ptr<Channel> channel);
    OFCondition serverSideHandshake() override { return EC_Normal; }
    OFCondition clientSideHandshake() override { return EC_Normal; }
    OFCondition renegotiate(const char *) override { return EC_Normal; }
    ssize_t read(void *buffer, size_t count) override { return channel_->read(buffer, count); }
    ssize_t write(void *buffer, size_t count) override { return channel_->write(buffer, count); }
    /// The channel closes its socket, not DUL.
    void close() override {}
    void closeTransportConnection() override {}
    unsigned long getPeerCertificateLength() override { return 0; }
    unsigned long getPeerCertificate(void *, unsigned long) override { return 0; }
    /// DUL's own seconds do not count: the channel's deadline does.
    OFBool networkDataAvailable(int) override { return channel_->wait_readable(); }
    OFBool isTransparentConnection() override { return OFFalse; }
    OFString &dumpConnectionParameters(OFString &text) override { return text = "Transport connection: TCP/IP"; }

private:
    std::shared_ptr<Channel> channel_;
};

/// Makes one connection, of the channel it was given.
class ChannelLayer : public DcmTransportLayer {
public:
    explicit ChannelLayer(std::shared_ptr<Channel> channel) : channel_(std::move(channel)) {}
    DcmTransportConnection *createConnection(DcmNativeSocketType, OFBool) override {
        return new ChannelConnection(channel_);
    }

private:
    std::shared_ptr<Channel> channel_;
};

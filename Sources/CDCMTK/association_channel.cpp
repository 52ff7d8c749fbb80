// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

#include "association_channel.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {
constexpr size_t ahead_capacity = 65536;
constexpr uint8_t p_data_tf = 0x04;
/// The most plain text of one TLS record (RFC 8446 5.1).
constexpr size_t record_capacity = 16384;
} // namespace

Channel::Channel(int socket, cdcmtk_tls_session *session)
    : socket_(socket), session_(session), deadline_(now()), ahead_(ahead_capacity) {
    fcntl(socket_, F_SETFL, fcntl(socket_, F_GETFL) | O_NONBLOCK);
    fcntl(socket_, F_SETFD, FD_CLOEXEC);
    // Nagle's algorithm would hold each response back until the peer acknowledges: 40 ms a message.
    const int on = 1;
    setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // Associations may be idle for an hour; a peer that lost its power must not keep its place that long. Found in 2 minutes.
    const int idle = 60, interval = 10, count = 6;
    setsockopt(socket_, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(socket_, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(socket_, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(socket_, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

Channel::~Channel() { ::close(socket_); }

int64_t Channel::now() {
    timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return int64_t(time.tv_sec) * 1000 + time.tv_nsec / 1000000;
}

void Channel::set_deadline(int timeout_ms) { deadline_ = now() + timeout_ms; }

bool Channel::wait(short events) {
    for (;;) {
        const int64_t left = deadline_ - now();
        pollfd entry = {socket_, events, 0};
        const int count = poll(&entry, 1, left > 0 ? int(left) : 0);
        if (count > 0) return true;
        if (count == 0 && left <= 0) {
            end = End::timedOut;
            errno = ETIMEDOUT;
            return false;
        }
        if (count < 0 && errno != EINTR) {
            end = End::closed;
            return false;
        }
    }
}

bool Channel::wait_readable() {
    if (ahead_start_ < ahead_end_) return true;
    if (!session_) return wait(POLLIN);
    // That the socket can be read does not say that there is plain text.
    const ssize_t received = receive_from_session(ahead_.data(), ahead_.size());
    if (received <= 0) return false;
    ahead_start_ = 0;
    ahead_end_ = size_t(received);
    return true;
}

bool Channel::wait_for(cdcmtk_tls_progress progress) {
    switch (progress) {
    case CDCMTK_TLS_AGAIN: return !is_late();
    case CDCMTK_TLS_WANTS_READ: return wait(POLLIN) && !is_late();
    case CDCMTK_TLS_WANTS_WRITE: return wait(POLLOUT) && !is_late();
    default: end = End::closed; return false;
    }
}

ssize_t Channel::receive_from_session(void *buffer, size_t count) {
    for (;;) {
        size_t received = 0;
        const cdcmtk_tls_progress progress = session_->read(buffer, count, received);
        if (progress == CDCMTK_TLS_DONE) return ssize_t(received);
        if (!wait_for(progress)) return progress == CDCMTK_TLS_CLOSED ? 0 : -1;
    }
}

bool Channel::write_to_session(const uint8_t *bytes, size_t count) {
    while (count > 0) {
        size_t written = 0;
        const cdcmtk_tls_progress progress = session_->write(bytes, count, written);
        if (progress == CDCMTK_TLS_DONE) {
            bytes += written;
            count -= written;
        } else if (!wait_for(progress)) {
            return false;
        }
    }
    return true;
}

ssize_t Channel::receive(iovec *parts, int count) {
    if (session_) return receive_from_session(parts[0].iov_base, parts[0].iov_len);
    for (;;) {
        const ssize_t received = readv(socket_, parts, count);
        if (received > 0) {
            // A peer that leaves Nagle on waits for our acknowledgement before it sends the tail of a message; the kernel
            // forgets this setting by itself.
            const int on = 1;
            setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
            return received;
        }
        if (received == 0) {
            end = End::closed;
            return 0;
        }
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK) {
            end = End::closed;
            return -1;
        }
        if (!wait(POLLIN)) return -1;
    }
}

/// A peer that drips bytes must not stretch a PDU beyond its deadline.
bool Channel::is_late() {
    if (now() < deadline_) return false;
    end = End::timedOut;
    errno = ETIMEDOUT;
    return true;
}

const uint8_t *Channel::peek(size_t count) {
    memmove(ahead_.data(), ahead_.data() + ahead_start_, ahead_end_ - ahead_start_);
    ahead_end_ -= ahead_start_;
    ahead_start_ = 0;
    while (ahead_end_ < count) {
        iovec rest = {ahead_.data() + ahead_end_, ahead_.size() - ahead_end_};
        const ssize_t received = receive(&rest, 1);
        if (received <= 0) return nullptr;
        ahead_end_ += size_t(received);
        if (ahead_end_ < count && is_late()) return nullptr;
    }
    return ahead_.data();
}

ssize_t Channel::read(void *buffer, size_t count) {
    if (count == 0) return 0;
    if (ahead_start_ < ahead_end_) {
        const size_t taken = std::min(count, ahead_end_ - ahead_start_);
        memcpy(buffer, ahead_.data() + ahead_start_, taken);
        ahead_start_ += taken;
        return ssize_t(taken);
    }
    // One call fetches the rest of this PDU and the head of the next.
    iovec parts[2] = {{buffer, count}, {ahead_.data(), ahead_.size()}};
    const ssize_t received = receive(parts, 2);
    if (received <= 0) return received;
    ahead_start_ = 0;
    ahead_end_ = size_t(received) > count ? size_t(received) - count : 0;
    if (size_t(received) < count && is_late()) return -1;
    return ssize_t(std::min(size_t(received), count));
}

ssize_t Channel::write(const void *buffer, size_t count) {
    if (captured) {
        auto *bytes = static_cast<const uint8_t *>(buffer);
        captured->insert(captured->end(), bytes, bytes + count);
        return ssize_t(count);
    }
    if (!has_head_ && count == sizeof head_ && *static_cast<const uint8_t *>(buffer) == p_data_tf) {
        memcpy(head_, buffer, sizeof head_);
        has_head_ = true;
        return ssize_t(count);
    }
    if (session_) {
        auto *rest = static_cast<const uint8_t *>(buffer);
        size_t left = count;
        if (has_head_) {
            // In one record with what follows.
            has_head_ = false;
            uint8_t first[record_capacity];
            const size_t taken = std::min(left, sizeof first - sizeof head_);
            memcpy(first, head_, sizeof head_);
            memcpy(first + sizeof head_, rest, taken);
            if (!write_to_session(first, sizeof head_ + taken)) return -1;
            rest += taken;
            left -= taken;
        }
        return write_to_session(rest, left) ? ssize_t(count) : -1;
    }
    iovec parts[2] = {{head_, has_head_ ? sizeof head_ : 0}, {const_cast<void *>(buffer), count}};
    has_head_ = false;
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        msghdr message = {};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        const ssize_t sent = sendmsg(socket_, &message, MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EINTR) continue;
            if (errno != EAGAIN && errno != EWOULDBLOCK) {
                end = End::closed;
                return -1;
            }
            if (!wait(POLLOUT)) return -1;
            continue;
        }
        size_t left = size_t(sent);
        for (iovec &part : parts) {
            const size_t done = std::min(left, part.iov_len);
            part.iov_base = static_cast<uint8_t *>(part.iov_base) + done;
            part.iov_len -= done;
            left -= done;
        }
    }
    return ssize_t(count);
}

void Channel::push_back(const uint8_t *bytes, size_t count) {
    if (count > ahead_.size()) ahead_.resize(count);
    memcpy(ahead_.data(), bytes, count);
    ahead_start_ = 0;
    ahead_end_ = count;
}

void Channel::shutdown_writing() {
    if (session_) session_->close();
    ::shutdown(socket_, SHUT_WR);
}

ChannelConnection::ChannelConnection(std::shared_ptr<Channel> channel)
    : DcmTransportConnection(channel->socket()), channel_(std::move(channel)) {}

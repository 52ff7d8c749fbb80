// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import Glibc

/// An owned, non-blocking, close-on-exec stream socket, for what comes before the upper layer: handshakes and refusals.
struct Socket: ~Copyable {
    let descriptor: Int32
    /// Where set, what is read and written is its plain text.
    private var session: TLSSession?

    enum Failure: Error, Equatable {
        case closed
        case timedOut
        case tooLong(Int)
        case system(Int32)
        /// What OpenSSL says.
        case tls(String)
        /// A TLS handshake was due, and an association request in plain came.
        case plain

        var words: String {
            switch self {
            case .closed: "the peer closed the connection"
            case .timedOut: "no answer in time"
            case .tooLong(let length): "a PDU of \(length) bytes"
            case .system(let number): String(cString: strerror(number))
            case .tls(let words): words
            case .plain: "plain DICOM on the TLS port"
            }
        }
    }

    init(owning descriptor: Int32) {
        self.descriptor = descriptor
        // Nagle's algorithm would hold small PDUs back until the peer acknowledges.
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    deinit {
        session?.destroy()
        close(descriptor)
    }

    static func connected(
        to address: UnsafePointer<sockaddr>, length: socklen_t, family: Int32, until deadline: ContinuousClock.Instant
    ) throws(Failure) -> Socket {
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let descriptor = Glibc.socket(family, type, 0)
        guard descriptor >= 0 else { throw .system(errno) }
        let socket = Socket(owning: descriptor)
        if connect(descriptor, address, length) != 0 {
            guard errno == EINPROGRESS else { throw .system(errno) }
            try socket.wait(for: POLLOUT, until: deadline)
            var code: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &size)
            guard code == 0 else { throw .system(code) }
        }
        return socket
    }

    /// Gives the descriptor and the TLS session away.
    consuming func take() -> (descriptor: Int32, session: TLSSession?) {
        let taken = (descriptor, session)
        discard self
        return taken
    }

    func wait(for events: Int32, until deadline: ContinuousClock.Instant) throws(Failure) {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, pollTimeout(until: deadline))
            if count > 0 { return }
            if count == 0, ContinuousClock.now >= deadline { throw .timedOut }
            if count < 0, errno != EINTR { throw .system(errno) }
        }
    }

    /// Appends what has arrived, `limit` bytes at most and one at least.
    func read(into bytes: inout [UInt8], limit: Int, until deadline: ContinuousClock.Instant) throws(Failure) {
        guard let session else { return try receive(into: &bytes, limit: limit, until: deadline) }
        let start = bytes.count
        let wanted = min(limit, 16_384)
        bytes.append(contentsOf: repeatElement(0, count: wanted))
        var count = 0
        defer { bytes.removeLast(wanted - count) }
        count = try perform(until: deadline) {
            bytes.withUnsafeMutableBytes { session.read(into: .init(rebasing: $0[start...])) }
        }
    }

    /// From the socket itself.
    private func receive(
        into bytes: inout [UInt8], limit: Int, until deadline: ContinuousClock.Instant
    ) throws(Failure) {
        while true {
            guard ContinuousClock.now < deadline else { throw .timedOut }
            let start = bytes.count
            let wanted = min(limit, 16_384)
            bytes.append(contentsOf: repeatElement(0, count: wanted))
            let count = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + start, wanted) }
            let code = errno
            bytes.removeLast(wanted - max(0, count))
            if count > 0 {
                // A peer that leaves Nagle on waits for our acknowledgement before it sends the tail of its PDU.
                var on: Int32 = 1
                setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_QUICKACK, &on, socklen_t(MemoryLayout<Int32>.size))
                return
            }
            if count == 0 { throw .closed }
            if code == EAGAIN || code == EWOULDBLOCK {
                try wait(for: POLLIN, until: deadline)
            } else if code != EINTR {
                throw .system(code)
            }
        }
    }

    /// A whole PDU with its head (PS3.8 9.3.1).
    func readPDU(maximumLength: Int, until deadline: ContinuousClock.Instant) throws(Failure) -> [UInt8] {
        var pdu: [UInt8] = []
        while pdu.count < 6 { try read(into: &pdu, limit: 6 - pdu.count, until: deadline) }
        let length = pdu[2..<6].reduce(0) { $0 << 8 | Int($1) }
        guard length <= maximumLength else { throw .tooLong(length) }
        while pdu.count < 6 + length { try read(into: &pdu, limit: 6 + length - pdu.count, until: deadline) }
        return pdu
    }

    func write(_ bytes: [UInt8], until deadline: ContinuousClock.Instant) throws(Failure) {
        var offset = 0
        while offset < bytes.count {
            if let session {
                offset += try perform(until: deadline) {
                    bytes.withUnsafeBytes { session.write(.init(rebasing: $0[offset...])) }
                }
                continue
            }
            let count = bytes.withUnsafeBytes { buffer in
                send(descriptor, buffer.baseAddress! + offset, buffer.count - offset, Int32(MSG_NOSIGNAL))
            }
            if count >= 0 {
                offset += count
            } else if errno == EAGAIN || errno == EWOULDBLOCK {
                try wait(for: POLLOUT, until: deadline)
            } else if errno != EINTR {
                throw .system(errno)
            }
        }
    }

    // MARK: TLS

    /// The handshake; afterwards what is read and written is plain text. A failure leaves the socket without a session, so that
    /// it can still be told something in plain.
    mutating func startTLS(
        _ context: TLSContext, isAcceptor: Bool, until deadline: ContinuousClock.Instant
    ) throws(Failure) {
        guard let session = context.session(on: descriptor, isAcceptor: isAcceptor) else { throw .system(ENOMEM) }
        do throws(Failure) {
            _ = try perform(until: deadline) { session.handshake() }
        } catch {
            session.destroy()
            throw error
        }
        self.session = session
    }

    var tlsPeer: TLSSession.Peer? { session?.peer }

    /// Whether the peer's certificate carries this name; false without TLS, or without a certificate.
    func peerHasName(_ name: String) -> Bool { session?.peerHasName(name) ?? false }

    private func perform(
        until deadline: ContinuousClock.Instant, _ step: () -> TLSSession.Progress
    ) throws(Failure) -> Int {
        while true {
            guard ContinuousClock.now < deadline else { throw .timedOut }
            switch step() {
            case .done(let count): return count
            case .wantsRead: try wait(for: POLLIN, until: deadline)
            case .wantsWrite: try wait(for: POLLOUT, until: deadline)
            case .again: continue
            case .closed: throw .closed
            case .plain: throw .plain
            case .failed(let words): throw .tls(words)
            }
        }
    }

    /// Ends our direction and gives the peer time to close its own: closing at once, with bytes of the peer unread, would
    /// reset the connection and could take our last PDU with it.
    func linger(until deadline: ContinuousClock.Instant) {
        shutdown(descriptor, Int32(SHUT_WR))
        var sink: [UInt8] = []
        do throws(Failure) {
            while true {
                try receive(into: &sink, limit: 16_384, until: deadline)
                sink.removeAll(keepingCapacity: true)
            }
        } catch {}
    }
}

/// Milliseconds for poll(2), rounded up.
func pollTimeout(until deadline: ContinuousClock.Instant) -> Int32 {
    let (seconds, attoseconds) = (deadline - .now).components
    guard seconds >= 0, attoseconds >= 0 else { return 0 }
    guard seconds < 1_000_000 else { return 1_000_000_000 }
    return Int32(seconds) * 1000 + Int32(attoseconds / 1_000_000_000_000_000) + 1
}

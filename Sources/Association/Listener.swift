// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import Glibc

/// A listening socket and the loop that accepts on it.
final class Listener: Sendable {
    let port: UInt16
    private let socket: Int32
    /// Readable once the loop is to end.
    private let wake: Int32
    private let wakeUp: Int32
    private enum Phase { case idle, running, stopping, ended }
    private let phase = Monitor(Phase.idle)

    init(host: String, port: UInt16) throws(AssociationError) {
        func failure(_ reason: String) -> AssociationError { .cannotListen(host: host, port: port, reason: reason) }
        var hints = addrinfo()
        hints.ai_flags = AI_PASSIVE
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let address = list else { throw failure(String(cString: gai_strerror(code))) }
        defer { freeaddrinfo(list) }
        let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
        let socket = Glibc.socket(address.pointee.ai_family, type, 0)
        guard socket >= 0 else { throw failure(String(cString: strerror(errno))) }
        var on: Int32 = 1
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
        guard bind(socket, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0, listen(socket, 128) == 0 else {
            let reason = String(cString: strerror(errno))
            close(socket)
            throw failure(reason)
        }
        var bound = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        withUnsafeMutablePointer(to: &bound) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(socket, $0, &length) }
        }
        self.port = withUnsafeBytes(of: bound) { bytes in
            // Port lies at the same place in sockaddr_in and sockaddr_in6.
            UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
        }
        self.socket = socket
        var ends: [Int32] = [-1, -1]
        socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends)
        (wake, wakeUp) = (ends[0], ends[1])
    }

    deinit {
        close(socket)
        close(wake)
        close(wakeUp)
    }

    /// Accepts until `stop`. The descriptor given to `accepted` is its to close.
    func run(accepted: (Int32, String) -> Void, failed: (String) -> Void) {
        guard
            phase.withLock({ phase in
                guard phase == .idle else { return false }
                phase = .running
                return true
            })
        else { return }
        defer { phase.withLock { $0 = .ended } }
        while true {
            var entries = [
                pollfd(fd: socket, events: Int16(POLLIN), revents: 0),
                pollfd(fd: wake, events: Int16(POLLIN), revents: 0),
            ]
            poll(&entries, 2, -1)
            if entries[1].revents != 0 { return }
            if let (descriptor, address) = AssociationHandle.accept(on: socket) {
                accepted(descriptor, address)
            } else if ![EAGAIN, EINTR, ECONNABORTED].contains(errno) {
                // Out of descriptors or memory: the connection stays queued, so pause instead of spinning.
                failed("cannot accept a connection: \(String(cString: strerror(errno)))")
                usleep(100_000)
            }
        }
    }

    /// Returns once the loop has ended.
    func stop() {
        let isRunning = phase.withLock { phase in
            if phase == .idle { phase = .ended }
            return phase != .ended
        }
        guard isRunning else {
            shutdown(socket, Int32(SHUT_RDWR))
            return
        }
        var byte: UInt8 = 0
        write(wakeUp, &byte, 1)
        _ = phase.wait(until: .now + .seconds(10)) { $0 == .ended }
        // Refuses those that still queue, before the last reference goes.
        shutdown(socket, Int32(SHUT_RDWR))
    }
}

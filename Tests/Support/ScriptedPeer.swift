// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Glibc

/// A peer that sends exactly the bytes it is told to, right or wrong, over a socket of its own.
package final class ScriptedPeer {
    package enum Step {
        case send([UInt8])
        /// The next PDU must have this type.
        case expect(UInt8)
        /// The other side must close, whatever it sends before.
        case expectEnd
        case wait(milliseconds: UInt32)
        /// Closes in order, or with a reset.
        case close
        case reset
    }

    private var descriptor: Int32
    package private(set) var received: [[UInt8]] = []

    /// Connects to a port of this machine, from another of its loopback addresses (127.0.0.0/8) where one is named.
    package init(port: UInt16, from address: String? = nil) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if let address {
            let number = address.split(separator: ".").compactMap { UInt32($0) }.reduce(0) { $0 << 8 | $1 }
            guard withLoopback(port: 0, address: number, { bind(descriptor, $0, $1) }) == 0 else {
                throw ToolError("cannot bind to \(address)")
            }
        }
        let code = withLoopback(port: port) { connect(descriptor, $0, $1) }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            Glibc.close(descriptor)
            throw ToolError("cannot connect to port \(port): \(reason)")
        }
        limitWaiting()
    }

    fileprivate init(owning descriptor: Int32) {
        self.descriptor = descriptor
        limitWaiting()
    }

    deinit { close() }

    /// A peer that hears nothing must fail its test, not hang it.
    private func limitWaiting() {
        var time = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    package func play(_ steps: [Step]) throws {
        for (index, step) in steps.enumerated() {
            switch step {
            case .send(let bytes): send(bytes)
            case .expect(let type):
                guard let pdu = readPDU() else {
                    throw ToolError("step \(index): the connection ended, PDU \(type) was due")
                }
                guard pdu[0] == type else {
                    throw ToolError("step \(index): PDU \(pdu.prefix(10)) where \(type) was due")
                }
            case .expectEnd:
                guard endsAfterReading() else { throw ToolError("step \(index): the connection was not closed") }
            case .wait(let milliseconds): usleep(milliseconds * 1000)
            case .close: close()
            case .reset: reset()
            }
        }
    }

    /// As much of it as the other side takes; a closed connection is no error here.
    package func send(_ bytes: [UInt8]) {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(descriptor, $0.baseAddress! + offset, $0.count - offset, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }
            offset += count
        }
    }

    package func readPDU() -> [UInt8]? {
        guard let head = read(6) else { return nil }
        guard let body = read(head[2..<6].reduce(0) { $0 << 8 | Int($1) }) else { return nil }
        received.append(head + body)
        return head + body
    }

    /// True where the other side closed; false after 20 s of silence.
    package func endsAfterReading() -> Bool {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count == 0 || (count < 0 && errno == ECONNRESET) { return true }
            if count < 0 { return false }
        }
    }

    private func read(_ count: Int) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: count)
        var done = 0
        while done < count {
            let got = bytes.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress! + done, count - done, 0) }
            guard got > 0 else { return nil }
            done += got
        }
        return bytes
    }

    package func close() {
        guard descriptor >= 0 else { return }
        Glibc.close(descriptor)
        descriptor = -1
    }

    package func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// Listens on a port of this machine and hands over the connections, to play an acceptor.
package final class ScriptedListener: Sendable {
    package let port: UInt16
    private let descriptor: Int32

    /// 0 is any port that is free.
    package init(port wanted: UInt16 = 0) throws {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        guard withLoopback(port: wanted, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 16) == 0 else {
            throw ToolError("cannot listen")
        }
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = getsockname(descriptor, $0, &length) }
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    package func accept() -> ScriptedPeer { ScriptedPeer(owning: Glibc.accept(descriptor, nil, nil)) }
}

private func withLoopback(
    port: UInt16, address number: UInt32 = 0x7F00_0001, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = number.bigEndian
    return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// systemd's notification protocol: datagrams to the socket that NOTIFY_SOCKET names (sd_notify(3)).
struct Notify: Sendable {
    private let address: String?
    /// How often the watchdog wants to hear from us, seconds; nil where it is off.
    let watchdogInterval: Double?

    init(environment: [String: String]) {
        address = environment["NOTIFY_SOCKET"]
        // WATCHDOG_PID guards against a variable inherited from somebody else's unit.
        let isForUs = environment["WATCHDOG_PID"].map { $0 == String(getpid()) } ?? true
        watchdogInterval = isForUs ? environment["WATCHDOG_USEC"].flatMap(Double.init).map { $0 / 1e6 / 2 } : nil
    }

    func ready() { send("READY=1") }
    func stopping() { send("STOPPING=1") }
    func alive() { send("WATCHDOG=1") }
    func status(_ text: String) { send("STATUS=\(text.replacingOccurrences(of: "\n", with: " "))") }

    private func send(_ message: String) {
        guard let address, !address.isEmpty else { return }
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        var path = Array(address.utf8)
        // "@" names the abstract namespace, which begins with a zero byte.
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        var name = sockaddr_un()
        name.sun_family = sa_family_t(AF_UNIX)
        guard path.count < MemoryLayout.size(ofValue: name.sun_path) else { return }
        withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout.offset(of: \sockaddr_un.sun_path)! + path.count)
        let bytes = Array(message.utf8)
        withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// One request to the daemon's own web server. URLSession would bring libcurl along, for this alone.
enum LoopbackRequest {
    /// The body of the answer, whatever its status; nil where nobody answers within `seconds`.
    static func get(_ path: String, host: String, port: Int, seconds: Int = 5) -> Data? {
        send("GET \(path) HTTP/1.0\r\nHost: localhost\r\nConnection: close\r\n\r\n", host, port, seconds)?.body
    }

    /// Status and body of the answer to an empty JSON object; nil where nobody answers.
    static func post(_ path: String, host: String, port: Int, seconds: Int = 10) -> (status: Int, body: Data)? {
        let head = "Host: localhost\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 2\r\n"
        return send("POST \(path) HTTP/1.0\r\n\(head)\r\n{}", host, port, seconds)
    }

    private static func send(
        _ text: String, _ host: String, _ port: Int, _ seconds: Int
    ) -> (status: Int, body: Data)? {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, String(port), &hints, &list) == 0, let address = list else { return nil }
        defer { freeaddrinfo(list) }
        let socket = Glibc.socket(address.pointee.ai_family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard socket >= 0 else { return nil }
        defer { close(socket) }
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(socket, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
        guard connect(socket, address.pointee.ai_addr, address.pointee.ai_addrlen) == 0 else { return nil }
        // HTTP/1.0: the answer ends with the connection, in one piece.
        let request = Array(text.utf8)
        guard Glibc.send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { return nil }
        var answer = Data()
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while answer.count < 1 << 20 {
            let count = recv(socket, &chunk, chunk.count, 0)
            guard count >= 0 else { return nil }
            if count == 0 { break }
            answer.append(contentsOf: chunk[..<count])
        }
        guard let head = answer.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let status = String(decoding: answer.prefix { $0 != 13 }, as: UTF8.self).split(separator: " ").dropFirst().first
        return (status.flatMap { Int($0) } ?? 0, Data(answer[head.upperBound...]))
    }
}

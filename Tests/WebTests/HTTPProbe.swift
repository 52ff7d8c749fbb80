// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A client that sends exactly the bytes it is told to, and reads until the end of one response.
struct HTTPProbe: Sendable {
    struct Answer: Sendable {
        var status: Int
        var headers: [String: String]
        var body: Data

        var text: String { String(decoding: body, as: UTF8.self) }
        var json: [String: Any] { (try? JSONSerialization.jsonObject(with: body) as? [String: Any]) ?? [:] }
    }

    enum Failure: Error {
        case connect(Int32)
        case closed(String)
    }

    let port: Int

    func get(_ path: String, host: String? = nil, method: String = "GET", headers: [String] = []) async throws -> Answer
    {
        try await raw(request(method, path, host: host, headers: headers, body: ""))
    }

    func post(
        _ path: String, _ body: String, type: String? = "application/json", host: String? = nil, headers: [String] = []
    ) async throws -> Answer {
        let type = type.map { ["Content-Type: \($0)"] } ?? []
        return try await raw(
            request(
                "POST", path, host: host, headers: type + ["Content-Length: \(body.utf8.count)"] + headers, body: body))
    }

    private func request(_ method: String, _ path: String, host: String?, headers: [String], body: String) -> String {
        (["\(method) \(path) HTTP/1.1", "Host: \(host ?? "127.0.0.1:\(port)")", "Connection: close"] + headers).joined(
            separator: "\r\n")
            + "\r\n\r\n" + body
    }

    /// Sends `request`, on a thread of its own because sockets block.
    func raw(_ request: String) async throws -> Answer {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try exchange(Array(request.utf8)) }) }
        }
    }

    private func exchange(_ request: [UInt8]) throws -> Answer {
        let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(socket) }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr("127.0.0.1")
        let connected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard connected == 0 else { throw Failure.connect(errno) }
        _ = request.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        var received = Data()
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(socket, &buffer, buffer.count, 0)
            if count <= 0 { break }
            received.append(contentsOf: buffer[..<count])
            if let answer = parse(received), answer.isWhole { return answer.answer }
        }
        guard let answer = parse(received) else { throw Failure.closed(String(decoding: received, as: UTF8.self)) }
        return answer.answer
    }

    private func parse(_ data: Data) -> (answer: Answer, isWhole: Bool)? {
        guard let end = data.range(of: Data("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: data[..<end.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
        let status = lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            let parts = line.split(separator: ":", maxSplits: 1)
            headers[parts[0].lowercased()] = parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : ""
        }
        let body = Data(data[end.upperBound...])
        return (
            Answer(status: status, headers: headers, body: body),
            headers["content-length"].flatMap { Int($0) }.map { body.count >= $0 } ?? false
        )
    }
}

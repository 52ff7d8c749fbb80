// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

package enum WebError: Error, Sendable, Equatable, CustomStringConvertible {
    case notLoopback(host: String)
    case portOutOfRange(Int)
    case cannotListen(host: String, port: Int, reason: String)
    case noAnswer(seconds: Int)

    package var isTransient: Bool {
        switch self {
        case .notLoopback, .portOutOfRange, .cannotListen: false
        case .noAnswer: true
        }
    }

    package var hint: String {
        switch self {
        case .notLoopback: "set web.host to 127.0.0.1 and put a reverse proxy with TLS and login in front"
        case .portOutOfRange: "set web.port to a number from 1 to 65535"
        case .cannotListen: "see which process holds the port (ss -ltnp), or set another web.port"
        case .noAnswer: "see whether the disk that holds the index answers"
        }
    }

    package var description: String {
        switch self {
        case .notLoopback(let host): "web.host \(host) is not a loopback address: \(hint)"
        case .portOutOfRange(let port): "web.port \(port) is no port: \(hint)"
        case .cannotListen(let host, let port, let reason): "cannot listen on \(host) port \(port): \(reason); \(hint)"
        case .noAnswer(let seconds): "no answer within \(seconds) s: \(hint)"
        }
    }
}

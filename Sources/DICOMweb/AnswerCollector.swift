// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import NIOCore
import NIOHTTP1
import Synchronization

/// Keeps what came of an answer, also where the exchange fails after it: a server that refuses need not read the whole request.
final class AnswerCollector: HTTPClientResponseDelegate {
    struct Answer: Sendable {
        var status: Int
        var body: [UInt8] = []
    }

    private let maximum: Int
    private let state = Mutex<Answer?>(nil)

    /// - Parameter maximum: bytes of a body.
    init(maximum: Int) { self.maximum = maximum }

    var answer: Answer? { state.withLock { $0 } }

    func didReceiveHead(task: HTTPClient.Task<Answer>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        state.withLock { $0 = Answer(status: Int(head.status.code)) }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<Answer>, _ buffer: ByteBuffer) -> EventLoopFuture<Void> {
        let count = state.withLock { answer in
            answer?.body += Array(buffer.readableBytesView)
            return answer?.body.count ?? 0
        }
        guard count <= maximum else {
            return task.eventLoop.makeFailedFuture(ResponseAccumulator.ResponseTooBigError(maxBodySize: maximum))
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<Answer>) throws -> Answer {
        guard let answer else { throw HTTPClientError.remoteConnectionClosed }
        return answer
    }
}

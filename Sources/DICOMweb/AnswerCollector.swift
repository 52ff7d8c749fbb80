// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import AsyncHTTPClient
import Dispatch
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

    /// The server does not want the rest of the request.
    var isRefusal: Bool { answer.map { $0.status >= 300 } ?? false }

    /// Waits for a part of the request to go out. Throws where the server has refused it meanwhile: AsyncHTTPClient then writes nothing
    /// more, and leaves whoever waits for it waiting for ever. What else the server says has a moment to come in.
    func wait(for write: EventLoopFuture<Void>) throws {
        let ended = DispatchSemaphore(value: 0)
        write.whenComplete { _ in ended.signal() }
        var wasRefusal = false
        while ended.wait(timeout: .now() + .milliseconds(250)) == .timedOut {
            if wasRefusal { throw HTTPClientError.requestStreamCancelled }
            wasRefusal = isRefusal
        }
        try write.wait()
    }

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

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

extension Response {
    static func data(_ type: String, _ bytes: some Sequence<UInt8> & Sendable) -> Response {
        Response(status: .ok, headers: [.contentType: type], body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }

    static func json(_ status: HTTPResponse.Status, _ value: some Encodable) -> Response {
        let encoder = JSONEncoder()
        encoder.dateEncodingStrategy = Timestamp.encoding
        encoder.outputFormatting = [.withoutEscapingSlashes, .sortedKeys]
        guard let data = try? encoder.encode(value) else { preconditionFailure("an answer of ours cannot be encoded") }
        var response = Self.data("application/json", data)
        response.status = status
        return response
    }

    static func error(_ status: HTTPResponse.Status, _ words: String) -> Response { .json(status, ["error": words]) }
}

/// The value of `work`, or `WebError.noAnswer`. Work that blocks is left behind, for nothing could end it.
func within<Value: Sendable>(
    _ seconds: Int, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    let (values, continuation) = AsyncThrowingStream<Value, any Error>.makeStream()
    let task = Task {
        do {
            continuation.yield(try await work())
        } catch {
            continuation.finish(throwing: error)
        }
    }
    let timer = Task {
        try await Task.sleep(for: .seconds(seconds))
        continuation.finish(throwing: WebError.noAnswer(seconds: seconds))
    }
    defer {
        task.cancel()
        timer.cancel()
    }
    for try await value in values { return value }
    throw CancellationError()
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import FoundationNetworking
import Synchronization

/// A blocking HTTP client for tests.
package enum HTTP {
    package struct Response: Sendable {
        package var status: Int
        package var body: Data
        package var text: String { String(decoding: body, as: UTF8.self) }
    }

    package static func get(_ url: String, seconds: Double = 10) throws -> Response {
        try send(request(url, seconds))
    }

    package static func post(_ url: String, json: String, seconds: Double = 10) throws -> Response {
        var request = try request(url, seconds)
        request.httpMethod = "POST"
        request.setValue("application/json", forHTTPHeaderField: "Content-Type")
        request.httpBody = Data(json.utf8)
        return try send(request)
    }

    package static func delete(_ url: String, seconds: Double = 10) throws -> Response {
        var request = try request(url, seconds)
        request.httpMethod = "DELETE"
        return try send(request)
    }

    private static func request(_ url: String, _ seconds: Double) throws -> URLRequest {
        guard let url = URL(string: url) else { throw ToolError("not a URL: \(url)") }
        var request = URLRequest(url: url)
        request.timeoutInterval = seconds
        return request
    }

    private static func send(_ request: URLRequest) throws -> Response {
        let done = DispatchSemaphore(value: 0)
        let answer = Mutex<Result<Response, ToolError>?>(nil)
        let task = URLSession.shared.dataTask(with: request) { data, response, error in
            answer.withLock {
                if let http = response as? HTTPURLResponse {
                    $0 = .success(Response(status: http.statusCode, body: data ?? Data()))
                } else {
                    $0 = .failure(
                        ToolError(
                            "no answer from \(request.url?.absoluteString ?? "?"): \(error.map { "\($0)" } ?? "")"))
                }
            }
            done.signal()
        }
        task.resume()
        done.wait()
        return try answer.withLock { $0! }.get()
    }
}

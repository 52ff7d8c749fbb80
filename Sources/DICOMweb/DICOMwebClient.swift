// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

// DICOMweb: what the node asks of an origin server over HTTP (PS3.18).
// Takes Part 10 files and the UIDs of instances; gives what the server said of each.
// Keeps connections.  Never parses or changes a data set, never holds one in memory, never follows a redirect, and never
// decides what to do next.

import AsyncHTTPClient
import DICOM
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL
import Synchronization

/// An origin server, and how to reach it.
package struct DICOMwebPlace: Sendable, Hashable {
    /// What the paths of the services begin with, such as https://pacs.example/dicom-web.
    package var url: String
    /// Read for each request, so that a token can be renewed; nil asks without one.
    package var tokenFile: String?
    /// PEM: what the server's certificate must lead to; nil takes the system's roots.
    package var trusted: String?
    /// PEM: the node's own certificate and key, where the server asks for one.
    package var certificate: String?
    package var key: String?

    package init(
        url: String, tokenFile: String? = nil, trusted: String? = nil, certificate: String? = nil, key: String? = nil
    ) {
        self.url = url
        self.tokenFile = tokenFile
        self.trusted = trusted
        self.certificate = certificate
        self.key = key
    }
}

/// What came of a request.
package enum DICOMwebOutcome: Sendable, Equatable {
    /// The server has it; a warning is a status as of C-STORE (PS3.18 10.5.3.2).
    case stored(warning: Status?)
    /// It refused this instance: Failure Reason (0008,1197).
    case failed(Status)
    case found
    case notFound
    /// An answer that says nothing of the instance.
    case answered(status: Int)
    /// Nothing of the request had any effect.
    case notConnected(String)
    /// The request went out whole, and no answer came.
    case unanswered(String)
}

/// Any thread; calls block, with deadlines.
package final class DICOMwebClient: Sendable {
    /// Seconds.
    package struct Timeouts: Sendable {
        package var connect = 10.0
        /// Without a byte of the answer.
        package var answer = 60.0

        package init() {}
    }

    package struct Unusable: Error, CustomStringConvertible {
        package var description: String
    }

    /// A store response names each instance; there is one in a request.
    private static let maximumAnswer = 1 << 20
    private static let fragment = 1 << 18
    /// Bytes in a second: what is slower than this is given up.
    private static let slowest: Int64 = 50_000

    private let place: DICOMwebPlace
    private let root: String
    private let timeouts: Timeouts
    private let client: HTTPClient

    package init(_ place: DICOMwebPlace, timeouts: Timeouts = Timeouts()) throws(Unusable) {
        self.place = place
        self.timeouts = timeouts
        root = Self.root(of: place.url)
        var tls = TLSConfiguration.makeClientConfiguration()
        do {
            if let path = place.trusted { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(path)) }
            if let path = place.certificate, let key = place.key {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(path).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            }
        } catch {
            throw Unusable(description: "\(place.url): its certificates or key cannot be read: \(error)")
        }
        var configuration = HTTPClient.Configuration(
            tlsConfiguration: tls, redirectConfiguration: .disallow,
            timeout: .init(
                connect: .milliseconds(Int64(timeouts.connect * 1000)),
                read: .milliseconds(Int64(timeouts.answer * 1000)), write: .milliseconds(Int64(timeouts.answer * 1000)))
        )
        configuration.httpVersion = .http1Only
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit { try? client.syncShutdown() }

    /// Some write the address of the studies where that of the service is due.
    private static func root(of url: String) -> String {
        var root = url[...]
        while root.hasSuffix("/") { root.removeLast() }
        if root.hasSuffix("/studies") { root.removeLast("/studies".count) }
        return String(root)
    }

    // MARK: Services

    /// Store transaction (PS3.18 10.5) of one Part 10 file, as it is.
    package func store(path: String, sopInstanceUID: UID) -> DICOMwebOutcome {
        let body: MultipartFile
        do throws(MultipartFile.Failure) {
            body = try MultipartFile(path: path)
        } catch {
            return .notConnected(error.reason)
        }
        let isSent = Flag()
        let collector = AnswerCollector(maximum: Self.maximumAnswer)
        let request: HTTPClient.Request
        do {
            request = try HTTPClient.Request(
                url: root + "/studies", method: .POST,
                headers: try headers([("Content-Type", body.contentType), ("Accept", "application/dicom+json")]),
                body: .stream(contentLength: body.length) { writer in
                    body.stream(to: writer, fragment: Self.fragment, collector: collector) { isSent.raise() }
                })
        } catch { return .notConnected("\(place.url): \(Self.words(error))") }
        switch perform(request, collector, bytes: body.length) {
        case .success(let response):
            return StoreResponse.outcome(
                status: response.status, body: response.body, of: sopInstanceUID)
        case .failure(let error):
            return isSent.isRaised
                ? .unanswered(Self.words(error)) : .notConnected("\(place.url): \(Self.words(error))")
        }
    }

    /// Search transaction (PS3.18 10.6) for one instance.
    package func find(studyInstanceUID: UID, seriesInstanceUID: UID, sopInstanceUID: UID) -> DICOMwebOutcome {
        let path = "/studies/\(studyInstanceUID)/series/\(seriesInstanceUID)/instances?SOPInstanceUID=\(sopInstanceUID)"
        do {
            let request = try HTTPClient.Request(
                url: root + path, method: .GET, headers: try headers([("Accept", "application/dicom+json")]))
            let response = try perform(request, AnswerCollector(maximum: Self.maximumAnswer)).get()
            return StoreResponse.search(
                status: response.status, body: response.body, of: sopInstanceUID)
        } catch { return .notConnected("\(place.url): \(Self.words(error))") }
    }

    // MARK: One request

    private func headers(_ lines: [(String, String)]) throws -> HTTPHeaders {
        var headers = HTTPHeaders(lines)
        headers.add(name: "User-Agent", value: "triaged")
        if let path = place.tokenFile {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw Unusable(description: "the token in \(path) cannot be read")
            }
            headers.add(
                name: "Authorization", value: "Bearer " + text.trimmingCharacters(in: .whitespacesAndNewlines))
        }
        return headers
    }

    private func perform(
        _ request: HTTPClient.Request, _ collector: AnswerCollector, bytes: Int64 = 0
    ) -> Result<AnswerCollector.Answer, any Error> {
        // Whatever happens, the call ends.
        let seconds = Int64(2 * timeouts.answer) + bytes / Self.slowest
        do {
            let deadline = NIODeadline.now() + .seconds(seconds)
            return .success(try client.execute(request: request, delegate: collector, deadline: deadline).wait())
        } catch {
            // A refusal stands, even if the rest of the request found no reader.
            if let answer = collector.answer, collector.isRefusal { return .success(answer) }
            return .failure(error)
        }
    }

    /// Ours, or the library's: nothing that the server wrote.
    private static func words(_ error: any Error) -> String {
        switch error {
        case let error as Unusable: error.description
        case let error as HTTPClientError where error == .readTimeout || error == .deadlineExceeded:
            "no answer in time"
        case let error as HTTPClientError where error == .connectTimeout: "no connection in time"
        case let error as HTTPClientError where error == .remoteConnectionClosed: "the connection was lost"
        case let error as NIOSSLError: "TLS: \(error)"
        case let error as NIOSSLExtraError: "TLS: \(error)"
        default: "\(error)"
        }
    }
}

/// Raised by one thread, asked by another.
private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
}

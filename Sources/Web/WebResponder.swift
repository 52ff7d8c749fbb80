// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import HTTPTypes
import Hummingbird
import Logging
import NIOCore

/// One request, one answer: which paths there are, and which methods they take.
struct WebResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    static let maximumBody = 4 << 10
    /// Characters of a search; no name, ID or accession number is longer (PS3.5 6.2).
    static let longestSearch = 64
    static let seconds = 5

    let needs: WebNeeds
    let feed: WorklistFeed
    let guardian: RequestGuard
    let logger: Logger

    func respond(to request: Request, context: Context) async throws -> Response {
        var response = await answer(request)
        response.headers.append(contentsOf: Page.securityHeaders)
        return request.method == .head ? response.createHeadResponse() : response
    }

    private func answer(_ request: Request) async -> Response {
        guard guardian.admits(authority: request.head.authority) else {
            return .error(
                .misdirectedRequest,
                "only loopback names are answered; a proxy must pass its own Host, as docs/nginx.conf does")
        }
        let path = request.uri.path
        if let asset = Page.assets[path] {
            return only([.get, .head], request) { .data(asset.type, asset.bytes) }
        }
        switch path {
        case "/api/worklist": return await only([.get, .head], request) { await worklist(request) }
        case "/api/refusals":
            return only([.get, .head], request) { .json(.ok, RefusalList(refusals: needs.refusals())) }
        case "/healthz": return only([.get, .head], request) { .json(.ok, ["status": "alive"]) }
        case "/readyz": return await only([.get, .head], request) { await readiness() }
        case "/metrics": return await only([.get, .head], request) { await metrics() }
        default: break
        }
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if path == "/api/deliver" { return await only([.post], request) { await deliver(nil, request) } }
        if parts.count == 5, parts[1] == "api", parts[2] == "worklist" {
            switch parts[4] {
            case "acknowledge":
                return await only([.post], request) { await acknowledge(String(parts[3]), request) }
            case "rerun": return await only([.post], request) { await rerun(String(parts[3]), request) }
            case "deliver": return await only([.post], request) { await deliver(String(parts[3]), request) }
            default: break
            }
        }
        return .error(.notFound, "no such path")
    }

    private func only(
        _ methods: [HTTPRequest.Method], _ request: Request, _ answer: () async -> Response
    ) async -> Response {
        methods.contains(request.method) ? await answer() : notAllowed(methods)
    }

    private func only(_ methods: [HTTPRequest.Method], _ request: Request, _ answer: () -> Response) -> Response {
        methods.contains(request.method) ? answer() : notAllowed(methods)
    }

    private func notAllowed(_ methods: [HTTPRequest.Method]) -> Response {
        var response = Response.error(.methodNotAllowed, "this path does not take that method")
        response.headers[.allow] = methods.map(\.rawValue).joined(separator: ", ")
        return response
    }

    /// With `?since=REVISION` the answer waits for another revision, and is 204 where none came.
    private func worklist(_ request: Request) async -> Response {
        if let text = request.uri.queryParameters["q"] { return await search(String(text)) }
        do {
            let since = request.uri.queryParameters["since"].map(String.init)
            let snapshot: WorklistFeed.Snapshot? = try await within(Self.seconds) {
                if let since { try await feed.change(from: since) } else { try await feed.read() }
            }
            guard let snapshot else { return Response(status: .noContent) }
            // The items are encoded once for all readers; what changes with each answer is put around them.
            var body = Data(#"{"items":"#.utf8)
            body.append(snapshot.items)
            let rest = [
                "revision": snapshot.revision, "receiving": needs.receiving, "notice": snapshot.notice,
                "now": Timestamp.string(Date(), milliseconds: true),
            ]
            body.append(Data(",".utf8))
            body.append(try JSONEncoder().encode(rest).dropFirst())
            return .data("application/json", body)
        } catch {
            return .error(.serviceUnavailable, "the worklist cannot be read; see the node's log")
        }
    }

    /// `?q=TEXT`: the studies that it means, at once.
    private func search(_ text: String) async -> Response {
        struct Answer: Encodable {
            var items: [WorklistItem]
            var isTruncated: Bool
        }
        guard text.unicodeScalars.count <= Self.longestSearch else {
            return .error(.badRequest, "search for at most \(Self.longestSearch) characters")
        }
        do {
            let found = try await within(Self.seconds) { try await needs.search(text) }
            let encoder = JSONEncoder()
            encoder.dateEncodingStrategy = Timestamp.encoding
            encoder.outputFormatting = [.withoutEscapingSlashes]
            return .data(
                "application/json",
                try encoder.encode(Answer(items: found.items, isTruncated: found.isTruncated)))
        } catch {
            // What was searched for may name a patient: it is not written down.
            logger.error("a search failed", metadata: ["error": "\(error)"])
            return .error(.serviceUnavailable, "the search failed; see the node's log")
        }
    }

    private func readiness() async -> Response {
        struct Answer: Encodable {
            var ready: Bool
            var checks: [ReadinessCheck]
        }
        do {
            let checks = try await within(Self.seconds) { await needs.readiness() }
            let isReady = checks.allSatisfy(\.isReady)
            return .json(isReady ? .ok : .serviceUnavailable, Answer(ready: isReady, checks: checks))
        } catch {
            let check = ReadinessCheck(name: "readiness", isReady: false, reason: "\(error)")
            return .json(.serviceUnavailable, Answer(ready: false, checks: [check]))
        }
    }

    private func metrics() async -> Response {
        do {
            let metrics = try await within(Self.seconds) { await needs.metrics() }
            return .data("text/plain; version=0.0.4; charset=utf-8", Array(MetricFamily.text(metrics.families).utf8))
        } catch {
            return .error(.serviceUnavailable, "\(error)")
        }
    }

    private func acknowledge(_ study: String, _ request: Request) async -> Response {
        if let refusal = refusal(of: request) { return refusal }
        guard let study = UID(study) else { return .error(.badRequest, "not a Study Instance UID") }
        do {
            let body = try await collect(request.body)
            let command = try JSONDecoder().decode(AcknowledgeCommand.self, from: Data(body.readableBytesView))
            guard let by = command.signature else {
                return .error(
                    .badRequest, "\"by\" must name a person in 1 to \(AcknowledgeCommand.longest) printable characters")
            }
            let acknowledged = try await within(Self.seconds) {
                try await needs.acknowledge(study, by, command.runSequence)
            }
            guard let acknowledged else { return .error(.notFound, "no such study on the worklist") }
            await feed.wakeAll()
            return .json(.ok, ["acknowledged": acknowledged])
        } catch is DecodingError {
            return .error(.badRequest, #"send {"by": "NAME"}"#)
        } catch is NIOTooManyBytesError {
            return .error(.contentTooLarge, "at most \(Self.maximumBody) bytes")
        } catch is CancellationError {
            return .error(.requestTimeout, "the request took too long to arrive")
        } catch {
            logger.error("an acknowledgement was not kept", metadata: ["study": "\(study)", "error": "\(error)"])
            return .error(.serviceUnavailable, "the acknowledgement was not kept; see the node's log")
        }
    }

    /// The whole body within the deadline. The reading ends before this returns, for the connection goes on with the same
    /// stream.
    private func collect(_ body: RequestBody) async throws -> ByteBuffer {
        try await withThrowingTaskGroup(of: ByteBuffer?.self) { group in
            group.addTask { try await body.collect(upTo: Self.maximumBody) }
            group.addTask {
                try await Task.sleep(for: .seconds(Self.seconds))
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let buffer = first else { throw CancellationError() }
            return buffer
        }
    }
}

/// The body of an acknowledgement.
struct AcknowledgeCommand: Decodable {
    static let longest = 64

    var by: String
    var runSequence: Int?

    /// Nil where `by` names nobody, or holds what could disguise a name: control characters and changes of direction.
    var signature: String? {
        let name = by.trimmingCharacters(in: .whitespacesAndNewlines)
        guard (1...Self.longest).contains(name.count), name.unicodeScalars.count <= 4 * Self.longest else { return nil }
        let isPrintable = name.unicodeScalars.allSatisfy { scalar in
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned: false
            case .format: scalar == "\u{200C}" || scalar == "\u{200D}"
            default: true
            }
        }
        return isPrintable ? name : nil
    }
}

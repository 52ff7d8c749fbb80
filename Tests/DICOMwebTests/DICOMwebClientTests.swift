// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Support
import Testing

@testable import DICOMweb

@Suite("DICOMweb") struct DICOMwebClientTests {
    private static let instance = UID(literal: "2.25.77")
    private let directory: TemporaryDirectory
    private let file: String

    init() throws {
        directory = try TemporaryDirectory()
        file = directory.file("result.dcm")
        // More than one fragment, and an odd end.
        var bytes = Part10Writer.bytes(sopInstanceUID: "2.25.77", pixelBytes: 700_001).file
        // No two fragments are alike.
        var state: UInt32 = 1
        for index in (bytes.count - 700_001)..<bytes.count {
            state = state &* 1_664_525 &+ 1_013_904_223
            bytes[index] = UInt8(state >> 24)
        }
        try Data(bytes).write(to: URL(fileURLWithPath: file))
    }

    private func client(
        _ origin: ScriptedOrigin, scheme: String = "http", _ change: (inout DICOMwebPlace) -> Void = { _ in },
        answer: Double = 10
    ) throws -> DICOMwebClient {
        var place = DICOMwebPlace(url: "\(scheme)://127.0.0.1:\(origin.port)/dicom-web")
        change(&place)
        var timeouts = DICOMwebClient.Timeouts()
        timeouts.answer = answer
        timeouts.connect = 2
        return try DICOMwebClient(place, timeouts: timeouts)
    }

    private func store(_ client: DICOMwebClient) -> DICOMwebOutcome {
        client.store(path: file, sopInstanceUID: Self.instance)
    }

    private func find(_ client: DICOMwebClient) -> DICOMwebOutcome {
        client.find(
            studyInstanceUID: UID(literal: "1.2.3.9"), seriesInstanceUID: UID(literal: "1.2.3.9.1"),
            sopInstanceUID: Self.instance)
    }

    @Test("a file is stored byte by byte as one part, and found afterwards [WEB-1]")
    func stored() throws {
        let origin = try ScriptedOrigin()
        let client = try client(origin)
        #expect(find(client) == .notFound)
        #expect(store(client) == .stored(warning: nil))
        #expect(origin.files == [try Data(contentsOf: URL(fileURLWithPath: file))])
        #expect(
            origin.requests[1]
                == "POST /dicom-web/studies type=\"application/dicom\" Content-Type: application/dicom"
        )
        #expect(find(client) == .found)
        #expect(
            origin.requests.last == "GET /dicom-web/studies/1.2.3.9/series/1.2.3.9.1/instances?SOPInstanceUID=2.25.77")
        // An address that names the studies means the same service.
        let other = try self.client(origin) { $0.url += "/studies/" }
        #expect(find(other) == .found)
    }

    @Test("what the server says of the instance is the outcome, and what it says of nothing is its status [WEB-2]")
    func responses() throws {
        func item(_ more: String) -> String { #"{"00081155":{"vr":"UI","Value":["%UID%"]}\#(more)}"# }
        let failed = #","00081197":{"vr":"US","Value":[43264]}"#
        let warned = #","00081196":{"vr":"US","Value":[45056]}"#
        let answers: [(ScriptedOrigin.Answer, DICOMwebOutcome)] = [
            (
                .init(status: 409, body: #"{"00081198":{"vr":"SQ","Value":[\#(item(failed))]}}"#),
                .failed(Status(rawValue: 0xA900))
            ),
            (
                .init(status: 202, body: #"[{"00081199":{"vr":"SQ","Value":[\#(item(warned))]}}]"#),
                .stored(warning: Status(rawValue: 0xB000))
            ),
            (.init(status: 200, body: #"{"00081199":{"vr":"SQ","Value":[\#(item(""))]}}"#), .stored(warning: nil)),
            // 200 beside a failure: the failure counts.
            (
                .init(status: 200, body: #"{"00081198":{"vr":"SQ","Value":[\#(item(failed))]}}"#),
                .failed(Status(rawValue: 0xA900))
            ),
            (.init(status: 409, body: ""), .answered(status: 409)),
            (
                .init(status: 409, body: #"{"00081198":{"Value":[{"00081155":{"Value":["1.2"]}}]}}"#),
                .answered(status: 409)
            ),
            (.init(status: 202, body: "<xml/>"), .answered(status: 202)),
            (.init(status: 503, body: "busy"), .answered(status: 503)),
            (.init(status: 307, body: ""), .answered(status: 307)),
        ]
        let origin = try ScriptedOrigin(answers.map(\.0))
        let client = try client(origin)
        for (answer, outcome) in answers { #expect(store(client) == outcome, "\(answer)") }
    }

    @Test("a refusal that comes before the request is out ends it, with what it says of the instance [WEB-2]")
    func early() throws {
        let body =
            #"{"00081198":{"vr":"SQ","Value":[{"00081155":{"vr":"UI","Value":["\#(Self.instance)"]},"00081197":{"vr":"US","Value":[272]}}]}}"#
        let origin = try ScriptedOrigin([
            .init(status: 403, isEarly: true, pause: 0.5), .init(status: 409, body: body, isEarly: true, pause: 0.5),
            .init(status: 302, isEarly: true, pause: 0.5),
        ])
        // More than the sockets hold: the rest finds no reader.
        let file = directory.file("large.dcm")
        var data = try Data(contentsOf: URL(fileURLWithPath: directory.file("result.dcm")))
        data.append(Data(count: 30_000_000))
        try data.write(to: URL(fileURLWithPath: file))
        let client = try client(origin, answer: 5)
        func store() -> DICOMwebOutcome {
            client.store(path: file, sopInstanceUID: Self.instance)
        }
        #expect(store() == .answered(status: 403))
        #expect(store() == .failed(Status(rawValue: 0x0110)))
        #expect(store() == .answered(status: 302))
        #expect(store() == .stored(warning: nil))
    }

    @Test("a request without an answer may have had its effect; one without a connection had none [WEB-2]")
    func unseen() throws {
        let origin = try ScriptedOrigin([.init(hangsUp: true), .init(pause: 1.5)])
        let client = try client(origin, answer: 0.5)
        guard case .unanswered = store(client), case .unanswered(let words) = store(client) else {
            Issue.record("an answer was seen")
            return
        }
        #expect(words == "no answer in time")
        let nobody = try DICOMwebClient(DICOMwebPlace(url: "http://127.0.0.1:\(freePort())/dicom-web"))
        guard case .notConnected = store(nobody) else {
            Issue.record("stored by nobody")
            return
        }
        guard
            case .notConnected = client.store(
                path: directory.file("none"), sopInstanceUID: Self.instance)
        else {
            Issue.record("no file was sent")
            return
        }
    }

    @Test("over TLS the server must be trusted and named, and the token goes along, read anew each time [WEB-3]")
    func secure() throws {
        let certificates = try Certificates()
        let origin = try ScriptedOrigin(tls: try certificates.issue("origin"), token: "secret")
        let token = directory.file("token")
        try "old\n".write(toFile: token, atomically: true, encoding: .utf8)
        let client = try client(origin, scheme: "https") {
            $0.trusted = certificates.authority
            $0.tokenFile = token
        }
        #expect(store(client) == .answered(status: 401))
        try "secret\n".write(toFile: token, atomically: true, encoding: .utf8)
        #expect(store(client) == .stored(warning: nil))
        #expect(find(client) == .found)
        // Another authority's word is none.
        let others = try Certificates()
        let stranger = try self.client(origin, scheme: "https") { $0.trusted = others.authority }
        guard case .notConnected(let words) = store(stranger) else {
            Issue.record("stored by a server that nobody vouches for")
            return
        }
        #expect(words.contains("TLS"), "\(words)")
        #expect(origin.files.count == 1)
    }
}

// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DICOM
import Foundation
import Logging
import Testing
import Triage

@testable import Web

@Suite(.serialized) struct WebServerTests {
    @Test("the worklist has every key of the contract, null where there is nothing to say, in reading order")
    func contract() async throws {
        let node = FixtureNode(Fixtures.mixed)
        let answer = try await withServer(node) { try await HTTPProbe(port: $0).get("/api/worklist") }
        #expect(answer.status == 200)
        #expect(answer.headers["content-type"] == "application/json")
        let items = try #require(answer.json["items"] as? [[String: Any]])
        #expect(items.map { $0["studyInstanceUID"] as? String } == Fixtures.mixed.map(\.studyInstanceUID.string))
        let keys = [
            "studyInstanceUID", "patientID", "patientName", "accessionNumber", "modality", "studyDescription",
            "receivedAt", "state", "run",
            "priority", "reason", "acknowledged", "series", "findings", "results",
        ]
        for item in items {
            for key in keys { #expect(item[key] != nil, "\(key)") }
        }
        let japanese = items[1]
        #expect(japanese["patientName"] as? String == "Yamada^Tarou=山田^太郎=やまだ^たろう")
        #expect(japanese["priority"] as? String == "critical")
        #expect(japanese["run"] as? String == "final")
        #expect(japanese["acknowledged"] is NSNull)
        #expect(items[5]["run"] is NSNull)
        #expect(items[5]["state"] as? String == "notAnalysed")
        let received = try #require(japanese["receivedAt"] as? String)
        #expect(received.wholeMatch(of: /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/) != nil)
        let finding = try #require((japanese["findings"] as? [[String: Any]])?.first)
        #expect(finding["label"] as? String == "Intracranial hemorrhage")
        #expect(finding["volumeML"] as? Double == 23.42)
        #expect(finding["confidence"] as? Double == 0.97)
        #expect(finding["model"] as? String == "head-ct-hyperdensity")
        #expect(
            finding["code"] as? [String: String] == [
                "value": "1386000", "scheme": "SCT", "meaning": "Intracranial hemorrhage",
            ])
        let result = try #require((japanese["results"] as? [[String: Any]])?.first)
        #expect(result["delivery"] as? String == "committed")
        #expect(result["destination"] as? String == "pacs")
        let acknowledged = try #require(items[9]["acknowledged"] as? [String: String])
        #expect(acknowledged["by"] == "Dr. Lindqvist")
        let without = try #require((items[3]["findings"] as? [[String: Any]])?.first)
        #expect(without["volumeML"] is NSNull)
    }

    @Test(
        "q searches, in any script; what is too long is refused",
        arguments: [
            ("yamada", 1), ("%E3%82%84%E3%81%BE%E3%81%A0", 1), ("%EF%BE%94%EF%BE%8F%EF%BE%80%EF%BE%9E", 1),
            ("H20037", 1), ("nobody", 0), ("", 0), ("%FF%FE", 0), ("%3Cscript%3E", 1),
            (String(repeating: "a", count: 64), 0), (String(repeating: "a", count: 65), nil),
        ] as [(String, Int?)])
    func search(query: String, count: Int?) async throws {
        let node = FixtureNode(Fixtures.mixed)
        let answer = try await withServer(node) { try await HTTPProbe(port: $0).get("/api/worklist?q=\(query)") }
        guard let count else {
            #expect(answer.status == 400)
            #expect(await node.searches.isEmpty)
            return
        }
        #expect(answer.status == 200)
        #expect((answer.json["items"] as? [[String: Any]])?.count == count)
        #expect(answer.json["isTruncated"] as? Bool == false)
        if query == "yamada" {
            let item = try #require((answer.json["items"] as? [[String: Any]])?.first)
            #expect((item["receivedAt"] as? String)?.hasSuffix("Z") == true)
        }
    }

    @Test("what is written can be read back, with milliseconds in the ledger and nowhere else")
    func roundTrip() async throws {
        var item = Fixtures.item(1, "Test^Anna")
        item.receivedAt = Date(timeIntervalSince1970: 1_795_341_600)
        item.times.firstInstanceAt = Date(timeIntervalSince1970: 1_795_341_600.25)
        item.times.secondsToNotification = 1.5
        let node = FixtureNode([item])
        let answer = try await withServer(node) { try await HTTPProbe(port: $0).get("/api/worklist") }
        #expect(answer.text.contains(#""receivedAt":"2026-11-22T10:00:00Z""#))
        #expect(answer.text.contains(#""firstInstanceAt":"2026-11-22T10:00:00.250Z""#))
        let decoder = JSONDecoder()
        decoder.dateDecodingStrategy = Timestamp.decoding
        #expect(try decoder.decode(Worklist.self, from: answer.body).items == [item])
    }

    @Test("an acknowledgement reaches the node with who and what was seen, and moves the study")
    func acknowledge() async throws {
        let node = FixtureNode(Fixtures.mixed)
        let study = Fixtures.uid(1)
        try await withServer(node) { port async throws in
            let probe = HTTPProbe(port: port)
            let answer = try await probe.post(
                "/api/worklist/\(study)/acknowledge", #"{"by": "  鈴木 Dr. O'Neil ", "runSequence": 1}"#)
            #expect(answer.status == 200)
            #expect((answer.json["acknowledged"] as? [String: String])?["by"] == "鈴木 Dr. O'Neil")
            let plain = try await probe.post(
                "/api/worklist/\(Fixtures.uid(2))/acknowledge", #"{"by": "x"}"#, type: "application/json; charset=utf-8"
            )
            #expect(plain.status == 200)
        }
        let kept = await node.acknowledgements
        #expect(kept.map(\.study) == [study, Fixtures.uid(2)])
        #expect(kept.map(\.by) == ["鈴木 Dr. O'Neil", "x"])
        #expect(kept.map(\.runSequence) == [1, nil])
    }

    static let refused: [(String, String, String, String?, [String], Int)] = [
        (
            "an empty name", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "  "}"#,
            "application/json", [], 400
        ),
        (
            "a name of 65 characters", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge",
            #"{"by": "\#(String(repeating: "x", count: 65))"}"#, "application/json", [], 400
        ),
        (
            "a control character", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "a\u0007b"}"#,
            "application/json", [], 400
        ),
        (
            "a change of direction", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "a\u202Eb"}"#,
            "application/json", [], 400
        ),
        ("no name", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", "{}", "application/json", [], 400),
        ("no JSON", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", "by=x", "application/json", [], 400),
        (
            "a form", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", "by=x",
            "application/x-www-form-urlencoded", [], 415
        ),
        (
            "plain text", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "x"}"#, "text/plain", [],
            415
        ),
        ("no content type", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "x"}"#, nil, [], 415),
        ("an unknown study", "/api/worklist/1.2.3/acknowledge", #"{"by": "x"}"#, "application/json", [], 404),
        (
            "a study that is no UID", "/api/worklist/..%2f..%2fetc/acknowledge", #"{"by": "x"}"#, "application/json",
            [], 400
        ),
        (
            "another site", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "x"}"#,
            "application/json", ["Sec-Fetch-Site: cross-site"], 403
        ),
        (
            "another origin", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "x"}"#,
            "application/json", ["Origin: http://evil.example"], 403
        ),
        (
            "an opaque origin", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "x"}"#,
            "application/json", ["Origin: null"], 403
        ),
        (
            "another port", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge", #"{"by": "x"}"#,
            "application/json", ["Origin: http://127.0.0.1:1"], 403
        ),
        (
            "a body too long", "/api/worklist/1.2.826.0.1.3680043.10.999.1/acknowledge",
            #"{"by": "x", "y": "\#(String(repeating: "y", count: 5000))"}"#, "application/json", [], 413
        ),
    ]

    @Test("an acknowledgement is refused for", arguments: refused)
    func refusals(what: String, path: String, body: String, type: String?, headers: [String], status: Int) async throws
    {
        let node = FixtureNode(Fixtures.mixed)
        let answer = try await withServer(node) {
            try await HTTPProbe(port: $0).post(path, body, type: type, headers: headers)
        }
        #expect(answer.status == status, "\(what): \(answer.text)")
        #expect((answer.json["error"] as? String)?.isEmpty == false)
        #expect(await node.acknowledgements.isEmpty)
    }

    @Test("a chunked body without a length is bounded too")
    func chunked() async throws {
        let node = FixtureNode(Fixtures.mixed)
        let answer = try await withServer(node) { port async throws in
            let chunk = "1000\r\n" + String(repeating: " ", count: 4096) + "\r\n"
            return try await HTTPProbe(port: port).raw(
                "POST /api/worklist/\(Fixtures.uid(1))/acknowledge HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                    + "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n\(chunk)\(chunk)0\r\n\r\n")
        }
        #expect(answer.status == 413)
        #expect(await node.acknowledgements.isEmpty)
    }

    @Test(
        "our own page may acknowledge, by the browser's word or by its origin",
        arguments: ["Sec-Fetch-Site: same-origin", "Origin: http://127.0.0.1:PORT"])
    func sameOrigin(header: String) async throws {
        let node = FixtureNode(Fixtures.mixed)
        let answer = try await withServer(node) { port async throws in
            try await HTTPProbe(port: port).post(
                "/api/worklist/\(Fixtures.uid(1))/acknowledge", #"{"by": "x"}"#,
                headers: [header.replacingOccurrences(of: "PORT", with: "\(port)")])
        }
        #expect(answer.status == 200)
    }

    @Test(
        "behind a proxy that names the page's host, the page may acknowledge and no other",
        arguments: [
            ("https://triage.example.org", 200), ("https://evil.example", 403),
        ])
    func proxied(origin: String, status: Int) async throws {
        let node = FixtureNode(Fixtures.mixed)
        let answer = try await withServer(node) { port in
            try await HTTPProbe(port: port).post(
                "/api/worklist/\(Fixtures.uid(1))/acknowledge", #"{"by": "x"}"#,
                headers: ["Origin: \(origin)", "X-Forwarded-Host: triage.example.org"])
        }
        #expect(answer.status == status)
    }

    @Test("an acknowledgement that could not be kept is no success")
    func notKept() async throws {
        let node = FixtureNode(Fixtures.mixed)
        await node.setBroken(true)
        let answer = try await withServer(node) {
            try await HTTPProbe(port: $0).post("/api/worklist/\(Fixtures.uid(1))/acknowledge", #"{"by": "x"}"#)
        }
        #expect(answer.status == 503)
    }

    @Test(
        "a name that is not ours is turned away, whatever the path",
        arguments: ["evil.example", "evil.example:8104", "127.0.0.1.evil.example", "", "localhost@evil", "127.0.0.1:x"])
    func rebinding(host: String) async throws {
        let node = FixtureNode()
        try await withServer(node, names: ["triage.hospital.example"]) { port async throws in
            for path in ["/", "/api/worklist", "/metrics"] {
                #expect(try await HTTPProbe(port: port).get(path, host: host).status == 421)
            }
        }
    }

    @Test(
        "our names are let in",
        arguments: [
            "127.0.0.1", "localhost:8104", "[::1]:8104", "triage.hospital.example", "Triage.Hospital.Example:443",
        ])
    func ourNames(host: String) async throws {
        let node = FixtureNode()
        let answer = try await withServer(node, names: ["triage.hospital.example"]) {
            try await HTTPProbe(port: $0).get("/healthz", host: host)
        }
        #expect(answer.status == 200)
    }

    static let wrong: [(String, String, Int)] = [
        ("GET", "/nothing", 404), ("GET", "/api", 404), ("GET", "/api/worklist/", 404), ("GET", "/../etc/passwd", 404),
        ("GET", "/page.js.map", 404),
        ("POST", "/", 405), ("DELETE", "/api/worklist", 405), ("PUT", "/metrics", 405),
        ("GET", "/api/worklist/1.2.3/acknowledge", 405),
        ("OPTIONS", "/api/worklist/1.2.3/acknowledge", 405),
    ]

    @Test("unknown paths are 404 and wrong methods 405 with the right ones", arguments: wrong)
    func wrongRequests(method: String, path: String, status: Int) async throws {
        let answer = try await withServer(FixtureNode()) { try await HTTPProbe(port: $0).get(path, method: method) }
        #expect(answer.status == status)
        #expect((answer.headers["allow"] != nil) == (status == 405))
    }

    @Test("bytes that are no HTTP get 400, and the next request is served")
    func notHTTP() async throws {
        try await withServer(FixtureNode()) { port async throws in
            let probe = HTTPProbe(port: port)
            #expect(try await probe.raw("\u{1}\u{2}\u{3} nonsense\r\n\r\n").status == 400)
            #expect(
                try await probe.raw(
                    "GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "x", count: 100_000))\r\n\r\n"
                ).status == 400)
            #expect(try await probe.get("/healthz").status == 200)
        }
    }

    @Test("the page brings all of its files, forbids all others, and is kept by no cache")
    func page() async throws {
        try await withServer(FixtureNode()) { port async throws in
            let probe = HTTPProbe(port: port)
            for path in Page.assets.keys {
                let answer = try await probe.get(path)
                #expect(answer.status == 200)
                #expect(!answer.body.isEmpty)
                #expect(answer.headers["cache-control"] == "no-store")
                #expect(answer.headers["x-content-type-options"] == "nosniff")
                let policy = try #require(answer.headers["content-security-policy"])
                #expect(policy.contains("default-src 'none'") && !policy.contains("unsafe"))
            }
            let text = try await probe.get("/").text
            for reference in text.matches(of: /(?:src|href)="([^"]*)"/) {
                #expect(Page.assets[String(reference.1)] != nil, "\(reference.1)")
            }
            for (path, asset) in Page.assets where path.hasSuffix(".js") {
                let script = String(decoding: asset.bytes, as: UTF8.self)
                for reference in script.matches(of: /from '\.(\/[^']*)'/) {
                    #expect(Page.assets[String(reference.1)] != nil)
                }
                for sink in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("] {
                    #expect(!script.contains(sink), "\(path)")
                }
            }
            let head = try await probe.get("/", method: "HEAD")
            #expect(head.status == 200)
            #expect(head.body.isEmpty)
        }
    }

    @Test("health tells that the process lives, readiness what is missing")
    func health() async throws {
        let node = FixtureNode()
        await node.setBroken(true)
        try await withServer(node) { port async throws in
            let probe = HTTPProbe(port: port)
            #expect(try await probe.get("/healthz").status == 200)
            #expect(try await probe.get("/readyz").status == 200)
            await node.setChecks([
                ReadinessCheck(name: "index", isReady: true),
                ReadinessCheck(name: "worker", isReady: false, reason: "it ended 3 times in a minute"),
            ])
            let answer = try await probe.get("/readyz")
            #expect(answer.status == 503)
            #expect(answer.json["ready"] as? Bool == false)
            #expect(answer.text.contains("it ended 3 times in a minute"))
        }
    }

    @Test("metrics are Prometheus text")
    func metrics() async throws {
        let answer = try await withServer(FixtureNode()) { try await HTTPProbe(port: $0).get("/metrics") }
        #expect(answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
        #expect(answer.text.contains(#"triaged_build_info{version="1.0 \"quoted\""} 1"#))
    }

    @Test("a list that cannot be read is an error and never an old list")
    func broken() async throws {
        let node = FixtureNode(Fixtures.mixed)
        try await withServer(node) { port async throws in
            let probe = HTTPProbe(port: port)
            let revision = try #require(try await probe.get("/api/worklist").json["revision"] as? String)
            await node.setBroken(true)
            #expect(try await probe.get("/api/worklist").status == 503)
            #expect(try await probe.get("/api/worklist?since=\(revision)").status == 503)
            await node.setBroken(false)
            #expect(try await probe.get("/api/worklist").status == 200)
        }
    }

    @Test("a reader who waits hears of a change, and of none after a while")
    func waits() async throws {
        let node = FixtureNode(Fixtures.mixed)
        try await withServer(node) { port async throws in
            let probe = HTTPProbe(port: port)
            let revision = try #require(try await probe.get("/api/worklist").json["revision"] as? String)
            #expect(try await probe.get("/api/worklist?since=\(revision)").status == 204)
            async let waiting = probe.get("/api/worklist?since=\(revision)")
            try await Task.sleep(for: .milliseconds(100))
            await node.set(Array(Fixtures.mixed.prefix(2)))
            let answer = try await waiting
            #expect(answer.status == 200)
            #expect((answer.json["items"] as? [Any])?.count == 2)
            #expect(answer.json["revision"] as? String != revision)
        }
    }

    @Test("revisions of an earlier start of the node are never taken for current")
    func restart() async throws {
        let node = FixtureNode(Fixtures.mixed)
        let old = try await withServer(node) {
            try await HTTPProbe(port: $0).get("/api/worklist").json["revision"] as? String
        }
        let answer = try await withServer(node) {
            try await HTTPProbe(port: $0).get("/api/worklist?since=\(old ?? "")")
        }
        #expect(answer.status == 200)
    }

    @Test(
        "what triage says becomes an item, acknowledged only while nothing new has come",
        arguments: [(4, true), (3, false)])
    func fromTriage(seenThrough: Int, isAcknowledged: Bool) throws {
        let model = ModelIdentity(name: "m", version: "1", manufacturer: "", digest: "", isDemonstration: true)
        let finding = Finding(
            label: "Bleed", code: Fixtures.bleed, category: Fixtures.bleed, type: Fixtures.bleed, confidence: 0.5,
            priority: .critical)
        let triage = StudyTriage(
            StudyEvidence(
                studyInstanceUID: Fixtures.uid(1), arrivalSequence: 9,
                series: [
                    SeriesOutcome(
                        seriesInstanceUID: Fixtures.uid(2), state: .analysed, reason: "",
                        runs: [RunOutcome(sequence: 4, kind: .final, model: model, findings: [finding])])
                ], acknowledgement: Acknowledgement(by: "A", seenThrough: seenThrough)))
        let item = WorklistItem(triage, receivedAt: Date(), acknowledged: Acknowledged(by: "A", at: Date()))
        #expect(item.studyInstanceUID == Fixtures.uid(1))
        #expect(item.priority == .critical)
        #expect(item.findings.map(\.label) == ["Bleed"])
        #expect(item.runSequence == 4)
        #expect(item.sequence == 9)
        #expect(item.demonstration)
        #expect((item.acknowledged != nil) == isAcknowledged)
    }

    @Test(
        "it listens on loopback and on nothing else",
        arguments: [
            "0.0.0.0", "::", "10.0.0.1", "example.org", "", "127.1", "127.0.0.256", "128.0.0.1",
            "127.0.0.1.example.org", "127.0.0.01",
        ])
    func loopback(host: String) {
        #expect(throws: WebError.notLoopback(host: host)) {
            try WebServer(configuration: .init(host: host), needs: FixtureNode().needs, logger: Logger(label: "test"))
        }
    }

    @Test("a port that is taken is named")
    func taken() async throws {
        try await withServer(FixtureNode()) { port async throws in
            let second = try WebServer(
                configuration: .init(port: port), needs: FixtureNode().needs,
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
            await #expect {
                try await second.run()
            } throws: { error in
                guard case .cannotListen(_, port, _) = error as? WebError else { return false }
                return true
            }
        }
    }
}

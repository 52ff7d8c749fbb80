// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import DCMTK
import DICOM
import Foundation
import Support
import Testing

@testable import Association

/// Both roles over TLS, against DCMTK's tools and OpenSSL's client.
@Suite struct TLSTests {
    /// Made once: key generation takes its time.
    struct Fixture: Sendable {
        var certificates: Certificates
        var node: Certificates.Pair
        var ct1: Certificates.Pair
        /// Of another authority.
        var stranger: Certificates.Pair
        var elsewhere: Certificates

        static let shared = Result { () throws -> Fixture in
            let certificates = try Certificates()
            let elsewhere = try Certificates()
            return Fixture(
                certificates: certificates, node: try certificates.issue("node", key: Certificates.rsaKey),
                ct1: try certificates.issue("ct1", key: Certificates.rsaKey),
                stranger: try elsewhere.issue("stranger"), elsewhere: elsewhere)
        }

        func context(_ pair: Certificates.Pair? = nil, requiresCertificate: Bool = true) throws -> TLSContext {
            let pair = pair ?? node
            return try TLSContext(
                files: .init(certificate: pair.certificate, key: pair.key, trusted: certificates.authority),
                requiresCertificate: requiresCertificate)
        }
    }

    let fixture: Fixture
    init() throws { fixture = try Fixture.shared.get() }

    private func node(timeouts: Timeouts = Node.quick, keepsBytes: Bool = true) throws -> Node {
        try Node(timeouts: timeouts, keepsBytes: keepsBytes, tls: try fixture.context())
    }

    private func echo(_ node: Node, _ pair: Certificates.Pair? = nil, calling: String = "CT1") throws -> Tool.Outcome {
        let tls = (pair ?? fixture.ct1).dcmtk(trusting: fixture.certificates.authority)
        return try Tool.run(
            "/usr/bin/echoscu", tls + ["-d", "-aet", calling, "-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"])
    }

    /// `openssl s_client` as far as the end of its standard input, which may be commands.
    private func client(_ node: Node, _ arguments: [String], input: String = "") throws -> Tool.Outcome {
        let script =
            input
            + " /usr/bin/openssl s_client -connect 127.0.0.1:\(node.tlsPort) \"$@\" 2>&1 | LC_ALL=C tr -cd '[:print:]\\n'"
        return try Tool.run(
            "/bin/sh",
            ["-c", script, "sh", "-CAfile", fixture.certificates.authority] + arguments, seconds: 30)
    }

    private func refusal(_ node: Node, _ count: Int = 1) throws -> String {
        let refused = eventually(within: 20) { node.record.now.refused.count >= count ? node.record.now.refused : nil }
        return try #require(refused?.last).reason
    }

    private func requestor(_ port: UInt16, _ context: TLSContext?, name: String? = nil) -> Requestor {
        var requestor = Requestor(
            callingAETitle: AETitle(literal: "CT1"), calledAETitle: AETitle(literal: "TRIAGED"), host: "127.0.0.1",
            port: port, timeouts: Node.quick)
        if let context { requestor.tls = .init(certificateName: name) { context } }
        return requestor
    }

    // MARK: acceptor

    @Test("echoscu is answered over TLS 1.3, with the subject of its certificate known, and plain beside it [TLS-1]")
    func mutual() throws {
        let node = try node()
        let outcome = try echo(node)
        #expect(outcome.status == 0, "\(outcome.output)")
        #expect(try node.answersEcho())
        #expect(node.waitForEnd(2) == [.released, .released])
        let info = node.record.now.opened
        #expect(info.first?.tls?.version == "TLSv1.3")
        #expect(info.first?.tls?.subject == "CN=ct1")
        #expect(info.last?.tls == nil)
    }

    @Test("100 MB arrive over TLS byte for byte, and small instances after them on the same association [TLS-2]")
    func large() throws {
        let directory = try TemporaryDirectory()
        let node = try node()
        let sizes = [100_000_000, 1000, 300_000]
        var sent: [Data] = []
        for (index, size) in sizes.enumerated() {
            let path = directory.file("\(index).dcm")
            let (file, dataSet) = Part10Writer.bytes(sopInstanceUID: "1.2.3.4.\(index)", pixelBytes: 0)
            // The length of the pixel data is what comes last.
            let pixels = Self.noise(size)
            let length = Data(PDUBytes.little32(UInt32(size)))
            try (Data(file.dropLast(4)) + length + pixels).write(to: URL(fileURLWithPath: path))
            sent.append(Data(dataSet.dropLast(4)) + length + pixels)
        }
        let outcome = try Tool.run(
            "/usr/bin/storescu",
            fixture.ct1.dcmtk(trusting: fixture.certificates.authority)
                + ["-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"]
                + sizes.indices.map { directory.file("\($0).dcm") },
            seconds: 240)
        #expect(outcome.status == 0, "\(outcome.output.suffix(2000))")
        #expect(node.waitForEnd() == [.released])
        let instances = node.record.now.instances
        #expect(instances.count == sent.count)
        for (instance, data) in zip(instances, sent) {
            #expect(Data(instance.bytes) == data)
            #expect(instance.finished == 1)
        }
    }

    private static func noise(_ count: Int) -> Data {
        let block = Data((0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) })
        var data = Data(capacity: count)
        while data.count < count { data += block.prefix(count - data.count) }
        return data
    }

    struct Refused: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var arguments: @Sendable (Fixture) throws -> [String]
        var reason: String
        init(_ name: String, _ reason: String, _ arguments: @escaping @Sendable (Fixture) throws -> [String]) {
            testDescription = name
            self.reason = reason
            self.arguments = arguments
        }
    }

    @Test(
        "a handshake that fails is refused with the reason in words, and the next peer is served [TLS-3]",
        arguments: [
            Refused("no certificate, TLS 1.3", "the peer sent no certificate") { _ in ["-tls1_3"] },
            Refused("no certificate, TLS 1.2", "the peer sent no certificate") { _ in ["-tls1_2"] },
            Refused("another authority", "not trusted: unable to get local issuer certificate") { $0.stranger.client },
            Refused("expired", "not trusted: certificate has expired") {
                try $0.certificates.issue("expired", days: -1).client
            },
            Refused("self-signed", "not trusted: self-signed certificate") {
                try $0.certificates.issue("selfsigned", isSigned: false).client
            },
            Refused("a key of 1024 bits", "not trusted: EE certificate key too weak") {
                let pair = try $0.certificates.issue("weak", key: ["-newkey", "rsa:1024", "-nodes"])
                return pair.client + ["-cipher", "ALL:@SECLEVEL=0"]
            },
            Refused("TLS 1.1", "no common TLS version or cipher: unsupported protocol") {
                $0.ct1.client + ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"]
            },
            Refused("TLS 1.0", "no common TLS version or cipher: unsupported protocol") {
                $0.ct1.client + ["-tls1", "-cipher", "ALL:@SECLEVEL=0"]
            },
            Refused("no forward secrecy", "no common TLS version or cipher: no shared cipher") {
                $0.ct1.client + ["-tls1_2", "-cipher", "AES256-GCM-SHA384"]
            },
        ])
    func refusals(refused: Refused) throws {
        let node = try node()
        let outcome = try client(node, refused.arguments(fixture), input: "sleep 1 |")
        #expect(try refusal(node).contains(refused.reason), "\(node.record.now.refused) \(outcome.output)")
        #expect(node.record.now.opened.isEmpty)
        #expect(try echo(node).status == 0)
    }

    @Test("plain DICOM and other noise on the TLS port, and TLS on the plain port, are told apart [TLS-4]")
    func wrongPort() throws {
        let node = try node()
        let plain = try Tool.run("/usr/bin/echoscu", ["-d", "-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"])
        #expect(plain.output.contains("Peer aborted Association"), "\(plain.output)")
        #expect(try refusal(node) == "plain DICOM on the TLS port")
        let tls = fixture.ct1.dcmtk(trusting: fixture.certificates.authority)
        let wrong = try Tool.run("/usr/bin/echoscu", tls + ["-aec", "TRIAGED", "127.0.0.1", "\(node.port)"])
        #expect(wrong.status != 0)
        #expect(try refusal(node, 2) == "TLS client on the plain port")
        let noise = try ScriptedPeer(port: node.tlsPort)
        try noise.play([.send(Array("GET / HTTP/1.1\r\n\r\n".utf8)), .expectEnd])
        #expect(try refusal(node, 3) == "the first bytes are no TLS")
        let hello = try ScriptedPeer(port: node.tlsPort)
        try hello.play([.send([0x16, 3, 1, 2, 0, 1]), .close])
        #expect(try refusal(node, 4) == "the peer closed the connection within the TLS handshake")
        #expect(try echo(node).status == 0)
    }

    @Test("silent, half-open and dripping handshakes do not delay a working peer, and are closed in time [TLS-5]")
    func slowHandshakes() throws {
        var timeouts = Node.quick
        timeouts.associate = .seconds(3)
        let node = try node(timeouts: timeouts)
        let silent = try (0..<5).map { _ in try ScriptedPeer(port: node.tlsPort) }
        let halfOpen = try ScriptedPeer(port: node.tlsPort)
        // A ClientHello of 512 bytes of which some come.
        halfOpen.send([0x16, 3, 1, 2, 0, 1, 0, 1, 0xFC, 3, 3])
        #expect(try echo(node).status == 0)
        #expect(node.record.now.refused.isEmpty)
        for peer in silent + [halfOpen] { #expect(peer.endsAfterReading()) }
        _ = try refusal(node, 6)
        #expect(node.record.now.refused.allSatisfy { $0.reason == "no whole TLS handshake in time" })
    }

    @Test("a peer that sends the handshake and its PDUs byte by byte is served [TLS-6]")
    func byteByByte() throws {
        let script = """
            import socket, ssl, sys
            port, ca, cert, key, pdus = int(sys.argv[1]), *sys.argv[2:6]
            context = ssl.create_default_context(cafile=ca)
            context.check_hostname = False
            context.load_cert_chain(cert, key)
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing)
            connection = socket.create_connection(("127.0.0.1", port))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.settimeout(20)
            def drip():
                for byte in outgoing.read(): connection.send(bytes([byte]))
            def call(step, *arguments):
                while True:
                    try:
                        result = step(*arguments)
                        drip()
                        return result
                    except ssl.SSLWantReadError:
                        drip()
                        incoming.write(connection.recv(65536))
            def pdu():
                data = b""
                while len(data) < 6: data += call(tls.read, 6 - len(data))
                length = int.from_bytes(data[2:6], "big")
                while len(data) < 6 + length: data += call(tls.read, 6 + length - len(data))
                return data[0]
            call(tls.do_handshake)
            answers = []
            for line in open(pdus):
                call(tls.write, bytes.fromhex(line))
                answers.append(pdu())
            print(answers)
            """
        let directory = try TemporaryDirectory()
        let pdus = [
            PDUBytes.associateRequest(), PDUBytes.data(3, command: true, last: true, PDUBytes.echoRequest()),
            PDUBytes.releaseRequest,
        ]
        let lines = pdus.map { $0.map { String(format: "%02x", $0) }.joined() }.joined(separator: "\n")
        try lines.write(toFile: directory.file("pdus"), atomically: true, encoding: .utf8)
        let node = try node()
        let outcome = try Tool.run(
            "/usr/bin/python3",
            [
                "-c", script, "\(node.tlsPort)", fixture.certificates.authority, fixture.ct1.certificate,
                fixture.ct1.key, directory.file("pdus"),
            ])
        #expect(outcome.output.contains("[2, 4, 6]"), "\(outcome.output)")
        #expect(node.waitForEnd() == [.released])
    }

    @Test("a key update is followed, renegotiation is refused, and no session is resumed [TLS-7]")
    func afterTheHandshake() throws {
        let directory = try TemporaryDirectory()
        let node = try node()
        try Data(PDUBytes.associateRequest()).write(to: URL(fileURLWithPath: directory.file("request")))
        let request = "cat \(directory.file("request"))"
        // K asks for new keys on both sides; the PDU comes under them.
        let updated = try client(
            node, fixture.ct1.client + ["-tls1_3"], input: "(sleep 1; echo K; sleep 1; \(request); sleep 2) |")
        #expect(updated.output.contains("KEYUPDATE"))
        #expect(updated.output.contains("TRIAGED_0"), "\(updated.output.suffix(500))")
        let renegotiated = try client(
            node, fixture.ct1.client + ["-tls1_2"], input: "(sleep 1; echo R; sleep 2) |")
        #expect(renegotiated.output.contains("RENEGOTIATING"))
        #expect(renegotiated.output.contains("no renegotiation"), "\(renegotiated.output.suffix(500))")
        let again = try client(node, fixture.ct1.client + ["-tls1_2", "-reconnect"], input: "sleep 1 |")
        #expect(again.output.contains("New, TLSv1.2"))
        #expect(!again.output.contains("Reused"), "\(again.output.suffix(500))")
        #expect(try echo(node).status == 0)
    }

    @Test("the suites accepted are those that docs/conformance.md lists, with RSA and ECDSA certificates [TLS-8]")
    func suites() throws {
        let document = try String(contentsOfFile: Daemon.repository + "/docs/conformance.md", encoding: .utf8)
        func listed(_ version: String) throws -> Set<String> {
            let line = try #require(document.split(separator: "\n").first { $0.hasPrefix("| \(version) |") })
            return Set(line.matches(of: /TLS_[A-Z0-9_]+/).map { String($0.0) })
        }
        let nodes = [
            try node(),
            try Node(tls: try fixture.context(try fixture.certificates.issue("ecdsa"))),
        ]
        for (version, flag, option) in [
            ("TLS 1.2", "-tls1_2", "-cipher"), ("TLS 1.3", "-tls1_3", "-ciphersuites"),
        ] {
            let list = try Tool.run(
                "/usr/bin/openssl",
                [
                    "ciphers", "-stdname", flag, "-ciphersuites",
                    flag == "-tls1_3"
                        ? "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256:TLS_AES_128_CCM_8_SHA256"
                        : "", "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
                ])
            var accepted: Set<String> = []
            var tried = 0
            for line in list.output.split(separator: "\n") {
                // TLS_… - NAME TLSv1.2 Kx=… Au=… : those of TLS 1.3 are listed with the others.
                let words = line.split(separator: " ", omittingEmptySubsequences: true).map(String.init)
                guard words.count > 3, (words[3] == "TLSv1.3") == (flag == "-tls1_3"), !line.contains("PSK"),
                    !line.contains("SRP")
                else { continue }
                tried += 1
                let name = option == "-cipher" ? words[2] + ":@SECLEVEL=0" : words[2]
                for node in nodes {
                    let outcome = try client(
                        node, fixture.ct1.client + [flag, option, name, "-brief"], input: "true |")
                    if outcome.output.contains("CONNECTION ESTABLISHED"), outcome.output.contains("Verification: OK") {
                        accepted.insert(words[0])
                    }
                }
            }
            #expect(tried > accepted.count)
            #expect(accepted == (try listed(version)))
        }
    }

    @Test("where certificates are accepted but not required, one that comes is still verified [TLS-9]")
    func optional() throws {
        let node = try Node(tls: try fixture.context(requiresCertificate: false))
        let anonymous = try Tool.run(
            "/usr/bin/echoscu",
            ["+tla", "+cf", fixture.certificates.authority, "-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"])
        #expect(anonymous.status == 0, "\(anonymous.output)")
        #expect(node.record.now.opened.first?.tls?.subject == "")
        _ = try client(node, fixture.stranger.client, input: "sleep 1 |")
        #expect(try refusal(node).contains("not trusted"))
    }

    @Test("an AE title that is bound to a certificate is refused with another one, and in plain [TLS-10]")
    func bound() throws {
        let node = try Node(
            tls: try fixture.context(), certificateNames: ["CT1": "ct1", "MR1": "mr1", "US1": "127.0.0.1"])
        #expect(try echo(node).status == 0)
        #expect(try echo(node, calling: "US1").status == 0)
        #expect(try echo(node, calling: "OTHER").status == 0)
        let other = try echo(node, calling: "MR1")
        #expect(other.output.contains("Calling AE Title Not Recognized"), "\(other.output)")
        #expect(try refusal(node) == "MR1 must show a certificate of mr1, and comes with a certificate of CN=ct1")
        #expect(try !node.answersEcho())
        #expect(try refusal(node, 2) == "CT1 must show a certificate of ct1, and comes with no TLS")
    }

    @Test("draining aborts a TLS association that stays, and frees both ports")
    func drain() throws {
        let node = try node()
        let association = try requestor(node.tlsPort, try fixture.context(fixture.ct1)).associate(for: [.verification])
        #expect(association.echo() == .answered(StatusAnswer(status: .success)))
        let ports = [node.port, node.tlsPort]
        #expect(node.acceptor.drain(within: .milliseconds(200)) == 1)
        #expect(association.echo() == .unanswered(reason: "the peer aborted the association"))
        #expect(node.waitForEnd() == [.stopped])
        for port in ports { #expect(throws: ToolError.self) { try ScriptedPeer(port: port) } }
    }

    // MARK: requestor

    @Test("storescp with TLS takes an echo and, byte for byte, a data set [TLS-11]")
    func storescp() throws {
        let directory = try TemporaryDirectory()
        let port = freePort()
        let peer = try Tool(
            "/usr/bin/storescp",
            fixture.ct1.dcmtk(trusting: fixture.certificates.authority)
                + ["--bit-preserving", "-od", directory.path, "-fe", ".stored", String(port)],
            log: directory.file("log"))
        defer { peer.signal(SIGTERM, within: 5) }
        let requestor = requestor(UInt16(port), try fixture.context(), name: "ct1")
        let isUp = eventually(within: 20) { requestor.echo() == .answered(StatusAnswer(status: .success)) ? true : nil }
        #expect(isUp == true, "\(requestor.echo()) \(peer.output)")
        let path = directory.file("1.dcm")
        let dataSet = try Part10Writer.write(to: path, sopInstanceUID: "1.2.3.4.1", pixelBytes: 3_000_000)
        let instance = StoredInstance(
            path: path, sopClassUID: UID(literal: "1.2.840.10008.5.1.4.1.1.2"),
            sopInstanceUID: UID(literal: "1.2.3.4.1"),
            transferSyntaxUID: TransferSyntax.explicitVRLittleEndian.uid)
        let association = try requestor.associate(for: [instance.proposal])
        for _ in 0..<3 { #expect(association.store(instance) == .answered(StatusAnswer(status: .success))) }
        association.release()
        let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
        let name = try #require(names.first { $0.hasSuffix(".stored") })
        let stored = try Data(contentsOf: URL(fileURLWithPath: directory.file(name)))
        #expect(stored.suffix(dataSet.count) == Data(dataSet))
    }

    @Test("as requestor, a peer without trust, without TLS, or of another name is not associated with [TLS-12]")
    func requestorRefuses() throws {
        let node = try node()
        func reason(_ requestor: Requestor) -> String {
            guard case .failed(.notConnected(let reason)) = requestor.echo() else { return "associated" }
            return reason
        }
        let trusted = try fixture.context(fixture.ct1)
        #expect(requestor(node.tlsPort, trusted, name: "node").echo() == .answered(StatusAnswer(status: .success)))
        #expect(
            reason(requestor(node.tlsPort, trusted, name: "pacs"))
                == "the peer's certificate is of CN=node, and pacs is due")
        let distrusting = try TLSContext(
            files: .init(
                certificate: fixture.ct1.certificate, key: fixture.ct1.key, trusted: fixture.elsewhere.authority),
            requiresCertificate: true)
        #expect(reason(requestor(node.tlsPort, distrusting)).contains("not trusted"))
        // In TLS 1.3 the acceptor's verdict comes after the handshake.
        let distrusted = try TLSContext(
            files: .init(
                certificate: fixture.stranger.certificate, key: fixture.stranger.key,
                trusted: fixture.certificates.authority), requiresCertificate: true)
        #expect(reason(requestor(node.tlsPort, distrusted)).contains("does not trust our certificate"))
        #expect(reason(requestor(node.port, trusted)).contains("the peer speaks no TLS on this port"))
        #expect(reason(requestor(node.tlsPort, nil)).contains("aborted"))
    }
}

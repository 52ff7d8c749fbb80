// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Support
import Testing

extension EndToEnd {
    /// The daemon over TLS: configuration, renewal of certificates, and other people's programs.
    @Suite("TLS", .serialized) struct TLSTests {
        /// A node with a port for TLS, and the certificates of both sides.
        private final class SecureNode {
            let certificates: Certificates
            let daemon: Daemon
            let tlsPort = freePort()
            let ct1: Certificates.Pair
            let node: Certificates.Pair
            /// What the configuration names, and the tests replace.
            let files = try! TemporaryDirectory()

            init(
                peers: [String] = ["CT1"], destinations: String = "destinations: []", extra: String = "",
                certificates: Certificates? = nil
            ) throws {
                self.certificates = try certificates ?? Certificates()
                node = try self.certificates.issue("node", key: Certificates.rsaKey)
                ct1 = try self.certificates.issue("ct1", key: Certificates.rsaKey)
                daemon = try Daemon(peers: peers, destinations: destinations, quietPeriod: 0.5)
                try install(node)
                try FileManager.default.copyItem(atPath: self.certificates.authority, toPath: files.file("ca.pem"))
                try daemon.edit {
                    $0.replacingOccurrences(
                        of: "  unknownPeers:",
                        with: """
                              tls:
                                port: \(tlsPort)
                                certificate: \(files.file("node.pem"))
                                key: \(files.file("node.key"))
                                trusted: \(files.file("ca.pem"))
                            \(extra)  unknownPeers:
                            """)
                }
            }

            /// As an administrator would: each file is replaced whole.
            func install(_ pair: Certificates.Pair) throws {
                for (from, name) in [(pair.key, "node.key"), (pair.certificate, "node.pem")] {
                    let new = files.file(name + ".new")
                    try? FileManager.default.removeItem(atPath: new)
                    try FileManager.default.copyItem(atPath: from, toPath: new)
                    chmod(new, 0o640)
                    rename(new, files.file(name))
                }
            }

            var tlsArguments: [String] { ct1.dcmtk(trusting: certificates.authority) }
            func echo() throws -> Tool.Outcome {
                try Tool.run(
                    "/usr/bin/echoscu",
                    tlsArguments + ["-aet", "CT1", "-aec", "TRIAGED", "-to", "20", "127.0.0.1", "\(tlsPort)"])
            }
            /// Serial number of the certificate that the node shows.
            func serial() throws -> String {
                let script = """
                    openssl s_client -connect 127.0.0.1:\(tlsPort) -cert \(ct1.certificate) -key \(ct1.key) </dev/null \
                    2>/dev/null | openssl x509 -noout -serial
                    """
                return try Tool.run("/bin/sh", ["-c", script]).output
            }
            func metric(_ name: String) throws -> Double? {
                let text = try HTTP.get(daemon.url("/metrics")).text
                return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap {
                    Double($0.dropFirst(name.count + 1))
                }
            }
        }

        private static func serial(of pair: Certificates.Pair) throws -> String {
            try Tool.run("/usr/bin/openssl", ["x509", "-in", pair.certificate, "-noout", "-serial"]).output
        }

        @Test(
            "a study sent by TLS is stored, analysed, and its results reach Orthanc by TLS; Orthanc sends by TLS too [TLS-13]"
        )
        func orthanc() throws {
            let certificates = try Certificates()
            let pacs = try certificates.issue("pacs", key: Certificates.rsaKey)
            let orthanc = try Orthanc(
                settings: """
                    "DicomTlsEnabled": true, "DicomTlsCertificate": "\(pacs.certificate)",
                    "DicomTlsPrivateKey": "\(pacs.key)", "DicomTlsTrustedCertificates": "\(certificates.authority)",
                    "DicomTlsRemoteCertificateRequired": true,
                    """)
            try orthanc.start()
            defer { orthanc.stop() }
            let node = try SecureNode(
                peers: ["CT1", "PACS"],
                destinations: """
                    destinations:
                      - {name: pacs, aeTitle: PACS, host: 127.0.0.1, port: \(orthanc.dicomPort), tls: true, certificateName: pacs}
                    """, certificates: certificates)
            try node.daemon.start()
            let study = try Fixtures.smallBleed(seed: 901)
            let sent = try Tool.run(
                "/usr/bin/storescu",
                node.tlsArguments + ["-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"] + study.files)
            #expect(sent.status == 0, "\(sent.output)")
            // Sent is settled too, where a destination cannot be asked; this one can.
            let isCommitted = try eventually(within: 120) {
                try node.daemon.item(study: study.studyInstanceUID).flatMap { item in
                    Fixtures.deliveries(item) == ["committed", "committed"] ? true : nil
                }
            }
            #expect(isCommitted == true, "\(node.daemon.output.suffix(2000))")
            #expect(try orthanc.instances(sopClassUID: Fixtures.segmentation).count == 1)
            // And the other way.
            let base = "http://127.0.0.1:\(orthanc.httpPort)"
            let modality = """
                {"AET": "TRIAGED", "Host": "127.0.0.1", "Port": \(node.tlsPort), "UseDicomTls": true}
                """
            let put = try Tool.run(
                "/usr/bin/curl", ["-s", "-X", "PUT", base + "/modalities/node", "-d", modality])
            #expect(put.status == 0)
            #expect(try HTTP.post(base + "/modalities/node/echo", json: "{}", seconds: 30).status == 200)
            let results = try orthanc.instances(sopClassUID: Fixtures.segmentation)
            let stored = try HTTP.post(base + "/modalities/node/store", json: "\"\(results[0])\"", seconds: 60)
            #expect(stored.status == 200, "\(stored.text)")
            #expect(node.daemon.output.contains("certificate=CN=pacs"), "\(node.daemon.output.suffix(2000))")
            let echo = try Command.run("echo", "--config", node.daemon.configurationPath, "pacs")
            #expect(echo.status == 0, "\(echo.output)")
            #expect(node.daemon.stop() == 0)
        }

        @Test(
            "pynetdicom keeps its TLS association over a renewal of the certificate, and under load nobody fails [TLS-14]"
        )
        func renewal() throws {
            let node = try SecureNode(peers: ["CT1", "PYNETDICOM"])
            try node.daemon.start()
            let directory = try TemporaryDirectory()
            let script = """
                import os, ssl, sys, time
                from pynetdicom import AE
                port, ca, cert, key, flag = int(sys.argv[1]), *sys.argv[2:6]
                context = ssl.create_default_context(cafile=ca)
                context.check_hostname = False
                context.load_cert_chain(cert, key)
                ae = AE("PYNETDICOM")
                ae.add_requested_context("1.2.840.10008.1.1")
                association = ae.associate("127.0.0.1", port, ae_title="TRIAGED", tls_args=(context, "node"))
                print("established", association.is_established, association.send_c_echo().Status, flush=True)
                for _ in range(600):
                    if os.path.exists(flag): break
                    time.sleep(0.1)
                print("later", association.send_c_echo().Status, flush=True)
                association.release()
                print("released", association.is_released)
                """
            let python = Daemon.repository + "/.build-judges/bin/python"
            let holding = try Tool(
                python,
                [
                    "-c", script, "\(node.tlsPort)", node.certificates.authority, node.ct1.certificate, node.ct1.key,
                    directory.file("go"),
                ], log: directory.file("pynetdicom"))
            let isOpen = eventually(within: 60) { holding.output.contains("established True 0") ? true : nil }
            try #require(isOpen == true, "\(holding.output)")

            // Echoes on two threads of another program, through five renewals.
            let echoes = try (0..<2).map { number in
                try Tool(
                    "/bin/sh",
                    [
                        "-c",
                        "until [ -e \"$0\" ]; do /usr/bin/echoscu \"$@\" || exit 1; done", directory.file("stop"),
                    ] + node.tlsArguments + ["-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"],
                    log: directory.file("echo-\(number)"))
            }
            for number in 0..<5 {
                let next = try node.certificates.issue("node-\(number)", key: Certificates.rsaKey)
                try node.install(next)
                let expected = try Self.serial(of: next)
                let isShown = try eventually(within: 20) { try node.serial() == expected ? true : nil }
                #expect(isShown == true, "\(node.daemon.output.suffix(1000))")
            }
            try Data().write(to: URL(fileURLWithPath: directory.file("stop")))
            for echo in echoes {
                let outcome = echo.wait(seconds: 60)
                #expect(outcome.status == 0, "\(outcome.output)")
            }
            try Data().write(to: URL(fileURLWithPath: directory.file("go")))
            let held = holding.wait(seconds: 90)
            #expect(held.output.contains("later 0") && held.output.contains("released True"), "\(held.output)")
            #expect(node.daemon.stop() == 0)
        }

        @Test(
            "certificates that cannot be used leave the old ones in use, and readiness, metrics and log say so [TLS-15]"
        )
        func brokenRenewal() throws {
            let node = try SecureNode()
            try node.daemon.start()
            let before = try node.serial()
            let daysLeft = try #require(try node.metric("triaged_tls_certificate_days_left"))
            #expect((89...90).contains(daysLeft))
            #expect(try node.metric("triaged_tls_reload_failed") == 0)
            try "no certificate".write(toFile: node.files.file("node.pem"), atomically: true, encoding: .utf8)
            let isNoted = try eventually(within: 20) { try node.metric("triaged_tls_reload_failed") == 1 ? true : nil }
            #expect(isNoted == true)
            #expect(try node.serial() == before)
            #expect(try node.echo().status == 0)
            let ready = try HTTP.get(node.daemon.url("/readyz"))
            #expect(ready.status == 200)
            #expect(ready.text.contains("no usable certificate"), "\(ready.text)")
            let status = try Command.run("status", "--config", node.daemon.configurationPath)
            #expect(
                status.output.contains("tls: \(node.files.file("node.pem")): no usable certificate"), "\(status.output)"
            )
            #expect(node.daemon.output.contains("the certificates read before stay in use"))
            // A key of another certificate.
            let other = try node.certificates.issue("other", key: Certificates.rsaKey)
            try node.install(.init(certificate: other.certificate, key: node.node.key))
            // Nobody looks but for a connection or a question.
            let isOther = try eventually(within: 20) {
                try HTTP.get(node.daemon.url("/readyz")).text.contains("does not fit") ? true : nil
            }
            #expect(isOther == true)
            #expect(try node.serial() == before)
            // SIGHUP looks at once, whether something changed or not.
            try node.install(other)
            kill(try #require(node.daemon.process?.processID), SIGHUP)
            let isGood = eventually(within: 20) {
                node.daemon.output.contains("TLS certificates were read again") ? true : nil
            }
            #expect(isGood == true)
            #expect(try node.serial() == (try Self.serial(of: other)))
            #expect(try node.metric("triaged_tls_reload_failed") == 0)
            #expect(node.daemon.stop() == 0)
        }

        @Test("SIGHUP does not end a node without TLS [TLS-16]")
        func hangUp() throws {
            let node = try Daemon()
            try node.start()
            kill(try #require(node.process?.processID), SIGHUP)
            let isSaid = eventually(within: 20) { node.output.contains("no certificates to read again") ? true : nil }
            #expect(isSaid == true, "\(node.output)")
            #expect(try node.echoes())
            #expect(node.stop() == 0)
        }

        @Test("with dicom.plain false there is no port but that for TLS [TLS-17]")
        func noPlain() throws {
            let node = try SecureNode(extra: "  plain: false\n")
            try node.daemon.start()
            #expect(try node.echo().status == 0)
            #expect(throws: ToolError.self) { try ScriptedPeer(port: UInt16(node.daemon.dicomPort)) }
            #expect(node.daemon.stop() == 0)
        }

        @Test("check and serve name the file that cannot be used, and check warns of one that expires soon [TLS-18]")
        func faultyFiles() throws {
            let node = try SecureNode()
            func expect(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
                for outcome in [try node.daemon.check(), try node.daemon.serveOnce()] {
                    #expect(outcome.status == 1, sourceLocation: sourceLocation)
                    #expect(outcome.output.contains(words), "\(outcome.output)", sourceLocation: sourceLocation)
                }
            }
            #expect(try node.daemon.check().status == 0)
            chmod(node.files.file("node.key"), 0o644)
            try expect("node.key: everybody may use this key (mode 644)")
            try node.install(.init(certificate: node.node.certificate, key: node.ct1.key))
            try expect("node.key: the key does not fit the certificate")
            try node.install(node.node)
            unlink(node.files.file("ca.pem"))
            try expect("ca.pem: cannot be read: No such file or directory")
            try "".write(toFile: node.files.file("ca.pem"), atomically: true, encoding: .utf8)
            try expect("ca.pem: no usable certificate")
            unlink(node.files.file("ca.pem"))
            try FileManager.default.copyItem(atPath: node.certificates.authority, toPath: node.files.file("ca.pem"))
            try node.install(try node.certificates.issue("weak", key: ["-newkey", "rsa:1024", "-nodes"]))
            try expect("node.pem: no usable certificate: ee key too small")
            try node.install(try node.certificates.issue("soon", days: 20))
            let soon = try node.daemon.check()
            #expect(soon.status == 0)
            #expect(soon.output.contains("node.pem: expires in 19 days"), "\(soon.output)")
            try node.install(try node.certificates.issue("late", days: -1))
            let late = try node.daemon.check()
            #expect(late.status == 1)
            #expect(late.output.contains("node.pem: has expired"), "\(late.output)")
        }

        @Test("TLS that could not work is an error of the configuration, with its line [TLS-19]")
        func faultyConfiguration() throws {
            func fault(_ change: (String) -> String) throws -> String {
                let node = try Daemon()
                try node.edit(change)
                let outcome = try node.check()
                #expect(outcome.status == 1)
                return outcome.output
            }
            let files = "certificate: /a.pem, key: /a.key, trusted: /ca.pem"
            func dicom(_ lines: String) -> (String) -> String {
                { $0.replacingOccurrences(of: "  unknownPeers:", with: "  \(lines)\n  unknownPeers:") }
            }
            #expect(try fault(dicom("plain: false")).contains("nobody could call"))
            #expect(
                try fault(dicom("tls: {certificate: /a.pem, key: /a.key}")).contains("`dicom.tls.trusted` is missing"))
            #expect(try fault(dicom("tls: {\(files), keys: /b}")).contains("did you mean `key`"))
            #expect(
                try fault(dicom("tls: {\(files), peerCertificates: ignore}")).contains("must be one of require, accept")
            )
            #expect(
                try fault(dicom("tls: {certificate: a.pem, key: /a.key, trusted: /ca.pem}")).contains("absolute path"))
            #expect(
                try fault { $0.replacingOccurrences(of: "port: 11119}", with: "port: 11119, tls: true}") }
                    .contains("`peers[0].tls` needs `dicom.tls`"))
        }

        @Test("the commands of docs/tls.md make certificates that work [TLS-20]")
        func documentedCommands() throws {
            let text = try String(contentsOfFile: Daemon.repository + "/docs/tls.md", encoding: .utf8)
            let block = try #require(text.firstMatch(of: /```sh\n(openssl(?:.|\n)*?)```/)).1
            let directory = try TemporaryDirectory()
            let made = try Tool.run("/bin/bash", ["-ec", "cd '\(directory.path)'\n" + String(block)], seconds: 120)
            #expect(made.status == 0, "\(made.output)")
            let node = try SecureNode()
            try node.install(.init(certificate: directory.file("node.pem"), key: directory.file("node.key")))
            unlink(node.files.file("ca.pem"))
            try FileManager.default.copyItem(atPath: directory.file("ca.pem"), toPath: node.files.file("ca.pem"))
            try node.daemon.start()
            let pair = Certificates.Pair(certificate: directory.file("ct1.pem"), key: directory.file("ct1.key"))
            let echo = try Tool.run(
                "/usr/bin/echoscu",
                pair.dcmtk(trusting: directory.file("ca.pem"))
                    + ["-aet", "CT1", "-aec", "TRIAGED", "127.0.0.1", "\(node.tlsPort)"])
            #expect(echo.status == 0, "\(echo.output)")
            #expect(node.daemon.stop() == 0)
        }
    }
}

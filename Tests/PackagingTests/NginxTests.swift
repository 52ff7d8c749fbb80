// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Support
import Testing

/// docs/nginx.conf, as it stands but for ports and paths, in front of a stand-in for the worklist.
@Suite("docs/nginx.conf")
struct NginxTests {
    let directory: TemporaryDirectory
    let httpPort = freePort()
    let httpsPort = freePort()
    let programs: [Tool]

    init() throws {
        let directory = try TemporaryDirectory()
        let worklistPort = freePort()
        func write(_ text: String, to name: String) throws {
            try text.write(toFile: directory.file(name), atomically: true, encoding: .utf8)
        }

        let certificate = try Tool.run(
            "/usr/bin/openssl",
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=triage.example.org",
                "-keyout", directory.file("key.pem"), "-out", directory.file("certificate.pem"),
            ])
        try #require(certificate.status == 0, "\(certificate.output)")
        let password = try Tool.run("/usr/bin/openssl", ["passwd", "-6", "a password"])
        try write("asmith:\(password.output)", to: "users")
        try FileManager.default.createDirectory(atPath: directory.file("www"), withIntermediateDirectories: true)
        try write("the worklist", to: "www/index.html")
        try write("some metrics", to: "www/metrics")

        let site = try String(contentsOfFile: Daemon.repository + "/docs/nginx.conf", encoding: .utf8)
            .replacing("listen 80;", with: "listen 127.0.0.1:\(httpPort);")
            .replacing("listen 443 ssl;", with: "listen 127.0.0.1:\(httpsPort) ssl;")
            .replacing("127.0.0.1:8104;", with: "127.0.0.1:\(worklistPort);")
            .replacing("/etc/nginx/triaged/", with: directory.file(""))
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(directory.file($0));" }
        try write(
            """
            user root; pid \(directory.file("pid")); daemon off; master_process off; events {}
            http { access_log off; \(temporary.joined(separator: " "))
            \(site)
            }
            """, to: "nginx.conf")
        let worklist = ["-m", "http.server", "\(worklistPort)", "--bind", "127.0.0.1", "-d", directory.file("www")]
        let nginx = ["-e", directory.file("error.log"), "-c", directory.file("nginx.conf")]
        programs = [
            try Tool("/usr/bin/python3", worklist, log: directory.file("worklist.log")),
            try Tool("/usr/sbin/nginx", nginx, log: directory.file("nginx.log")),
        ]
        self.directory = directory
        for (port, program) in zip([worklistPort, httpsPort], programs) {
            let answer = try eventually(within: 30) {
                // 7: nobody listens there
                let status = try Tool.run("/usr/bin/curl", ["-s", "--noproxy", "*", "http://127.0.0.1:\(port)/"]).status
                return status == 7 ? nil : status
            }
            try #require(answer != nil, "\(program.output)")
        }
    }

    /// The status, and after it the body, that a browser at the front door gets.
    private func get(_ scheme: String, _ page: String, _ options: String...) throws -> String {
        let port = scheme == "https" ? httpsPort : httpPort
        let answer = try Tool.run(
            "/usr/bin/curl",
            ["-s", "-k", "--noproxy", "*", "-w", " %{http_code} %{redirect_url}"] + options
                + ["--connect-to", "triage.example.org:\(port):127.0.0.1:\(port)"]
                + ["\(scheme)://triage.example.org:\(port)\(page)"])
        return answer.output.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    @Test("a reader sees the worklist over TLS after logging in, and nobody sees it without")
    func login() throws {
        #expect(try get("https", "/", "-u", "asmith:a password") == "the worklist 200")
        #expect(try get("https", "/").hasSuffix(" 401"))
        #expect(try get("https", "/", "-u", "asmith:another").hasSuffix(" 401"))
    }

    @Test("plain HTTP leads to HTTPS and shows nothing")
    func redirect() throws {
        let answer = try get("http", "/", "-u", "asmith:a password")
        #expect(answer.hasSuffix("301 https://triage.example.org/"))
        #expect(!answer.contains("the worklist"))
    }

    @Test("TLS 1.2 and 1.3 are spoken, and nothing older")
    func versions() throws {
        #expect(try get("https", "/", "-u", "asmith:a password", "--tlsv1.3") == "the worklist 200")
        #expect(try get("https", "/", "-u", "asmith:a password", "--tls-max", "1.2") == "the worklist 200")
        #expect(
            try get(
                "https", "/", "-u", "asmith:a password", "--tlsv1.0", "--tls-max", "1.1", "--ciphers",
                "DEFAULT@SECLEVEL=0") == "000")
    }

    @Test("metrics stay on the machine")
    func metrics() throws {
        #expect(try get("https", "/metrics", "-u", "asmith:a password").hasSuffix(" 403"))
    }
}

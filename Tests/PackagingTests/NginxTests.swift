// SPDX-FileCopyrightText: The triaged authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import Testing

/// docs/nginx.conf, as it stands but for ports and paths, in front of a stand-in for the worklist.
@Suite("docs/nginx.conf")
final class NginxTests {
    let directory: TemporaryDirectory
    let ports: [String: Int]
    private var started: [Process] = []

    init() throws {
        directory = try TemporaryDirectory()
        let free = try Command.run(
            "/usr/bin/python3", "-c",
            """
            import socket
            held = [socket.socket() for _ in range(3)]
            for each in held: each.bind(("127.0.0.1", 0))
            print(*(each.getsockname()[1] for each in held))
            """)
        let numbers = free.output.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }
        try #require(numbers.count == 3)
        ports = ["http": numbers[0], "https": numbers[1], "worklist": numbers[2]]

        let certificate = try Command.run(
            "/usr/bin/openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=triage.example.org",
            "-keyout", path("key.pem"), "-out", path("certificate.pem"))
        try #require(certificate.status == 0, "\(certificate.output)")
        let password = try Command.run("/usr/bin/openssl", "passwd", "-6", "a password")
        try directory.write("asmith:\(password.output)", to: "users", mode: 0o644)
        try directory.write("the worklist", to: "www/index.html")
        try directory.write("some metrics", to: "www/metrics")

        let site = try String(contentsOf: repository.appending(path: "docs/nginx.conf"), encoding: .utf8)
            .replacing("listen 80;", with: "listen 127.0.0.1:\(numbers[0]);")
            .replacing("listen 443 ssl;", with: "listen 127.0.0.1:\(numbers[1]) ssl;")
            .replacing("127.0.0.1:8104;", with: "127.0.0.1:\(numbers[2]);")
            .replacing("/etc/nginx/triaged/", with: path(""))
        try directory.write(
            """
            user root; pid \(path("pid")); error_log \(path("error.log")); daemon off; master_process off; events {}
            http { access_log off; client_body_temp_path \(path("body")); proxy_temp_path \(path("proxy"));
            fastcgi_temp_path \(path("fastcgi")); uwsgi_temp_path \(path("uwsgi")); scgi_temp_path \(path("scgi"));
            \(site)
            }
            """, to: "nginx.conf")
        try start(
            "/usr/bin/python3", "-m", "http.server", "\(numbers[2])", "--bind", "127.0.0.1", "--directory", path("www"))
        try start("/usr/sbin/nginx", "-e", path("error.log"), "-c", path("nginx.conf"))
        try waitUntilAnswered(numbers[2])
        try waitUntilAnswered(numbers[1])
    }

    deinit {
        // Not SIGTERM: a child inherits the signals that Dispatch blocks on the thread that starts it.
        for process in started {
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
    }

    private func path(_ name: String) -> String { directory.url.path + "/" + name }

    private func start(_ program: String, _ arguments: String...) throws {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        started.append(process)
    }

    private func waitUntilAnswered(_ port: Int) throws {
        let answered = try Command.run(
            "/usr/bin/python3", "-c",
            """
            import socket, time
            for _ in range(600):
                try:
                    socket.create_connection(("127.0.0.1", \(port))).close()
                    break
                except OSError:
                    time.sleep(0.05)
            else:
                raise SystemExit("nobody listens")
            """)
        try #require(answered.status == 0, "port \(port): \(answered.output)")
    }

    /// The status, and after it the body, that a browser at the front door gets.
    private func get(_ scheme: String, _ page: String, _ options: String...) throws -> String {
        let port = ports[scheme]!
        let answer = try Command.run(
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
